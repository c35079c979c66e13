"""Negative log-likelihood of the true class, in nats."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.types import Direction


@dataclass(frozen=True, kw_only=True)
class Nll(Metric):
    """Mean of -ln p(true class); ln K for a classifier that knows nothing."""

    direction: ClassVar[Direction] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, float("inf"))

    def compute(self, predictions: Predictions) -> float:
        rows = np.arange(len(predictions.labels))
        return float(-predictions.log_probabilities[rows, predictions.labels].mean())
