"""Paired differences of two arms when both the seeds and the test images are samples.

The difference at seed s and image i is modelled as

    d[s, i] = mean + seed[s] + image[i] + residual[s, i]

with independent random effects (two-way crossed, one value a cell). A seed's effect is shared by
all images, an image's effect by all seeds: an image that one arm gets right whatever the seed is
one piece of evidence, not one a seed. Differences are shares of 1; times 100 they are points.

Where few images differ, the spread that they show is no measure of what others would: none of n
leaves up to 3/n open. See `FEW`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import ndtr, ndtri, stdtr, stdtrit

from synthmix.evaluation.runs import Runs, check_paired
from synthmix.evaluation.statistics import LEVEL, holm
from synthmix.types import Labels, Score

Numbers = NDArray[np.float64]

Cells = NDArray[np.bool_ | np.integer | np.floating]

MARGIN = 0.003
"""Differences below 0.3 points count as none, unless a study says otherwise."""

FEW = 25.0
"""Images that differ, below which a mean over images is not trusted with the spread they show.

Then a mean that is off by d of N images is taken to vary as that many more would: with the
variance of q images seen and d missed, at most FEW of them (the score interval of a proportion:
Wilson 1927). It ends near Clopper & Pearson's exact bound for rare events and, for q = 0, beyond
the rule of three (Hanley & Lippman-Hand 1983). From 25 on McNemar's test is taken as normal.
"""

_MISSED = 0.5
"""Of an image: with it the score interval covers the exact one-sided bounds at 5 % and 2.5 %."""

_LEAST = float(np.finfo(np.float64).tiny)
"""No p-value is below the smallest number there is: nothing is impossible."""


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
        free = np.array(_free(self.num_seeds, self.num_images))
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

    @property
    def seen(self) -> Numbers:
        """How many images that differ at all seeds would make the spread of the images' means."""
        return np.asarray(self.images, dtype=np.float64) * self.num_images / self.num_seeds


def _free(num_seeds: int, num_images: int) -> tuple[int, int]:
    # a single image shows no spread; as with two, nearly everything is then left open
    return num_seeds - 1, max(num_images - 1, 1)


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
    free = _free(num_seeds, num_images)
    return MeanSquares(
        seeds / free[0], images / free[1], residual / (free[0] * free[1]), num_seeds, num_images
    )


def half_width(squares: MeanSquares, level: float = LEVEL) -> Numbers:
    """Return half the interval's width: the widest of crossed, seeds alone and images alone.

    Where few images differ it is what could have been missed, if that is more.
    """
    errors, free = squares.errors()
    t = stdtrit(free, (1 + level) / 2)
    widest: Numbers = (t * errors).max(axis=0)
    z = ndtri((1 + level) / 2)
    missed = (z**2 + z * np.sqrt(z**2 + 4 * (squares.seen + _MISSED))) / 2
    missed = np.minimum(missed, z * np.sqrt(FEW)) / squares.num_images
    found: Numbers = np.where(squares.seen < FEW, np.maximum(widest, missed), widest)[()]
    return found


def p_above(mean: Numbers | float, squares: MeanSquares) -> Numbers:
    """Return the one-sided p-value of a mean above zero: the largest of the three tests'.

    Where few images differ it is that of what could have been missed, if that is more.
    """
    errors, free = squares.errors()
    with np.errstate(invalid="ignore", divide="ignore"):
        # a difference that is the same everywhere has no error: it is above zero or it is not
        t = np.where(errors > 0, mean / errors, np.where(np.greater(mean, 0), np.inf, -np.inf))
    largest: Numbers = stdtr(free, -t).max(axis=0)
    off = np.asarray(mean, dtype=np.float64) * squares.num_images
    missed = ndtr(-off / np.sqrt(np.minimum(squares.seen + _MISSED + np.abs(off), FEW)))
    found: Numbers = np.where(squares.seen < FEW, np.maximum(largest, missed), largest)[()]
    return np.maximum(found, _LEAST)


@dataclass(frozen=True)
class Difference:
    """A paired difference: mean over seeds and images, its interval at 95 %, what it came from.

    `values` are the differences seed by seed. No correction for other comparisons is in it.
    """

    mean: float
    values: tuple[float, ...]
    squares: MeanSquares

    @cached_property
    def low(self) -> float:
        """Lower bound of the interval at 95 %."""
        return self.interval(LEVEL)[0]

    @cached_property
    def high(self) -> float:
        """Upper bound of the interval at 95 %."""
        return self.interval(LEVEL)[1]

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

    For a cell the difference is of the share of its true class, not of the test set. Where the
    class has fewer than `LEAST_IMAGES` there is neither, and `num_images` says why.
    """

    name: str
    num_images: int
    difference: Difference | None
    p_adjusted: float | None


LEAST_IMAGES = 2
"""Of a class, for its difference to have an interval."""


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
    counts = np.bincount(one.labels, minlength=len(one.class_names)).tolist()
    found = {
        label: difference(one.correct[:, rows], other.correct[:, rows])
        for label, rows in _told(one.labels, counts)
    }
    adjusted = dict(zip(found, holm([each.p for each in found.values()]), strict=True))
    return [
        Change(name, counts[label], found.get(label), adjusted.get(label))
        for label, name in enumerate(one.class_names)
    ]


def by_cell(one: Runs, other: Runs) -> list[Change]:
    """Return the difference of each confusion cell that occurs, as shares of the true class.

    Cells are those off the diagonal, of classes with at least `LEAST_IMAGES`. P-values are those of
    Benjamini & Hochberg 1995 over all cells there could be: among those below 0.05, about one in
    twenty is chance. The names read `cat as dog`.
    """
    check_paired(one, other)
    names, counts = one.class_names, np.bincount(one.labels, minlength=len(one.class_names))
    cells, found, raw = list[tuple[int, int]](), list[Difference](), [np.empty(0)]
    for true, rows in _told(one.labels, counts.tolist()):
        mine, theirs = one.predicted[:, rows], other.predicted[:, rows]
        seen = np.setdiff1d(np.union1d(mine, theirs), [true])
        cells += [(true, each) for each in seen.tolist()]
        each_seen = seen[:, None, None]
        together, p = _many((mine == each_seen).astype(np.int8) - (theirs == each_seen))
        found += together
        raw.append(p)
    # a cell that never occurs has a p-value of 1, and counts among the comparisons
    p = np.ones(max(len(names) * (len(names) - 1), 1))
    p[: len(found)] = np.concatenate(raw)
    adjusted = stats.false_discovery_control(p).tolist()
    return [
        Change(f"{names[true]} as {names[seen]}", int(counts[true]), *each)
        for (true, seen), *each in zip(cells, found, adjusted[: len(found)], strict=True)
    ]


def _many(cells: NDArray[np.int8]) -> tuple[list[Difference], Numbers]:
    """Return the differences of cells `[D, S, N]` with their p-values, of all at once."""
    by_seed = cells.mean(axis=2, dtype=np.float64)
    means, squares = by_seed.mean(axis=1), mean_squares(cells)
    p = np.minimum(1, 2 * np.minimum(p_above(means, squares), p_above(-means, squares)))
    shape = (squares.num_seeds, squares.num_images)
    three = np.stack([squares.seeds, squares.images, squares.residual], axis=1).tolist()
    found = [
        Difference(mean, tuple(values), MeanSquares(seeds, images, residual, *shape))
        for mean, values, (seeds, images, residual) in zip(
            means.tolist(), by_seed.tolist(), three, strict=True
        )
    ]
    return found, p


def _told(labels: Labels, counts: Sequence[int]) -> Iterator[tuple[int, Labels]]:
    """Yield each class that has enough images, with the rows of its images."""
    rows = np.split(np.argsort(labels, kind="stable"), np.cumsum(counts)[:-1])
    for label, count in enumerate(counts):
        if count >= LEAST_IMAGES:
            yield label, rows[label]
