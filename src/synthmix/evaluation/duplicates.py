"""Images that are in two sets at once: the same pixels, or the same picture slightly changed.

Every image of one set gets a few candidates of the other (`_neighbours`), and each is laid over it
(`_alignment`). A pair shows the same picture where

- its distance is about a third, at most, of that of the image's next candidate, and of what next
  candidates have in general: different digits are more alike than different photographs, so how
  alike different images are is told from these images themselves; or
- nearly all of the pixels where there is an edge are the same, as in a copy of which some pixels
  were painted over, or in one that was shifted and stands beside others like it.

Equal images are looked at once, however many there are. How much is missed and how much wrongly
found was measured: docs/measuring.md. Of smooth images, such as plain gradients, equal ones alone
are found: nothing in them tells one from another.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from synthmix.evaluation._alignment import LARGEST, SHIFT, aligned, edges, grey
from synthmix.evaluation._neighbours import SMALL, candidates
from synthmix.types import Indices, Pixels

REVISION = 1
"""Raised by hand when the same images give other copies."""

Kind = Literal["exact", "near", "shifted", "mirrored"]

KINDS: tuple[Kind, ...] = ("exact", "near", "shifted", "mirrored")
"""How an image may show another: every pixel the same; slightly changed in place; shifted by some
pixels; mirrored, in place or not."""

CHECKED = (
    "exact pixels, and edges laid over one another: slight changes of pixels, noise, contrast and "
    f"compression, shifts by up to {SHIFT} pixels, and mirror images"
)
"""What was compared, in words."""

NOT_CHECKED = "larger shifts and crops, turned or repainted copies, nearness in a feature space"

_NEAR = 0.35  # of the distance of the next candidate, and of that in general
_NEAR_SMALL = 0.28  # the same of images so small that chance alone makes them alike
_FARTHEST = 0.4  # distance up to which pixels are compared
_NEXT = 0.6  # that of a next candidate which is not there
_LEAST = 0.02  # distances below are one: rounding
_SAME = 0.85  # share of the pixels with an edge that are the same
_TOLERANCE = 2  # grey levels in which the same pixels may differ
_STEEP = 8  # grey levels between neighbours where there is an edge
_SMALLEST = 8  # pixels a side; of smaller images only equal ones are found
_FEWEST = 12  # pixels with an edge from which a share is told
_NONE = -1


@dataclass(frozen=True)
class Copies:
    """Which of N images show one of M others, and which others are shown.

    Where an image shows several others, the most alike stands for them.
    """

    kinds: NDArray[np.int8]
    """Index into `KINDS` `[N]`, -1 where none of the others is shown."""

    shows: Indices
    """Row among the others `[N]`, -1 where there is none."""

    distances: NDArray[np.float32]
    """How far the edges are from those of that other `[N]`, from 0 to 1."""

    seen: NDArray[np.int8]
    """Index into `KINDS` `[M]`: how each of the others is shown, -1 where it is not."""

    def counts(self) -> dict[str, int]:
        """Return how many of the N images show another, by kind."""
        return {name: int((self.kinds == index).sum()) for index, name in enumerate(KINDS)}


def copies(images: Pixels, others: Pixels) -> Copies:
    """Return which of the images `[N, H, H, 3]` show one of the others `[M, H, H, 3]`."""
    mine, theirs = _Distinct.of(images), _Distinct.of(others)
    found = _Found(len(mine.rows), len(theirs.rows))
    shared = [(row, theirs.at[mark]) for mark, row in mine.at.items() if mark in theirs.at]
    for row, column in shared:
        found.add(row, column, KINDS.index("exact"), 0.0)
    exact = {row for row, _ in shared}
    rest = np.array([row for row in range(len(mine.rows)) if row not in exact], dtype=np.int64)
    if len(rest) and len(theirs.rows) and images.shape[1] >= _SMALLEST:
        _search(found, images[mine.rows[rest]], rest, others[theirs.rows])
    return Copies(
        found.kinds[mine.group],
        np.append(theirs.rows, _NONE)[found.columns][mine.group],
        found.distances[mine.group],
        found.seen[theirs.group],
    )


@dataclass(frozen=True)
class _Distinct:
    """The distinct images of a set: the first row of each, and which of them each row is."""

    rows: Indices
    group: Indices
    at: dict[bytes, int]

    @classmethod
    def of(cls, images: Pixels) -> "_Distinct":
        at: dict[bytes, int] = {}
        rows: list[int] = []
        group = np.empty(len(images), np.int64)
        for row, image in enumerate(images):
            mark = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16).digest()
            group[row] = at.setdefault(mark, len(at))
            if len(at) > len(rows):
                rows.append(row)
        return cls(np.array(rows, dtype=np.int64), group, at)


class _Found:
    """The best of what was found, for each distinct image of the one set and of the other."""

    def __init__(self, num_rows: int, num_columns: int) -> None:
        self.kinds = np.full(num_rows, _NONE, np.int8)
        self.columns = np.full(num_rows, _NONE)
        self.distances = np.full(num_rows, np.inf, np.float32)
        self.seen = np.full(num_columns, _NONE, np.int8)

    def add(self, row: int, column: int, kind: int, distance: float) -> None:
        if distance < self.distances[row]:
            self.kinds[row], self.columns[row], self.distances[row] = kind, column, distance
        if self.seen[column] < 0 or kind < self.seen[column]:
            self.seen[column] = kind


def _search(found: _Found, images: Pixels, numbers: Indices, others: Pixels) -> None:
    """Add what of these images, `numbers` in the whole set, shows one of the others nearly."""
    parts = [
        _aligned(images, others, rows, columns)
        for rows, columns in candidates(images, others)
        if len(rows)
    ]
    if not parts:
        return
    pairs = _Pairs.joined(parts)
    near = _NEAR_SMALL if images.shape[1] < SMALL else _NEAR
    is_copy = _stands_out(pairs.rows, pairs.distances, len(images), near)
    doubtful = np.flatnonzero(~is_copy & (pairs.distances < _FARTHEST))
    is_copy[doubtful] = [_is_same(images, others, pairs, k) for k in doubtful.tolist()]
    kinds = np.where(pairs.is_mirrored, 3, np.where(pairs.shifts.any(1), 2, 1))
    for k in np.flatnonzero(is_copy):
        row, column = int(numbers[pairs.rows[k]]), int(pairs.columns[k])
        found.add(row, column, int(kinds[k]), float(pairs.distances[k]))


@dataclass(frozen=True)
class _Pairs:
    """P candidates: rows of both sets, and how the images lie best over one another."""

    rows: Indices
    columns: Indices
    distances: NDArray[np.float32]
    shifts: Indices
    is_mirrored: NDArray[np.bool_]

    @classmethod
    def joined(cls, parts: Sequence["_Pairs"]) -> "_Pairs":
        names = [each.name for each in fields(cls)]
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def _aligned(images: Pixels, others: Pixels, rows: Indices, columns: Indices) -> _Pairs:
    (one, row_of), (other, column_of) = (
        np.unique(each, return_inverse=True) for each in (rows, columns)
    )
    mine, theirs = grey(images[one]), edges(grey(others[other]))
    straight = edges(mine)
    kept = aligned(straight, row_of, theirs, column_of)
    turned = aligned(edges(mine, mirrored=True), row_of, theirs, column_of)
    is_mirrored = turned.distances < kept.distances
    is_faint = straight.is_faint[row_of] | theirs.is_faint[column_of]
    distances = np.where(is_faint, 1, np.minimum(kept.distances, turned.distances))
    shifts = np.where(is_mirrored[:, None], turned.shifts, kept.shifts)
    return _Pairs(rows, columns, distances, shifts, is_mirrored)


def _stands_out(
    rows: Indices, distances: NDArray[np.float32], total: int, near: float
) -> NDArray[np.bool_]:
    """Return which candidates are nearer by far than other images are to one another.

    Than the next candidate of the same image, and than next candidates are in general. `rows` `[P]`
    is the image of each, below `total`. Several candidates of an image may stand out together.
    """
    order = np.lexsort((distances, rows))
    counts = np.bincount(rows, minlength=total)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    table = np.full((total, int(counts.max(initial=0)) + 1), _NEXT, np.float32)
    table[rows[order], place] = distances[order]
    # what is missing is no nearer than what is there
    table = np.maximum.accumulate(np.maximum(table, _LEAST), axis=1)
    is_gap = table[:, :-1] <= near * table[:, 1:]
    num_near = (is_gap * np.arange(1, table.shape[1])).max(1, initial=0)
    following = table[np.arange(total), num_near][counts > 0]
    farthest = near * np.median(following)
    found = np.zeros(len(order), np.bool_)
    is_near = place < num_near[rows[order]]
    found[order] = is_near & (distances[order] <= max(farthest, _LEAST))
    return found


def _is_same(images: Pixels, others: Pixels, pairs: _Pairs, k: int) -> bool:
    """Whether nearly all pixels, also with an edge, are the same where a pair overlaps."""
    image, other = images[pairs.rows[k]], others[pairs.columns[k]]
    # shifts of images that were reduced are not known to the pixel
    down, right = (0, 0) if len(image) > LARGEST else pairs.shifts[k]
    turned = image[:, ::-1] if pairs.is_mirrored[k] else image
    height, width = other.shape[:2]
    one = turned[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]
    two = other[max(down, 0) : height - max(-down, 0), max(right, 0) : width - max(-right, 0)]
    differences = np.abs(one.astype(np.int16) - two).max(2)
    is_same = differences <= _TOLERANCE
    if is_same.mean() < _SAME:
        return False
    is_edge = _steep(one) | _steep(two)
    return bool(is_edge.sum() >= _FEWEST and is_same[is_edge].mean() >= _SAME)


def _steep(image: Pixels) -> NDArray[np.bool_]:
    """Whether a pixel differs clearly from one beside it."""
    levels = image.astype(np.int16).sum(2)
    found = np.zeros(levels.shape, np.bool_)
    for axis in (0, 1):
        is_step = np.abs(np.diff(levels, axis=axis)) > 3 * _STEEP
        before = [(0, 1) if each == axis else (0, 0) for each in (0, 1)]
        after = [(1, 0) if each == axis else (0, 0) for each in (0, 1)]
        found |= np.pad(is_step, before) | np.pad(is_step, after)
    return found
