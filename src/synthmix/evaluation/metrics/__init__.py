"""Metrics: one number from the stored predictions of one run.

Each file holds one metric; it says once which way is better and between which bounds it lies.
"""

from abc import ABC, abstractmethod
from typing import ClassVar

from synthmix.evaluation.predictions import Predictions
from synthmix.registry import Component
from synthmix.types import Direction


class Metric(Component, ABC):
    """A number computed from predictions; the caller adds the interval over seeds."""

    direction: ClassVar[Direction]
    """Which way the metric improves."""

    bounds: ClassVar[tuple[float, float]]
    """Least and largest possible value."""

    @abstractmethod
    def compute(self, predictions: Predictions) -> float:
        """Return the metric's value for one run."""
