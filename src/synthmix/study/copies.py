"""Which images of a study show which others, found once for each content."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthmix.cached import ensure
from synthmix.data import ImageSource, Split
from synthmix.errors import SettingError
from synthmix.evaluation.duplicates import REVISION, Copies, copies
from synthmix.images import mark
from synthmix.store import Artifact, cache_folder
from synthmix.types import ImageSet, Indices

_FILE = "copies.npz"


@dataclass(frozen=True, eq=False)
class Part:
    """Some images of a study, and where they come from."""

    images: ImageSet
    rows: Indices
    """Rows of `images`; what is found counts within them."""

    source: ImageSource
    split: Split

    def __len__(self) -> int:
        return len(self.rows)

    def names(self, places: Sequence[int]) -> Sequence[str]:
        """Return by which names a user finds the images at these places among the rows."""
        read = self.images.columns.get("row")
        rows = [int(self.rows[place]) for place in places]
        return self.source.names(self.split, rows if read is None else [read[row] for row in rows])


def whole(images: ImageSet, source: ImageSource, split: Split) -> Part:
    """Return a part of all images of a set."""
    return Part(images, np.arange(len(images)), source, split)


def found(one: Part, other: Part) -> Copies:
    """Return which images of one part show an image of the other."""
    artifact = Artifact(cache_folder() / "duplicates", "copies", _identity(one, other))
    try:
        ensure(artifact, lambda: _write(artifact, _compared(one, other)))
    except SettingError:  # the cache cannot be written to, and need not be
        return _compared(one, other)
    return _read(artifact)


def _identity(one: Part, other: Part) -> dict[str, object]:
    parts = [[each.images.fingerprint, mark(each.rows)] for each in (one, other)]
    return {"kind": "copies", "revision": REVISION, "parts": parts}


def _compared(one: Part, other: Part) -> Copies:
    return copies(one.images.pixels[one.rows], other.images.pixels[other.rows])


def _write(artifact: Artifact, told: Copies) -> None:
    with artifact.part(_FILE) as path, path.open("wb") as file:
        np.savez(
            file,
            kinds=told.kinds,
            shows=told.shows,
            distances=told.distances,
            seen=told.seen,
        )
    artifact.seal()


def _read(artifact: Artifact) -> Copies:
    with np.load(artifact.path / _FILE, allow_pickle=False) as file:
        return Copies(file["kinds"], file["shows"], file["distances"], file["seen"])
