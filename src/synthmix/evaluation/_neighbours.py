"""Which images may be copies of which: a few candidates an image, to be looked at closely.

Images of 16 pixels a side and more are compared by the amplitudes of their low frequencies, which
hardly change where an image is shifted or mirrored. Smaller ones have too few of them: their
pixels are compared instead, as they are and mirrored, and what was shifted is found by its middle,
which then stands elsewhere in the other image, pixel for pixel.
"""

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from synthmix.evaluation._alignment import SHIFT, grey
from synthmix.types import Indices, Pixels

MOST = 8
"""Candidates of an image."""

SMALL = 16
"""Pixels a side below which pixels are compared instead of frequencies."""

_LEAST = 3  # looked at wherever there is one: whether it is near is told from the next ones
_ALIKE = 0.6  # cosine from which on images may be copies
_FREQUENCIES = 8  # in each direction
_REDUCED = 32
_BLOCK = 256  # images whose cosines with all others are in memory at a time
_STEP = 1024  # images whose values are made at a time

Values = NDArray[np.float32]


def candidates(images: Pixels, others: Pixels) -> Iterator[tuple[Indices, Indices]]:
    """Yield rows of `images` `[N, H, H, 3]` and of `others` that may show the same, block by block.

    A block's rows are sorted; each is in one block only.
    """
    if images.shape[1] < SMALL:
        found = np.concatenate([_by_pixels(images, others), _by_middles(images, others)])
        pairs = np.unique(found, axis=0)
        for start in range(0, len(images), _BLOCK):
            low, high = np.searchsorted(pairs[:, 0], [start, start + _BLOCK])
            yield pairs[low:high, 0], pairs[low:high, 1]
        return
    mine, theirs = _amplitudes(images), _amplitudes(others)
    mean = theirs.mean(0)
    mine, theirs = _unit(mine - mean), _unit(theirs - mean)
    for start in range(0, len(mine), _BLOCK):
        rows, columns = _largest(mine[start : start + _BLOCK] @ theirs.T)
        yield rows + start, columns


def _amplitudes(images: Pixels) -> Values:
    """Return the square roots of amplitudes `[N, D]`, as if all frequencies were equally strong.

    An image and its mirror image have the same, since each is joined with that of its mirror.
    """
    found = []
    for start in range(0, len(images), _STEP):
        luma = grey(images[start : start + _STEP], _REDUCED)
        side = luma.shape[1]
        window = np.sin(np.pi * (np.arange(side, dtype=np.float32) + 0.5) / side)
        weights = np.outer(window, window)
        mean = (luma * weights).sum((1, 2), keepdims=True) / weights.sum()
        amplitudes = np.abs(np.fft.rfft2((luma - mean) * weights))
        low = np.arange(min(_FREQUENCIES, side // 2))
        joined = amplitudes[:, low[:, None], low] + amplitudes[:, -low[:, None], low]
        joined *= np.maximum(np.hypot(low[:, None], low), 1)
        found.append(_unit(np.sqrt(joined.reshape(len(luma), -1)[:, 1:])))
    return np.concatenate(found)


def _unit(values: NDArray[np.floating]) -> Values:
    lengths = np.linalg.norm(values, axis=1, keepdims=True)
    found: Values = (values / np.maximum(lengths, 1e-9)).astype(np.float32)
    return found


def _largest(cosines: Values) -> tuple[Indices, Indices]:
    """Return rows and columns of the largest cosines of each row that has one above `_ALIKE`."""
    width = min(MOST, cosines.shape[1])
    (rows,) = np.nonzero(cosines.max(1) > _ALIKE)
    some = cosines[rows]
    top = np.argpartition(-some, width - 1, axis=1)[:, :width]
    values = np.take_along_axis(some, top, 1)
    order = np.argsort(-values, axis=1, kind="stable")
    top, values = np.take_along_axis(top, order, 1), np.take_along_axis(values, order, 1)
    is_kept = (values > _ALIKE) | (np.arange(width) < _LEAST)
    return np.repeat(rows, is_kept.sum(1)), top[is_kept]


def _by_pixels(images: Pixels, others: Pixels) -> Indices:
    """Return the pairs `[P, 2]` whose pixels are most alike, one of them mirrored or not."""
    parts = [_even_and_odd(images), _even_and_odd(others)]
    found = []
    for start in range(0, len(images), _BLOCK):
        even, odd = (part[start : start + _BLOCK] for part in parts[0])
        # mirroring turns the odd part's sign, so the better of the two is the sum of sizes
        cosines = even @ parts[1][0].T + np.abs(odd @ parts[1][1].T)
        rows, columns = _largest(cosines)
        found.append(np.stack([rows + start, columns], 1))
    return np.concatenate(found)


def _even_and_odd(images: Pixels) -> tuple[Values, Values]:
    luma = grey(images)
    flat = _unit((luma - luma.mean((1, 2), keepdims=True)).reshape(len(luma), -1))
    square = flat.reshape(luma.shape)
    even, odd = square + square[:, :, ::-1], square - square[:, :, ::-1]
    half = np.float32(0.5)
    return half * even.reshape(len(luma), -1), half * odd.reshape(len(luma), -1)


def _by_middles(images: Pixels, others: Pixels) -> Indices:
    """Return the pairs `[P, 2]` of which the one's middle stands in the other, mirrored or not."""
    windows, is_plain = _window_marks(others)
    places = np.flatnonzero(~is_plain.ravel())
    marks = windows.ravel()[places]
    order = np.argsort(marks, kind="stable")
    marks, places = marks[order], places[order] // windows.shape[1]
    found = []
    for turned in (images, images[:, :, ::-1]):
        mine, is_plain = _window_marks(turned)
        middle = mine.shape[1] // 2
        low = np.searchsorted(marks, mine[:, middle], "left")
        # a middle that many images share tells nothing
        count = np.searchsorted(marks, mine[:, middle], "right") - low
        rows = np.flatnonzero((count > 0) & (count <= MOST) & ~is_plain[:, middle])
        for row in rows:
            columns = places[low[row] : low[row] + count[row]]
            found.append(np.stack([np.full(len(columns), row), columns], 1))
    return np.concatenate([np.zeros((0, 2), np.int64), *found])


def _window_marks(images: Pixels) -> tuple[NDArray[np.uint64], NDArray[np.bool_]]:
    """Return a number for every window of the middle's size `[N, windows]`, and which are plain."""
    side = max(images.shape[1] - 2 * SHIFT, 1)
    generator = np.random.default_rng(0)
    weights = generator.integers(1, 2**63, (3, side, side), dtype=np.uint64) | np.uint64(1)
    windows = sliding_window_view(images, (side, side), axis=(1, 2))
    flat = windows.reshape(*windows.shape[:3], -1)
    marks = (flat.astype(np.uint64) * weights.ravel()).sum(-1)
    is_plain = (windows.max((-1, -2)) - windows.min((-1, -2)) < 8).all(-1)
    return marks.reshape(len(images), -1), is_plain.reshape(len(images), -1)
