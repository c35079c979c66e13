"""Results: every number of a finished study, computed from its record, stored, and compared."""
