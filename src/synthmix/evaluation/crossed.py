"""Paired differences of two arms when both the seeds and the test images are samples.

The difference at seed s and image i is modelled as

    d[s, i] = mean + seed[s] + image[i] + residual[s, i]

with independent random effects (two-way crossed, one value a cell). A seed's effect is shared by
all images, an image's effect by all seeds: an image that one arm gets right whatever the seed is
one piece of evidence, not one a seed. Differences are shares of 1; times 100 they are points.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from synthmix.evaluation.runs import Runs, check_paired
from synthmix.evaluation.statistics import LEVEL, holm
from synthmix.types import Score

Numbers = NDArray[np.float64]

Cells = NDArray[np.bool_ | np.integer | np.floating]

MARGIN = 0.003
"""Differences below 0.3 points count as none, unless a study says otherwise."""


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of seeds, images and residual; numbers, or arrays of one shape for many pairs.

    Their expectations are N vs + ve, S vi + ve and ve, with variances vs, vi, ve of the effects.
    """

    seeds: Numbers | float
    images: Numbers | float
    residual: Numbers | float
    num_seeds: int
    num_images: int

    def errors(self) -> tuple[Numbers, Numbers]:
        """Return three standard errors of the mean and their degrees of freedom, each `[3, ...]`.

        The first is that of the crossed model, with Satterthwaite's degrees of freedom. The others
        take only the seeds, only the images as a sample. Their variances are never larger than the
        crossed one in expectation, but an estimate from few seeds may be; whoever takes the widest
        of the three is on the safe side. Source: Satterthwaite 1946; mean squares of the two-way
        layout as in Searle, Casella & McCulloch 1992, chapter 4.
        """
        num_cells = self.num_seeds * self.num_images
        free = np.array([self.num_seeds - 1, self.num_images - 1])
        squares = np.array([self.seeds, self.images, self.residual], dtype=np.float64)
        crossed = np.maximum(squares[0] + squares[1] - squares[2], 0)
        spread = squares[0] ** 2 / free[0] + squares[1] ** 2 / free[1]
        spread = spread + squares[2] ** 2 / free.prod()
        with np.errstate(invalid="ignore", divide="ignore"):
            satterthwaite = np.nan_to_num(crossed**2 / spread, nan=free.min())
        satterthwaite = np.clip(satterthwaite, free.min(), free.prod())
        variances = np.stack([crossed, squares[0], squares[1]]) / num_cells
        ones = np.ones_like(crossed)
        return np.sqrt(variances), np.stack([satterthwaite, free[0] * ones, free[1] * ones])


def mean_squares(cells: NDArray[np.floating] | NDArray[np.integer]) -> MeanSquares:
    """Return the mean squares of differences `[..., S, N]`, one value a seed and image.

    Source: analysis of variance of a two-way layout without replication (Fisher 1925).
    """
    rows = cells.sum(axis=-1, dtype=np.float64)
    columns = cells.sum(axis=-2, dtype=np.float64)
    everything = (cells.astype(np.float64) ** 2).sum(axis=(-2, -1))
    return from_sums(rows, (columns**2).sum(axis=-1), everything, cells.shape[-1])


def from_sums(rows: Numbers, columns: Numbers, everything: Numbers, num_images: int) -> MeanSquares:
    """Return the mean squares from sums.

    `rows` `[..., S]` are the sums over images, `columns` `[...]` the sum of the squared sums over
    seeds, `everything` `[...]` the sum of all squares.
    """
    num_seeds = rows.shape[-1]
    correction = rows.sum(axis=-1) ** 2 / (num_seeds * num_images)
    seeds = ((rows - rows.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1) / num_images
    images = np.maximum(columns / num_seeds - correction, 0)
    residual = np.maximum(everything - correction - seeds - images, 0)
    free = (num_seeds - 1, num_images - 1)
    return MeanSquares(
        seeds / free[0], images / free[1], residual / (free[0] * free[1]), num_seeds, num_images
    )


def half_width(squares: MeanSquares, level: float = LEVEL) -> Numbers:
    """Return half the interval's width: the widest of crossed, seeds alone and images alone."""
    errors, free = squares.errors()
    widest: Numbers = (stats.t.ppf((1 + level) / 2, free) * errors).max(axis=0)
    return widest


def p_above(mean: Numbers | float, squares: MeanSquares) -> Numbers:
    """Return the one-sided p-value of a mean above zero: the largest of the three tests'."""
    errors, free = squares.errors()
    with np.errstate(invalid="ignore", divide="ignore"):
        # a difference that is the same everywhere has no error: it is above zero or it is not
        t = np.where(errors > 0, mean / errors, np.where(np.greater(mean, 0), np.inf, -np.inf))
    largest: Numbers = stats.t.sf(t, free).max(axis=0)
    return largest


@dataclass(frozen=True)
class Difference:
    """A paired difference: mean over seeds and images, its interval at 95 %, what it came from.

    `values` are the differences seed by seed. No correction for other comparisons is in it.
    """

    mean: float
    values: tuple[float, ...]
    squares: MeanSquares
    low: float = field(init=False)
    high: float = field(init=False)

    def __post_init__(self) -> None:
        low, high = self.interval(LEVEL)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    def interval(self, level: float) -> tuple[float, float]:
        """Return the two bounds at a level such as 0.95."""
        half = float(half_width(self.squares, level))
        return self.mean - half, self.mean + half

    def p_above(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value of a difference above `bound`."""
        return float(p_above(self.mean - bound, self.squares))

    def p_below(self, bound: float = 0.0) -> float:
        """Return the one-sided p-value of a difference below `bound`."""
        return float(p_above(bound - self.mean, self.squares))

    @property
    def p(self) -> float:
        """Two-sided p-value of a difference from zero."""
        return min(1.0, 2 * min(self.p_above(), self.p_below()))

    @property
    def score(self) -> Score:
        """The difference as results store it."""
        return Score(self.mean, self.low, self.high, self.values)


@dataclass(frozen=True)
class Change:
    """What changed for one class or one confusion cell, with a p-value adjusted over all of them.

    For a cell the difference is of the share of its true class, not of the test set.
    """

    name: str
    difference: Difference
    p_adjusted: float


def difference(one: Cells, other: Cells) -> Difference:
    """Return `one - other` of two matrices `[S, N]`, paired by seed and image.

    They hold outcomes, or differences of outcomes.
    """
    cells = np.asarray(one, dtype=np.float64) - np.asarray(other, dtype=np.float64)
    by_seed = cells.mean(axis=1)
    return Difference(float(by_seed.mean()), tuple(by_seed.tolist()), mean_squares(cells))


def compare(one: Runs, other: Runs) -> Difference:
    """Return the difference in accuracy `one - other`; raises DataError for unpaired runs."""
    check_paired(one, other)
    return difference(one.correct, other.correct)


def lead(one: Runs, comparator: Runs, other: Runs, other_comparator: Runs) -> Difference:
    """Return by how much more `one` gains on its comparator than `other` on its own.

    With one comparator for both it is `one - other`. With two it holds an arm against a control
    that was run at another share.
    """
    for each in (comparator, other, other_comparator):
        check_paired(one, each)
    gains = [
        mine.correct.astype(np.int64) - theirs.correct
        for mine, theirs in ((one, comparator), (other, other_comparator))
    ]
    return difference(gains[0], gains[1])


def equivalence(found: Difference, margin: float = MARGIN) -> float:
    """Return the p-value of two one-sided tests of a difference within `margin`.

    At a level of 5 % it rejects where the 90 % interval lies inside. Source: Schuirmann 1987.
    """
    return max(found.p_above(-margin), found.p_below(margin))


def by_class(one: Runs, other: Runs) -> list[Change]:
    """Return the difference in accuracy on each class's images; p-values by Holm over classes."""
    check_paired(one, other)
    found = []
    for label in range(len(one.class_names)):
        rows = one.labels == label
        found.append(difference(one.correct[:, rows], other.correct[:, rows]))
    return _changes(one.class_names, found, holm)


def by_cell(one: Runs, other: Runs) -> list[Change]:
    """Return the difference of each confusion cell off the diagonal, as shares of the true class.

    P-values are those of Benjamini & Hochberg 1995: among the cells below 0.05, about one in
    twenty is chance. The names read `cat as dog`.
    """
    check_paired(one, other)
    names, found = [], []
    for true, true_name in enumerate(one.class_names):
        rows = one.labels == true
        mine, theirs = one.predicted[:, rows], other.predicted[:, rows]
        for seen, seen_name in enumerate(one.class_names):
            if seen != true:
                names.append(f"{true_name} as {seen_name}")
                found.append(difference(mine == seen, theirs == seen))
    return _changes(names, found, lambda p: stats.false_discovery_control(p).tolist())


def _changes(
    names: Sequence[str],
    found: Sequence[Difference],
    adjust: Callable[[list[float]], list[float]],
) -> list[Change]:
    adjusted = adjust([each.p for each in found])
    return [Change(*each) for each in zip(names, found, adjusted, strict=True)]
