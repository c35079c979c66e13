"""An arm's scores on images that are not the test set, and its paired difference to another arm.

The same for a named test set, for a corruption at one severity, and for the mean over several of
them: then each number, and each image's outcome, is averaged first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synthmix.evaluation.crossed import LEAST_IMAGES, difference
from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.evaluation.statistics import over_seeds, paired
from synthmix.registry import Registry
from synthmix.types import Labels, Score

METRICS: Registry[Metric] = Registry("synthmix.evaluation.metrics", "Metric")


@dataclass(frozen=True)
class Scored:
    """An arm's runs on one set of images, in the order of their seeds."""

    numbers: Mapping[str, tuple[float, ...]]
    """Each metric's value at each seed."""

    correct: NDArray[np.float64]
    """How right each image was at each seed `[S, N]`: 0 or 1, or a mean over several versions."""

    def scores(self) -> dict[str, Score]:
        """Return each metric's mean over seeds with its t interval."""
        return {name: over_seeds(values) for name, values in self.numbers.items()}

    def less(self, other: "Scored") -> dict[str, Score]:
        """Return `self - other`, paired by seed and image.

        Accuracy has the crossed seeds x images interval of `crossed.py`, the other metrics the
        paired t interval over seeds: calibration error is no mean over images. One seed has none,
        nor has the accuracy on a single image. Seeds that only one of both has are left out.
        """
        both = min(len(self.correct), len(other.correct))
        found = {
            name: paired(values[:both], other.numbers[name][:both])
            for name, values in self.numbers.items()
        }
        accuracy = found.get("accuracy")
        if accuracy is not None and self.correct.shape[1] < LEAST_IMAGES:
            found["accuracy"] = replace(accuracy, low=None, high=None)
        elif both > 1:
            found["accuracy"] = difference(self.correct[:both], other.correct[:both]).score
        return found


def scored(logits: Sequence[NDArray[np.float32]], labels: Labels) -> Scored:
    """Return the scores of runs with these logits, `[N, K]` a seed."""
    runs = [Predictions(each, labels) for each in logits]
    metrics = {name: METRICS.build(name, {}) for name in METRICS.names()}
    numbers = {
        name: tuple(metric.compute(each) for each in runs) for name, metric in metrics.items()
    }
    correct = np.stack([each.predicted == labels for each in runs]).astype(np.float64)
    return Scored(numbers, correct)


def mean(many: Sequence[Scored]) -> Scored:
    """Return the mean over several versions of the same images, seed by seed."""
    numbers = {
        name: tuple(np.mean([each.numbers[name] for each in many], axis=0).tolist())
        for name in many[0].numbers
    }
    return Scored(numbers, np.mean([each.correct for each in many], axis=0))
