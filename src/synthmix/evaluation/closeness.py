"""How close synthetic images are to real ones, as a classifier sees it.

Two classification accuracy scores. *Train on synthetic, test on real* (TSTR) asks whether a
classifier learns from the images what it needs for real ones (Ravuri & Vinyals 2019; GAN-train of
Shmelkov, Schmid & Alahari 2018). Its mirror, train on real, test on synthetic (GAN-test), asks
whether a classifier of real images finds in each image the class it is meant to show. The mirror
is no measure of variety: images that are all alike and typical score high.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from synthmix.evaluation.crossed import Difference, compare
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.statistics import holm, over_seeds, paired
from synthmix.types import Labels, Score

LEVEL = 0.05
"""Two generators differ where the adjusted p-value of their difference is below this."""

Confusion = NDArray[np.int64]
"""Counts `[K, K]`: row true class, column predicted class."""


@dataclass(frozen=True)
class Cell:
    """Synthetic images of one class that the classifier takes for another."""

    name: str
    """As in `cat as dog`."""

    share: Score
    """Of the synthetic images of the true class."""

    real_share: float
    """The same share among the real test images: how far the classifier itself is to blame."""

    excess: Score
    """`share` less that of the real test images, paired by seed."""

    num_images: float
    """Synthetic images of the true class, mean over seeds."""


@dataclass(frozen=True)
class Pair:
    """Two generators, the one with the higher mean first."""

    better: str
    worse: str
    difference: Difference
    p_adjusted: float

    @property
    def is_told_apart(self) -> bool:
        """Whether the difference is beyond chance."""
        return self.p_adjusted < LEVEL


def confusion(predicted: Labels, labels: Labels, num_classes: int) -> Confusion:
    """Return the counts of one run."""
    pairs = labels * num_classes + predicted
    return np.bincount(pairs, minlength=num_classes**2).reshape(num_classes, num_classes)


def accuracy(counts: Sequence[Confusion]) -> Score:
    """Return the share on the diagonal over seeds."""
    return over_seeds([float(np.trace(each) / each.sum()) for each in counts])


def per_class(counts: Sequence[Confusion]) -> list[Score | None]:
    """Return the share of each class predicted right; None for one without images at some seed."""
    rows = np.array([each.sum(axis=1) for each in counts])
    shares = [np.diag(each) / np.maximum(each.sum(axis=1), 1) for each in counts]
    return [
        over_seeds([float(each[label]) for each in shares]) if rows[:, label].all() else None
        for label in range(rows.shape[1])
    ]


def cells(
    synthetic: Sequence[Confusion], real: Sequence[Confusion], class_names: Sequence[str]
) -> list[Cell]:
    """Return all cells off the diagonal that occur, by how much they exceed the real images'.

    `synthetic` and `real` hold the same classifier's counts, a seed each, in the same order.
    """
    found = []
    mine, theirs = _shares(synthetic), _shares(real)
    counts = np.mean([each.sum(axis=1) for each in synthetic], axis=0)
    for true, seen in np.argwhere(mine.sum(axis=0) > 0):
        if true == seen:
            continue
        share, other = mine[:, true, seen].tolist(), theirs[:, true, seen].tolist()
        name = f"{class_names[true]} as {class_names[seen]}"
        found.append(
            Cell(
                name,
                over_seeds(share),
                float(np.mean(other)),
                paired(share, other),
                float(counts[true]),
            )
        )
    return sorted(found, key=lambda cell: (-cell.excess.mean, cell.name))


def _shares(counts: Sequence[Confusion]) -> NDArray[np.float64]:
    """Return shares of the true class `[S, K, K]`."""
    stacked = np.array(counts, dtype=np.float64)
    shares: NDArray[np.float64] = stacked / np.maximum(stacked.sum(axis=2, keepdims=True), 1)
    return shares


def pairs(runs: Mapping[str, Runs]) -> list[Pair]:
    """Compare every two generators' TSTR: crossed seeds x images intervals, Holm over the pairs.

    `runs` holds, by generator, the runs that trained on its images alone, all on the same test
    images. All pairs are compared, because whoever picks the best one first and then tests it
    finds a best one in pure chance.
    """
    found = []
    for one, other in combinations(runs, 2):
        seeds = [seed for seed in runs[one].seeds if seed in runs[other].seeds]
        told = compare(runs[one].only(seeds), runs[other].only(seeds))
        if told.mean < 0:
            one, other = other, one
            told = compare(runs[one].only(seeds), runs[other].only(seeds))
        found.append((one, other, told))
    adjusted = holm([told.p for _, _, told in found])
    return [Pair(*each, p) for each, p in zip(found, adjusted, strict=True)]


def closest(scores: Mapping[str, Score], found: Sequence[Pair]) -> tuple[str | None, str]:
    """Return the generator closest to the real images by TSTR, None where none is, and why."""
    ranked = sorted(scores, key=lambda name: -scores[name].mean)
    if not ranked:
        return None, "No arm was trained on one generator's images alone."
    first = f"'{ranked[0]}' ({_percent(scores[ranked[0]])})"
    if len(ranked) == 1:
        return None, f"There is one generator to judge, {first}; none to compare it with."
    mine = [pair for pair in found if ranked[0] in (pair.better, pair.worse)]
    # means are over all seeds and pairs over those in common, where another may be the better one
    open_pairs = [pair for pair in mine if pair.worse == ranked[0] or not pair.is_told_apart]
    if not open_pairs:
        nearest = next(p for p in found if {p.better, p.worse} == {ranked[0], ranked[1]})
        return ranked[0], (
            f"{first} is the closest to the real images: trained on its images alone, a classifier "
            f"is more accurate on real test images than with any other; against "
            f"'{nearest.worse}' by {_points(nearest)}."
        )
    others = "; ".join(_against(pair, ranked[0]) for pair in open_pairs)
    return None, (
        f"No generator is shown to be the closest: {first} has the highest mean, but it is not "
        f"distinguishable from {others}."
    )


def _percent(score: Score) -> str:
    return f"{100 * score.mean:.2f} %"


def _against(pair: Pair, name: str) -> str:
    if pair.worse == name:
        return f"'{pair.better}', which is ahead by {_points(pair)} on the seeds they share"
    return f"'{pair.worse}' by {_points(pair)}"


def _points(pair: Pair) -> str:
    low, high = pair.difference.interval(0.95)
    return f"{100 * pair.difference.mean:+.2f} points [{100 * low:+.2f}, {100 * high:+.2f}]"
