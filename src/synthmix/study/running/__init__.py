"""The work itself, its progress, and what is kept of it: records, results and copies."""
