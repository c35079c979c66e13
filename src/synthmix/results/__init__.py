"""Results: every number of a finished study, computed from its record, stored, and compared.

results = synthmix.results.load("results/quickstart")
results.verdict.label, results.table()
"""

import logging
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthmix.results.typed import Results


def load(folder: Path | str) -> "Results":
    """Return a finished study's results; raises ArtifactError or DataError where they are not.

    Those that were edited since they were written are returned, with a warning in the log.
    """
    from synthmix.results import typed
    from synthmix.store import is_altered

    found = typed.load(Path(folder))
    if is_altered(dict(found.raw)):
        logging.getLogger("synthmix").warning(
            "%s/results.json was edited or damaged since it was written; `synthmix evaluate %s` "
            "compares it with the stored predictions.",
            folder,
            folder,
        )
    return found
