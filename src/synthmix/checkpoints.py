"""Going on from a checkpoint, or beginning again where it cannot be read."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from synthmix.aside import unused

Work = TypeVar("Work")


def resumed(make: Callable[[], Work], load: Callable[[Work, Path], None], checkpoint: Path) -> Work:
    """Return what `make` makes, as the checkpoint left it where there is one.

    A checkpoint that was cut short, or is another's, costs the work since the beginning and no
    more: it is put aside, as `NAME.damaged`, and `make` makes the work anew.
    """
    work = make()
    if not checkpoint.exists():
        return work
    try:
        load(work, checkpoint)
    except Exception:  # whatever a reader is led to by what it reads
        os.replace(checkpoint, unused(checkpoint.with_name(f"{checkpoint.name}.damaged")))
        return make()
    return work
