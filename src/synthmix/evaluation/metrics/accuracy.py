"""Share of the test images whose most probable class is the true one."""

from dataclasses import dataclass
from typing import ClassVar

from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.types import Direction


@dataclass(frozen=True, kw_only=True)
class Accuracy(Metric):
    """Top-1 accuracy in [0, 1]."""

    direction: ClassVar[Direction] = "higher"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def compute(self, predictions: Predictions) -> float:
        return float((predictions.predicted == predictions.labels).mean())
