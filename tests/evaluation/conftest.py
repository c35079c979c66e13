"""Runs whose outcomes are chosen, for everything that compares arms."""

from collections.abc import Callable

import numpy as np
import pytest

from synthmix.evaluation.runs import Runs, gather

NAMES = ("cat", "dog", "ship", "frog")


@pytest.fixture
def make_runs() -> Callable[..., Runs]:
    """Return a maker of runs: arms of one `world` find the same images hard."""

    def make(
        name: str,
        accuracy: float,
        *,
        seeds: int = 5,
        num_images: int = 2000,
        spread: float = 0.0,
        seed: int = 0,
    ) -> Runs:
        random = np.random.default_rng([seed, *name.encode()])
        labels = np.tile(np.arange(4, dtype=np.int64), num_images // 4)
        found = {}
        for run in range(seeds):
            right = random.random(len(labels)) < accuracy + random.normal(0, spread)
            wrong = (labels + random.integers(1, 4, len(labels))) % 4
            found[run] = np.where(right, labels, wrong)
        return gather(name, found, labels, NAMES)

    return make
