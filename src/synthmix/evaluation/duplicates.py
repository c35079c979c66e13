"""Images that are in two sets at once: the same pixels, or nearly the same picture.

What is found by neither is not known to be new: a picture that was cropped, mirrored or painted
anew has another hash. Source of the hash: Zauner 2010 (`checks.perceptual_hash`).
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmix.checks import perceptual_hash
from synthmix.types import Pixels

DISTANCE = 3
"""Bits of 64 in which two hashes may differ and still count as the same picture."""

CHECKED = f"exact pixels, and perceptual hashes of 64 bits at a distance of at most {DISTANCE}"
"""What was compared, in words."""

_CHUNK = 256


@dataclass(frozen=True)
class Marks:
    """What stands for each of N images in a comparison."""

    hashes: NDArray[np.uint64]
    """Perceptual hashes `[N]`."""

    pixels: tuple[bytes, ...]
    """A digest of each image's pixels."""


@dataclass(frozen=True)
class Match:
    """Image `row` of one set and image `other` of another show the same."""

    row: int
    other: int
    distance: int
    """Bits in which the hashes differ."""

    is_exact: bool
    """Whether every pixel is the same."""


def marks(images: Pixels) -> Marks:
    """Return what stands for these images `[N, H, W, 3]`; some 100 microseconds an image."""
    import hashlib

    found = [np.ascontiguousarray(image) for image in images]
    digests = tuple(hashlib.sha256(image.tobytes()).digest()[:16] for image in found)
    hashes = np.array([perceptual_hash(image) for image in found], dtype=np.uint64)
    return Marks(hashes, digests)


def matches(one: Marks, other: Marks) -> list[Match]:
    """Return all pairs that show the same, by the first set's rows, then the second's."""
    return list(_pairs(one, other))


def _pairs(one: Marks, other: Marks) -> Iterator[Match]:
    for start in range(0, len(one.hashes), _CHUNK):
        block = one.hashes[start : start + _CHUNK, None]
        distances = np.bitwise_count(block ^ other.hashes[None, :])
        for offset, column in np.argwhere(distances <= DISTANCE):
            row = start + int(offset)
            is_exact = one.pixels[row] == other.pixels[column]
            yield Match(row, int(column), int(distances[offset, column]), is_exact)
