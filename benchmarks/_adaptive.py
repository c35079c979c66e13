"""Simulated studies whose seeds are added by the adaptive rule until a verdict is there."""

from typing import Any

import numpy as np
from _studies import (
    ARMS,
    AUGMENTED,
    COMPARATOR,
    CONTROLS,
    LEVEL,
    ROWS,
    Design,
    Sums,
    blocked,
    credit,
    holm,
    outcomes,
    summed,
)
from numpy.typing import NDArray
from scipy import stats

from synthmix.evaluation.adaptive import Looks
from synthmix.evaluation.crossed import MARGIN, p_above
from synthmix.evaluation.detectable import detectable

LOOKS = Looks(first=3, step=2, most=9)


def adaptive(design: Design, num_studies: int, seed: int) -> dict[str, Any]:
    """Return error rates, power and runs spent of studies that may grow to `design.num_seeds`.

    The effect is the one that all the seeds at once would detect with 80 % power.
    """
    random = np.random.default_rng([seed, 9, design.num_images])
    size = detectable(design.components, design.num_seeds, design.num_images, ARMS, len(CONTROLS))
    kinds = {
        "no effect": (0.0, []),
        "one arm": (size, [0]),
        "one arm, twice the effect": (2 * size, [0]),
        "augmentation does the same": (size, [*range(ARMS), AUGMENTED]),
    }
    false, power, runs = {}, {}, {}
    for kind, (effect, rows) in kinds.items():
        sizes = np.zeros(ROWS)
        sizes[rows] = effect
        found, spent = _studies(random, design, sizes, num_studies)
        own = found[:, 1:] if kind.startswith("one arm") else found
        count = int(own.any(axis=1).sum())
        upper = float(stats.beta.ppf(0.95, count + 1, num_studies - count))
        false[kind] = {"rate": count / num_studies, "upper": round(upper, 5)}
        runs[kind] = round(float(spent.mean()), 2)
        if kind.startswith("one arm"):
            power[kind] = float(found[:, 0].mean())
    return {
        "test images": design.num_images,
        "spread, points": 100 * design.spread,
        "looks, seeds": LOOKS.numbers,
        "effect, points": round(100 * size, 3),
        "false helps": false,
        "power": power,
        "mean runs": runs,
        "runs of all seeds at once": ROWS * design.num_seeds,
    }


def _studies(
    random: np.random.Generator, design: Design, effects: NDArray[np.float64], num_studies: int
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Return which arms end as `helps` `[R, ARMS]`, and the runs each study took `[R]`."""
    drawn: list[list[Sums]] = []
    for _ in range(num_studies):
        right = outcomes(random, design, effects)
        drawn.append([summed([right[:, :n]], design.num_images) for n in LOOKS.numbers])
    is_open = np.ones((num_studies, ARMS), dtype=bool)
    kept = {name: np.ones((num_studies, ARMS)) for name in ("credit", "loss", "equal")}
    found = np.zeros((num_studies, ARMS), dtype=bool)
    seeds = np.zeros((num_studies, ARMS), dtype=np.int64)
    for look, number in enumerate(LOOKS.numbers):
        sums = _joined([each[look] for each in drawn])
        for name, p in _tests(sums).items():
            now = np.minimum(p / LOOKS.weight(number), 1)
            kept[name] = np.where(is_open, now, kept[name])
        seeds[is_open] = number
        ends = {name: holm(p) <= LEVEL for name, p in kept.items()}
        found |= is_open & ends["credit"] & ~blocked(sums)[:, None]
        is_open &= ~(ends["credit"] | ends["loss"] | ends["equal"])
    return found, seeds.sum(axis=1) + (ROWS - ARMS) * seeds.max(axis=1)


def _tests(sums: Sums) -> dict[str, NDArray[np.float64]]:
    pairs = [sums.pair(arm, COMPARATOR) for arm in range(ARMS)]
    loss = [2 * p_above(-mean, squares) for mean, squares in pairs]
    equal = [
        np.maximum(p_above(mean + MARGIN, squares), p_above(MARGIN - mean, squares))
        for mean, squares in pairs
    ]
    return {"credit": credit(sums), "loss": np.stack(loss, 1), "equal": np.stack(equal, 1)}


def _joined(some: list[Sums]) -> Sums:
    parts = [
        np.concatenate([getattr(x, key) for x in some]) for key in ("rows", "cells", "columns")
    ]
    return Sums(*parts, some[0].num_images)
