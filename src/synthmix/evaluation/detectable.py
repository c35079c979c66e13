"""What a study could have seen: the smallest effect that the complete rule finds often enough.

The rule asks an arm to beat its comparator and every control at the level that Holm's correction
leaves to the first of all arms. Its power has no closed form, so it is drawn: noise of seeds,
images and residual for the arm, its comparator and its controls, then what the rule would make of
it. The draws are the same at every call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from synthmix.errors import SettingError
from synthmix.evaluation.crossed import Difference, MeanSquares, half_width
from synthmix.evaluation.statistics import LEVEL

DRAWS = 4000
"""At 80 % power the Monte Carlo error of the power is then 0.6 points."""

POWER = 0.8


@dataclass(frozen=True)
class Components:
    """Variances of a paired difference: seeds `vs`, images `vi`, residual `ve`.

    The variance of the mean is `vs/S + vi/N + ve/(S N)`.
    """

    seeds: float
    images: float
    residual: float


def components(differences: Sequence[Difference]) -> Components:
    """Return variances estimated from a study's differences, pooled over them.

    These are analysis-of-variance estimates (Searle, Casella & McCulloch 1992). One may be
    negative; it is kept, so that its sum with the residual stays unbiased. Pooling takes the arms'
    spreads as alike; with 3 seeds the estimate of a single arm is too unsteady to be stated.
    """
    if not differences:
        raise SettingError("No difference between arms is known: name at least one.")
    each = [_solved(one.squares) for one in differences]
    seeds, images, residual = np.mean(each, axis=0)
    return Components(float(seeds), float(images), float(residual))


def planned(spread: float, accuracy: float = 0.9, disagreement: float | None = None) -> Components:
    """Return variances expected before any run.

    `spread` is the standard deviation over seeds of one arm's accuracy, `disagreement` the share of
    test images that exactly one of two runs gets right. Where it is not known it is taken as
    a (1 - a) at accuracy a, half of what independent runs would have; and half of it as lasting,
    that is, the same at every seed. All are shares of 1.
    """
    if spread < 0 or not 0 < accuracy < 1:
        raise SettingError(
            f"spread is {spread:g} and accuracy {accuracy:g}: a spread is at least 0 and an "
            "accuracy between 0 and 1 (0.3 points are 0.003)."
        )
    shared = accuracy * (1 - accuracy) if disagreement is None else disagreement
    return Components(2 * spread**2, shared / 2, shared / 2)


def detectable(
    found: Components,
    num_seeds: int,
    num_images: int,
    num_arms: int = 1,
    num_controls: int = 0,
    *,
    power: float = POWER,
    level: float = 1 - LEVEL,
) -> float:
    """Return the effect, as a share of 1, that the rule calls `helps` with the power given.

    The effect is in one arm alone; comparator, controls and the other arms have none.
    """
    noise, half = _drawn(found, num_seeds, num_images, num_controls, level / num_arms)
    return float(np.quantile((half - noise).max(axis=1), power))


def equivalence_reach(
    found: Components,
    num_seeds: int,
    num_images: int,
    num_arms: int = 1,
    *,
    power: float = POWER,
    level: float = 1 - LEVEL,
) -> float:
    """Return the smallest margin for which two one-sided tests show equivalence where it is exact.

    A study whose margin is smaller cannot be expected to end with `equivalent`.
    """
    noise, half = _drawn(found, num_seeds, num_images, 0, 2 * level / num_arms)
    return float(np.quantile((np.abs(noise) + half).max(axis=1), power))


def _solved(squares: MeanSquares) -> tuple[float, float, float]:
    residual = float(squares.residual)
    seeds = (float(squares.seeds) - residual) / squares.num_images
    return seeds, (float(squares.images) - residual) / squares.num_seeds, residual


@lru_cache(maxsize=64)
def _drawn(
    found: Components, num_seeds: int, num_images: int, num_controls: int, level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the noise of the differences and half their intervals' widths, `[DRAWS, 1 + C]`."""
    if num_seeds < 2 or num_images < 2:
        raise SettingError(
            f"{num_seeds} seed(s) and {num_images} test image(s): at least 2 of each are needed."
        )
    random = np.random.default_rng(0)
    # an arm has half the variance of a difference; arm first, then comparator and controls
    lasting = random.normal(size=(DRAWS, 2 + num_controls))
    lasting *= (max(found.images, 0) / 2 / num_images) ** 0.5
    by_seed = random.normal(size=(DRAWS, 2 + num_controls, num_seeds))
    by_seed *= (max(found.seeds + found.residual / num_images, 0) / 2) ** 0.5
    rows = by_seed[:, :1] - by_seed[:, 1:]
    noise = rows.mean(axis=2) + lasting[:, :1] - lasting[:, 1:]
    images = max(num_seeds * found.images + found.residual, 0)
    squares = MeanSquares(
        num_images * rows.var(axis=2, ddof=1),
        np.full(noise.shape, images),
        np.full(noise.shape, found.residual),
        num_seeds,
        num_images,
    )
    return noise, half_width(squares, 1 - level)
