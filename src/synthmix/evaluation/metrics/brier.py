"""Brier score: squared distance between predicted probabilities and the one-hot label."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.types import Direction


@dataclass(frozen=True, kw_only=True)
class Brier(Metric):
    """Sum of squares over the classes, mean over the images, in [0, 2] (Brier 1950, equation 2)."""

    direction: ClassVar[Direction] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, 2.0)

    def compute(self, predictions: Predictions) -> float:
        difference = np.exp(predictions.log_probabilities)
        difference[np.arange(len(predictions.labels)), predictions.labels] -= 1
        return float((difference**2).sum(axis=1).mean())
