"""Simulated learning curves with an arm whose synthetic images have a known worth."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from synthmix.evaluation.runs import Runs
from synthmix.evaluation.worth import worth

SIZES = (1000, 2000, 4000, 8000, 16000)
NUM_REAL, NUM_SYNTHETIC = 4000, 8000


def accuracy(size: float) -> float:
    """Return the true curve's accuracy: error 0.05 + 6 n^-0.4."""
    return 1 - 0.05 - 6 * size**-0.4


def study(
    random: np.random.Generator, rate: float, num_seeds: int, num_images: int, spread: float
) -> tuple[dict[int, Runs], Runs]:
    """Return runs of all sizes and of the arm; `spread` is that of an accuracy over seeds.

    An image has a difficulty that all runs share and one for each training set, which all seeds
    share; what is left differs from run to run.
    """
    labels = np.zeros(num_images, dtype=np.int64)
    common = random.normal(size=num_images)

    def runs(name: str, size: float) -> Runs:
        own = random.normal(size=num_images)
        rest = random.normal(size=(num_seeds, num_images))
        # equal parts of 0.6, 0.2 and 0.2 of the variance
        ability = 0.6**0.5 * common + 0.2**0.5 * own + 0.2**0.5 * rest
        chance = accuracy(size) + random.normal(0, spread, (num_seeds, 1))
        right: NDArray[np.bool_] = ability < ndtri(np.clip(chance, 1e-6, 1 - 1e-6))
        return Runs(name, tuple(range(num_seeds)), (~right).astype(np.int64), labels, ("a", "b"))

    curve = {size: runs(f"real {size}", size) for size in SIZES}
    return curve, runs("arm", NUM_REAL + rate * NUM_SYNTHETIC)


def covered(
    random: np.random.Generator,
    rate: float,
    num_seeds: int,
    num_images: int,
    spread: float,
    num_studies: int,
) -> dict[str, float]:
    """Return how often the interval holds the true rate, and its median width."""
    inside, widths = [], []
    for _ in range(num_studies):
        curve, arm = study(random, rate, num_seeds, num_images, spread)
        found = worth(curve, arm, NUM_REAL, NUM_SYNTHETIC, draws=400)
        inside.append(found.low <= rate <= found.high)
        widths.append(found.high - found.low)
    return {"coverage": float(np.mean(inside)), "median width": float(np.median(widths))}
