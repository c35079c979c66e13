"""The stored predictions of an arm at all its seeds, checked once so that they can be compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from synthmix.errors import DataError
from synthmix.types import Labels

Correct = NDArray[np.bool_]
"""Whether each test image was predicted right `[S, N]`, a row a seed."""


@dataclass(frozen=True)
class Runs:
    """Predicted classes `[S, N]` of an arm's runs, and the true labels `[N]`.

    `gather` makes them and looks for what would spoil a comparison.
    """

    name: str
    seeds: tuple[int, ...]
    predicted: Labels
    labels: Labels
    class_names: tuple[str, ...]

    @cached_property
    def correct(self) -> Correct:
        """Whether each image was predicted right `[S, N]`."""
        found: Correct = self.predicted == self.labels
        return found

    @property
    def accuracy(self) -> NDArray[np.float64]:
        """Share of the test images predicted right at each seed `[S]`."""
        found: NDArray[np.float64] = self.correct.mean(axis=1)
        return found

    def first(self, count: int) -> "Runs":
        """Return the runs of the first `count` seeds; raises DataError where there are fewer."""
        if count > len(self.seeds):
            raise DataError(f"Arm '{self.name}' has {len(self.seeds)} seeds, not {count}.")
        return self.only(self.seeds[:count])

    def only(self, seeds: Sequence[int]) -> "Runs":
        """Return the runs of these seeds, in this order; raises DataError where one is missing.

        It is for comparators that have more seeds than the arm they are compared with.
        """
        missing = sorted(set(seeds) - set(self.seeds))
        if missing:
            raise DataError(
                f"Arm '{self.name}' has no run of seed {_listed(missing)}; "
                f"it has {_listed(self.seeds)}."
            )
        rows = [self.seeds.index(seed) for seed in seeds]
        return replace(self, seeds=tuple(seeds), predicted=self.predicted[rows])


def gather(
    name: str,
    predicted: Mapping[int, Labels],
    labels: Labels,
    class_names: Sequence[str],
    *,
    every_class: bool = True,
) -> Runs:
    """Return an arm's runs from `{seed: predicted classes [N]}`.

    Raises DataError for fewer than 2 seeds, a test image without a prediction (too few of them, or
    one that is no class) and, where `every_class` must have some, a class without test images.
    """
    if len(predicted) < 2:
        raise DataError(
            f"Arm '{name}' has {len(predicted)} seed(s): an interval needs at least 2, "
            "a screening 3, a confirmation 5."
        )
    _check_labels(labels, class_names, every_class=every_class)
    for seed, found in predicted.items():
        _check_predicted(name, seed, np.asarray(found), labels, len(class_names))
    seeds = tuple(sorted(predicted))
    rows = np.stack([np.asarray(predicted[seed], dtype=np.int64) for seed in seeds])
    return Runs(name, seeds, rows, np.asarray(labels, dtype=np.int64), tuple(class_names))


def check_paired(one: Runs, other: Runs) -> None:
    """Raise DataError where two arms were not run at the same seeds and on the same test images."""
    if one.seeds != other.seeds:
        raise DataError(
            f"Arms '{one.name}' (seeds {_listed(one.seeds)}) and '{other.name}' (seeds "
            f"{_listed(other.seeds)}) are not paired: run both at the same seeds."
        )
    if one.class_names != other.class_names or not np.array_equal(one.labels, other.labels):
        raise DataError(
            f"Arms '{one.name}' ({len(one.labels)} test images) and '{other.name}' "
            f"({len(other.labels)}) were tested on different test sets: evaluate both on one."
        )


def _check_labels(labels: Labels, class_names: Sequence[str], *, every_class: bool) -> None:
    if np.any(labels < 0) or np.any(labels >= len(class_names)):
        raise DataError(f"The test labels must lie between 0 and {len(class_names) - 1}.")
    counts = np.bincount(labels, minlength=len(class_names))
    absent = [name for name, count in zip(class_names, counts, strict=True) if count == 0]
    if absent and every_class:
        raise DataError(
            f"The test set has no image of {', '.join(absent)}: its classes must be those of the "
            f"study ({', '.join(class_names)})."
        )


def _check_predicted(
    name: str, seed: int, predicted: Labels, labels: Labels, num_classes: int
) -> None:
    where = f"Arm '{name}', seed {seed}"
    if predicted.shape != labels.shape:
        raise DataError(
            f"{where}: {predicted.size} predictions for {len(labels)} test images; "
            "every image needs one."
        )
    wrong = np.flatnonzero((predicted < 0) | (predicted >= num_classes))
    if len(wrong):
        raise DataError(
            f"{where}: no prediction for test image {wrong[0]} ({len(wrong)} such images); "
            f"a prediction is a class from 0 to {num_classes - 1}."
        )


def _listed(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
