"""Synthetic images that show a real image which must stay unseen, found once for each content."""

from collections.abc import Sequence

import numpy as np

from synthmix.cached import ensure
from synthmix.evaluation.duplicates import DISTANCE, marks, matches
from synthmix.images import mark
from synthmix.store import Artifact, cache_folder
from synthmix.types import ImageSet, Indices

_ROWS = "rows.npy"


def showing(images: ImageSet, unseen: Sequence[tuple[ImageSet, Indices]]) -> Indices:
    """Return the sorted rows of `images` that show one of the unseen images at those rows.

    The same pixels, or nearly the same picture; what is not found is said in `leaks.py`.
    """
    settings = {
        "kind": "duplicates",
        "images": images.fingerprint,
        "unseen": [[each.fingerprint, mark(rows)] for each, rows in unseen],
        "distance": DISTANCE,
    }
    artifact = Artifact(cache_folder() / "duplicates", "rows", settings)

    def make() -> None:
        with artifact.part(_ROWS) as path, path.open("wb") as file:
            np.save(file, _found(images, unseen))
        artifact.seal()

    ensure(artifact, make)
    rows: Indices = np.load(artifact.path / _ROWS, allow_pickle=False)
    return rows


def _found(images: ImageSet, unseen: Sequence[tuple[ImageSet, Indices]]) -> Indices:
    mine = marks(images.pixels)
    rows = {
        match.row for each, chosen in unseen for match in matches(mine, marks(each.pixels[chosen]))
    }
    return np.array(sorted(rows), dtype=np.int64)
