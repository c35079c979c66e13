"""What one seed's arms draw from, and the orders that make their subsets nested."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmix.errors import SettingError, counted
from synthmix.images import largest_remainder
from synthmix.seeding import generator
from synthmix.types import Indices, Labels


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
    """Labels of each set; -1 less the label where an image must not be drawn."""

    largest: Mapping[str, int]
    class_names: tuple[str, ...] = ()

    def real_rows(self, total: int) -> Indices:
        """Return `total` rows of the real training images, stratified, nested in larger totals.

        A total beyond the pool goes on into rows that other seeds' pools may hold.
        """
        return self._rows(self.real, "real", self.counts(total), self.counts(self.pool))

    def synthetic_rows(self, name: str, total: int) -> Indices:
        """Return `total` rows of a synthetic set in the real class proportions, nested likewise."""
        block = self.counts(self.largest[name])
        return self._synthetic(name, self.counts(total), block)

    def synthetic_rows_by_class(self, name: str, counts: NDArray[np.int64]) -> Indices:
        """Return as many rows of each class `[K]` of a synthetic set as `counts` says."""
        return self._synthetic(name, counts, counts)

    def _synthetic(self, name: str, wanted: NDArray[np.int64], block: NDArray[np.int64]) -> Indices:
        return self._rows(self.synthetic[name], f"synthetic {name}", wanted, block)

    def largest_total(self, name: str) -> int:
        """Return the most images of this set that still keep the real class proportions."""
        labels = self.synthetic[name]
        have = np.bincount(labels[labels >= 0], minlength=self.num_classes)
        share = self._proportions() / self._proportions().sum()
        # a class gets less than one image more, or less, than its share: no total beyond this fits
        limit = int(min((have[share > 0] + 1) / share[share > 0]))
        while (self.counts(limit) > have).any():
            limit -= 1
        return limit

    def left_out(self, name: str) -> str:
        """Return, in words for a message, how many images of a set must not be drawn."""
        return _left_out(int((self.synthetic[name] < 0).sum()), "")

    def _proportions(self) -> NDArray[np.int64]:
        return np.bincount(self.real, minlength=self.num_classes)

    def counts(self, total: int) -> NDArray[np.int64]:
        """Return how many images of each class `[K]` a total has in the real proportions."""
        return largest_remainder(self._proportions(), total)

    def _rows(
        self,
        labels: Labels,
        purpose: str,
        wanted: NDArray[np.int64],
        block: NDArray[np.int64],
    ) -> Indices:
        chosen = [
            self._order(labels, label, purpose, int(block[label]))[: wanted[label]]
            for label in range(self.num_classes)
        ]
        short = [label for label, rows in enumerate(chosen) if len(rows) < wanted[label]]
        if short:
            label = short[0]
            told = _left_out(int((labels == -1 - label).sum()), " of it")
            raise SettingError(
                f"{purpose}: {counted(wanted[label], 'images')} of class {self._named(label)} "
                f"{'is' if wanted[label] == 1 else 'are'} asked for, "
                f"{len(chosen[label])} exist{told}."
            )
        return np.sort(np.concatenate(chosen))

    def _named(self, label: int) -> str:
        return f"'{self.class_names[label]}'" if self.class_names else str(label)

    def _order(self, labels: Labels, label: int, purpose: str, block: int) -> Indices:
        rows = np.flatnonzero(labels == label)
        blocks = max(len(rows) // max(block, 1), 1)
        lap, place = divmod(self.run, blocks)
        shuffled = generator(self.seed, purpose, lap, label).permutation(rows)
        return np.roll(shuffled, -place * block)


def _left_out(count: int, of: str) -> str:
    return f" (filters leave {count:,}{of} out)" if count else ""
