"""Stored predictions of one run and what follows from them directly."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from synthmix.types import Labels


@dataclass(frozen=True)
class Predictions:
    """Logits `[N, K]` of every test image and the true labels `[N]`."""

    logits: NDArray[np.float32]
    labels: Labels

    @cached_property
    def log_probabilities(self) -> NDArray[np.float64]:
        """Natural logarithms of the predicted probabilities `[N, K]`."""
        found: NDArray[np.float64] = log_softmax(self.logits.astype(np.float64), axis=1)
        return found

    @cached_property
    def predicted(self) -> Labels:
        """The most probable class of each image `[N]`; ties go to the lower index."""
        found: Labels = self.logits.argmax(axis=1).astype(np.int64)
        return found

    @cached_property
    def confusion(self) -> NDArray[np.int64]:
        """Counts `[K, K]`: row true class, column predicted class."""
        num_classes = self.logits.shape[1]
        pairs = self.labels * num_classes + self.predicted
        counts = np.bincount(pairs, minlength=num_classes**2)
        return counts.reshape(num_classes, num_classes)

    @property
    def per_class_accuracy(self) -> list[float]:
        """Share of each class's images that are predicted right `[K]`."""
        found: list[float] = (np.diag(self.confusion) / self.confusion.sum(axis=1)).tolist()
        return found
