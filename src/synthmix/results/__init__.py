"""Results: every number of a finished study, computed from its record, stored, and compared.

results = synthmix.results.load("results/quickstart")
results.verdict.label, results.table()
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthmix.results.typed import Results


def load(folder: Path | str) -> "Results":
    """Return a finished study's results; raises ArtifactError or DataError where they are not."""
    from synthmix.results import typed

    return typed.load(Path(folder))
