"""What one seed's arms draw from, and the orders that make their subsets nested."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmix.errors import SettingError
from synthmix.images import largest_remainder
from synthmix.seeding import generator
from synthmix.types import Indices, Labels


@dataclass(frozen=True)
class Arm:
    """One point of the accuracy curve: a ratio of synthetic images from some sources."""

    name: str
    ratio: float
    sources: tuple[str, ...]
    """Names of the synthetic sets; empty where the arm is real images alone."""


@dataclass(frozen=True)
class Supply:
    """Labels of the images at hand for run number `run`.

    `pool` is the number of real images this seed's arms share; `synthetic` maps a set's name to
    its labels; `largest` to the most images any arm takes of it. Subsets of different seeds are
    disjoint as long as the supply lasts (`run + 1` times the largest arm), then reshuffled.
    """

    seed: int
    run: int
    num_classes: int
    real: Labels
    pool: int
    synthetic: Mapping[str, Labels]
    largest: Mapping[str, int]

    def real_rows(self, total: int) -> Indices:
        """Return `total` rows of the real training images, stratified, nested in larger totals."""
        return self._rows(self.real, "real", total, self.pool)

    def synthetic_rows(self, name: str, total: int) -> Indices:
        """Return `total` rows of a synthetic set in the real class proportions, nested likewise."""
        return self._rows(self.synthetic[name], f"synthetic {name}", total, self.largest[name])

    def largest_total(self, name: str) -> int:
        """Return the most images of this set that still keep the real class proportions."""
        have = np.bincount(self.synthetic[name], minlength=self.num_classes)
        share = self._proportions() / self._proportions().sum()
        limit = int(min(have[share > 0] / share[share > 0]))
        while (self._counts(limit) > have).any():
            limit -= 1
        return limit

    def _proportions(self) -> NDArray[np.int64]:
        return np.bincount(self.real, minlength=self.num_classes)

    def _counts(self, total: int) -> NDArray[np.int64]:
        return largest_remainder(self._proportions(), total)

    def _rows(self, labels: Labels, purpose: str, total: int, largest: int) -> Indices:
        wanted, block = self._counts(total), self._counts(max(largest, total))
        chosen = [
            self._order(labels, label, purpose, int(block[label]))[: wanted[label]]
            for label in range(self.num_classes)
        ]
        short = [label for label, rows in enumerate(chosen) if len(rows) < wanted[label]]
        if short:
            raise SettingError(
                f"{purpose}: {wanted[short[0]]} images of class {short[0]} are asked for, "
                f"{len(chosen[short[0]])} exist."
            )
        return np.sort(np.concatenate(chosen))

    def _order(self, labels: Labels, label: int, purpose: str, block: int) -> Indices:
        rows = np.flatnonzero(labels == label)
        blocks = max(len(rows) // max(block, 1), 1)
        lap, place = divmod(self.run, blocks)
        shuffled = generator(self.seed, purpose, lap, label).permutation(rows)
        return np.roll(shuffled, -place * block)
