"""Near-duplicates within a class, told in the order of the requests."""

import numpy as np
from numpy.typing import NDArray

from synthmix.checks import perceptual_hash
from synthmix.types import Pixels

DISTANCE = 3
"""Bits of 64 in which two perceptual hashes may differ and still count as the same picture."""


class Similar:
    """Compares every image with all earlier ones of its class, whatever shard they lie in."""

    def __init__(self) -> None:
        self._hashes: dict[int, NDArray[np.uint64]] = {}
        self._counts: dict[int, int] = {}

    def earlier(self, label: int, image: Pixels) -> int | None:
        """Return the place within its class of the first image that this one resembles."""
        found = np.uint64(perceptual_hash(image))
        known = self._hashes.get(label, np.zeros(0, np.uint64))
        count = self._counts.get(label, 0)
        distances = np.bitwise_count(known[:count] ^ found)
        (near,) = np.nonzero(distances <= DISTANCE)
        self._remember(label, found, known, count)
        return int(near[0]) if len(near) else None

    def _remember(
        self, label: int, found: np.uint64, known: NDArray[np.uint64], count: int
    ) -> None:
        if count == len(known):
            known = np.concatenate([known, np.zeros(max(count, 64), np.uint64)])
        known[count] = found
        self._hashes[label], self._counts[label] = known, count + 1
