"""Intervals over seeds, tests of one run, and corrections for many comparisons.

The interval of a verdict, over seeds and test images, is in `crossed.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import stdtrit

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
    half = float(stdtrit(len(values) - 1, (1 + LEVEL) / 2)) * error
    return Score(mean, mean - half, mean + half, tuple(values))


def paired(values: Sequence[float], baseline: Sequence[float]) -> Score:
    """Return the mean difference, seed by seed, with its t interval."""
    return over_seeds([one - other for one, other in zip(values, baseline, strict=True)])


@dataclass(frozen=True)
class McNemar:
    """Images that only one of two runs gets right, and the exact mid-p of such a split."""

    only_one: int
    only_other: int
    p: float


def mcnemar(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> McNemar:
    """Return the exact mid-p McNemar test of two runs `[N]` on the same images, two-sided.

    It describes two classifiers, not two ways to train: pooled over seeds it would reject far too
    often, so it takes one run of each. Source: Fagerland, Lydersen & Laake 2013, equation 3.
    """
    only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
    least, total = min(only_one, only_other), only_one + only_other
    half = stats.binom.cdf(least, total, 0.5) - stats.binom.pmf(least, total, 0.5) / 2
    return McNemar(only_one, only_other, min(1.0, float(2 * half)))


def holm(p: Sequence[float]) -> list[float]:
    """Return p-values adjusted for their number: the smallest times n, the next times n - 1, ...

    The chance of any false rejection stays at the level, whatever the dependence. Source: Holm
    1979.
    """
    order = np.argsort(p, kind="stable")
    scaled = np.asarray(p, dtype=np.float64)[order] * np.arange(len(p), 0, -1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    found: list[float] = adjusted.tolist()
    return found
