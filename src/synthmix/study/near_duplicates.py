"""Which images of a study show which others, found once for each content."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np

from synthmix.cached import ensure
from synthmix.data import ImageSource, Split
from synthmix.errors import SettingError
from synthmix.evaluation.duplicates import REVISION, Copies, copies
from synthmix.images import mark
from synthmix.store import Artifact, cache_folder
from synthmix.types import ImageSet, Indices

_FILE = "copies.npz"

_EXAMPLES = 3


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

    @property
    def place(self) -> str:
        """In which folder these names are found; empty where there is none."""
        return self.source.place(self.split)


def whole(images: ImageSet, source: ImageSource, split: Split) -> Part:
    """Return a part of all images of a set."""
    return Part(images, np.arange(len(images)), source, split)


@dataclass(frozen=True, eq=False)
class Overlap:
    """Which images of one part show an image of another."""

    one: Part
    other: Part
    copies: Copies

    @property
    def count(self) -> int:
        """How many images of the first part show one of the other."""
        return int((self.copies.kinds >= 0).sum())

    @property
    def share(self) -> float:
        """That as a share of the first part."""
        return self.count / max(len(self.one), 1)

    @property
    def largest_share(self) -> float:
        """The larger share of the two parts that is in the other."""
        shown = int((self.copies.seen >= 0).sum()) / max(len(self.other), 1)
        return max(self.share, shown)

    @property
    def kinds(self) -> str:
        """How many there are of each kind, in words."""
        counts = self.copies.counts()
        return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)

    def examples(self, most: int = _EXAMPLES) -> list[tuple[str, str]]:
        """Return the names of the first images and of what they show."""
        rows = np.flatnonzero(self.copies.kinds >= 0)[:most].tolist()
        shown = self.copies.shows[rows].tolist()
        if not rows:
            return []
        names = zip(self.one.names(rows), self.other.names(shown), strict=True)
        places = self.one.place, self.other.place
        return [told_apart(mine, theirs, *places) for mine, theirs in names]

    def told(self, one: str, other: str) -> str:
        """Return how many of the images called `one` are among those called `other`."""
        named = "; ".join(
            f"{mine} is in both" if mine == theirs else f"{mine} is {theirs}"
            for mine, theirs in self.examples()
        )
        return (
            f"{self.count} of {len(self.one)} {one} ({100 * self.share:.3g} %) are {other} too "
            f"({self.kinds}): {named}{'; ...' if self.count > _EXAMPLES else ''}"
        )


def between(one: Part, other: Part) -> Overlap:
    """Return which images of one part show an image of the other."""
    return Overlap(one, other, found(one, other))


def told_apart(mine: str, theirs: str, one: str, other: str) -> tuple[str, str]:
    """Return two names with as much of their places before them as tells these apart.

    As they are where the places are the same, or the names begin differently.
    """
    if one == other or _first(mine) != _first(theirs):
        return mine, theirs
    parts = PurePath(one).parts, PurePath(other).parts
    for count in range(1, max(map(len, parts)) + 1):
        heads = ["/".join(each[-count:]).replace("//", "/") for each in parts]
        if heads[0] != heads[1]:
            return f"{heads[0]}/{mine}", f"{heads[1]}/{theirs}"
    return mine, theirs


def _first(name: str) -> str:
    return re.split("[/,]", name, maxsplit=1)[0]


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
