"""What synthetic images are worth in real ones, read off the real learning curve.

n_equivalent is the number of real images at which the curve has the arm's accuracy, and

    rate = (n_equivalent - n_real) / n_synthetic

A rate of 1 is a synthetic image worth a real one, 0 one that adds nothing. The interval comes from
draws of both samples: test images are resampled, the same ones for curve and arm; the seeds' part
is a random combination of their deviations, scaled to Student's t with S - 1 degrees of freedom,
because resampling three seeds would give far too narrow an interval. Every draw fits a new curve.
Nothing is extrapolated: beyond the smallest and largest size of the curve there is no number.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmix.errors import DataError, SettingError
from synthmix.evaluation.crossed import compare
from synthmix.evaluation.curve import Form, equivalent_sizes, form_of
from synthmix.evaluation.runs import Runs, check_paired
from synthmix.evaluation.statistics import LEVEL

Numbers = NDArray[np.float64]

MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Worth:
    """Real images a synthetic one is worth, with a 95 % interval.

    `rate`, `low` and `high` are -inf or inf where they lie outside the curve, whose smallest and
    largest number of real images is `sizes`.
    """

    arm: str
    rate: float
    low: float
    high: float
    num_equivalent: float
    num_real: int
    num_synthetic: int
    sizes: tuple[int, int]
    form: Form
    is_rising: bool = True
    """Whether the curve is surely higher at its largest size than at its smallest."""

    @property
    def is_known(self) -> bool:
        """Whether there is a curve to read from, and the arm's accuracy lies within it."""
        return self.is_rising and bool(np.isfinite(self.rate))

    @property
    def sentence(self) -> str:
        """What the images are worth, in words; what lies outside the curve is said to."""
        smallest, largest = (f"{size:,}" for size in self.sizes)
        if not self.is_rising:
            return (
                f"From {smallest} to {largest} real images accuracy does not rise "
                "beyond chance here, so nothing can be priced in them."
            )
        if not self.is_known:
            bound = f"more than {largest}" if self.rate > 0 else f"fewer than {smallest}"
            return (
                f"As accurate as {bound} real images, out of the curve's range: what "
                "its synthetic images are worth cannot be said."
            )
        return (
            f"1,000 synthetic images are worth {_thousand(self.rate)} "
            f"({self._bound(self.low)} to {self._bound(self.high)}) real ones here."
        )

    def _bound(self, rate: float) -> str:
        if np.isfinite(rate):
            return _thousand(rate)
        end = self.sizes[1] if rate > 0 else self.sizes[0]
        known = _thousand((end - self.num_real) / self.num_synthetic)
        return f"more than {known}" if rate > 0 else f"less than {known}"


def worth(
    curve: Mapping[int, Runs],
    arm: Runs,
    num_real: int,
    num_synthetic: int,
    *,
    seed: int = 0,
    draws: int = 1000,
) -> Worth:
    """Return what the arm's synthetic images are worth.

    `curve` maps numbers of real images to the runs trained on so many; runs and arm share seeds and
    test images. Raises DataError where they do not, SettingError for fewer than 3 sizes or no
    synthetic image.
    """
    _check(curve, arm, num_synthetic)
    sizes = np.array(sorted(curve), dtype=np.float64)
    right = np.stack([*(curve[int(size)].correct for size in sizes), arm.correct])
    means = right.mean(axis=(1, 2))
    form = form_of(sizes, 1 - means[:-1], _noise(right[:-1]))
    every = np.vstack([means[None], _resampled(right, np.random.default_rng(seed), draws)])
    equivalent = equivalent_sizes(form, sizes, every[:, :-1], every[:, -1])
    rates = (equivalent - num_real) / num_synthetic
    rise = np.quantile(every[1:, -2] - every[1:, 0], (1 - LEVEL) / 2)
    # order statistics, because a mean of a number and infinity is none
    low, high = np.quantile(rates[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2], method="inverted_cdf")
    return Worth(
        arm.name,
        float(rates[0]),
        float(low),
        float(high),
        float(equivalent[0]),
        num_real,
        num_synthetic,
        (int(sizes[0]), int(sizes[-1])),
        form,
        # draws alone cannot show what a handful of images leaves open
        bool(rise > 0 and compare(curve[int(sizes[-1])], curve[int(sizes[0])]).low > 0),
    )


def _check(curve: Mapping[int, Runs], arm: Runs, num_synthetic: int) -> None:
    if len(curve) < 3:
        raise SettingError(
            f"The real learning curve has {len(curve)} size(s); 3 are needed, 4 for a power law."
        )
    if num_synthetic < 1:
        raise SettingError(f"Arm '{arm.name}' has no synthetic images to be priced.")
    if min(curve) < 1:
        raise DataError(f"A learning curve cannot have {min(curve)} real images; at least 1.")
    for each in curve.values():
        check_paired(arm, each)


def _noise(right: NDArray[np.bool_]) -> float:
    """Return the standard error of a size's mean accuracy over seeds, pooled over sizes."""
    variances = right.mean(axis=2).var(axis=1, ddof=1)
    return float(np.sqrt(variances.mean() / right.shape[1]))


def _resampled(right: NDArray[np.bool_], random: np.random.Generator, draws: int) -> Numbers:
    """Return accuracies `[draws, A]` of outcomes `[A, S, N]`, test images and seeds drawn anew."""
    num_arms, num_seeds, num_images = right.shape
    by_image = right.mean(axis=1)
    # images of equal outcomes are alike; counting them makes the draw small
    kinds, counts = np.unique(by_image, axis=1, return_counts=True)
    drawn = random.multinomial(num_images, counts / num_images, size=draws) / num_images
    rows = right.mean(axis=2)
    deviations = (rows - rows.mean(axis=1, keepdims=True)) / np.sqrt(num_seeds * (num_seeds - 1))
    free = num_seeds - 1
    scale = np.sqrt(free / random.chisquare(free, size=(draws, 1)))
    found: Numbers = drawn @ kinds.T + scale * (
        random.normal(size=(draws, num_seeds)) @ deviations.T
    )
    assert found.shape == (draws, num_arms)
    return found


def _thousand(rate: float) -> str:
    """Return the worth of 1,000 images to two or three digits."""
    value = 1000 * rate
    rounded = round(value, -1) if abs(value) >= 100 else round(value)
    return f"{rounded + 0.0:,.0f}".replace("-", MINUS)
