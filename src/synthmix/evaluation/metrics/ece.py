"""Expected calibration error: how far confidence lies from accuracy, over bins of confidence."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.types import Direction


@dataclass(frozen=True, kw_only=True)
class Ece(Metric):
    """Weighted mean of |accuracy - confidence| over equal-width bins (Guo 2017, equation 3)."""

    direction: ClassVar[Direction] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    bins: Annotated[int, Ge(1), Le(10_000)] = 15
    """Number of equal-width bins of confidence on [0, 1]."""

    def compute(self, predictions: Predictions) -> float:
        confidence = np.exp(predictions.log_probabilities.max(axis=1))
        right = predictions.predicted == predictions.labels
        place = np.minimum((confidence * self.bins).astype(np.int64), self.bins - 1)
        gap = np.bincount(place, weights=right - confidence, minlength=self.bins)
        return float(np.abs(gap).sum() / len(right))
