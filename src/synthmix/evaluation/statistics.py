"""Intervals over seeds and differences paired by seed."""

from collections.abc import Sequence

import numpy as np
from scipy import stats

from synthmix.types import Score

LEVEL = 0.95


def over_seeds(values: Sequence[float]) -> Score:
    """Return the mean with Student's t interval at 95 %; no interval for a single seed.

    Source: Student 1908; the values are taken as independent and about normal.
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Score(mean, None, None, tuple(values))
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(values) - 1)) * error
    return Score(mean, mean - half, mean + half, tuple(values))


def paired(values: Sequence[float], baseline: Sequence[float]) -> Score:
    """Return the mean difference, seed by seed, with its t interval."""
    return over_seeds([one - other for one, other in zip(values, baseline, strict=True)])
