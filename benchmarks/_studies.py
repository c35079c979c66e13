"""Simulated studies: what every run predicts right, with seeds and images that matter.

A test image is easy or hard, and an arm turns a quarter of the images into the other kind, the same
ones at every seed: these are the persistent image effects. A run adds a shift of its own to all
images. Then each prediction is a coin of that probability. The true accuracies are known exactly.

Rows are arms: `ARMS` arms that are judged, the comparator, strong augmentation, deranged labels.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmix.evaluation.crossed import Difference, MeanSquares, from_sums, p_above
from synthmix.evaluation.detectable import Components
from synthmix.evaluation.verdict import Control, Evidence

ARMS = 4
COMPARATOR, AUGMENTED, DERANGED = ARMS, ARMS + 1, ARMS + 2
ROWS = ARMS + 3
CONTROLS = (AUGMENTED, DERANGED)
HARD, EASY, HARD_SHARE = 0.15, 0.65, 0.3
TURNED = 0.25
"""Share of the images that an arm turns from easy to hard or back."""

ROOM = 0.25
"""Largest effect that is a shift of all probabilities; what is beyond turns hard images easy."""

LEVEL = 0.05


@dataclass(frozen=True)
class Design:
    """One cell of the simulation: seeds, test images, and the spread of an arm over seeds."""

    num_seeds: int
    num_images: int
    spread: float

    @property
    def components(self) -> Components:
        """The true variances of a difference between two arms without effects."""
        distance = EASY - HARD
        images = 2 * TURNED * (1 - TURNED) * distance**2
        hard = HARD_SHARE * (1 - TURNED) + (1 - HARD_SHARE) * TURNED
        coin = hard * HARD * (1 - HARD) + (1 - hard) * EASY * (1 - EASY) - self.spread**2
        return Components(2 * self.spread**2, images, 2 * coin)


@dataclass(frozen=True)
class Sums:
    """What the statistics need of many studies.

    `rows` `[R, ROWS, S]` are right predictions of each run; `cells` and `columns` `[R, ROWS, ROWS]`
    are products of two arms' outcomes, summed over runs and images, and over images of sums over
    seeds.
    """

    rows: NDArray[np.float64]
    cells: NDArray[np.float64]
    columns: NDArray[np.float64]
    num_images: int

    def study(self, number: int) -> "Sums":
        """Return the sums of one study alone."""
        one = slice(number, number + 1)
        return Sums(self.rows[one], self.cells[one], self.columns[one], self.num_images)

    def pair(self, one: int, other: int) -> tuple[NDArray[np.float64], MeanSquares]:
        """Return the mean difference `[R]` of two arms and its mean squares."""
        rows = self.rows[:, one] - self.rows[:, other]
        squares = from_sums(
            rows,
            _squared(self.columns, one, other),
            _squared(self.cells, one, other),
            self.num_images,
        )
        return rows.mean(axis=1) / self.num_images, squares


def _squared(products: NDArray[np.float64], one: int, other: int) -> NDArray[np.float64]:
    found: NDArray[np.float64] = (
        products[:, one, one] + products[:, other, other] - 2 * products[:, one, other]
    )
    return found


def outcomes(
    random: np.random.Generator, design: Design, effects: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return whether each run of one study predicts each image right `[ROWS, S, N]`."""
    size = (ROWS, 1, design.num_images)
    is_hard = (random.random(design.num_images) < HARD_SHARE) ^ (random.random(size) < TURNED)
    shift, beyond = np.minimum(effects, ROOM), np.maximum(effects - ROOM, 0)
    hard = HARD_SHARE * (1 - TURNED) + (1 - HARD_SHARE) * TURNED
    if beyond.any():
        mended = beyond[:, None, None] / (hard * (EASY - HARD))
        is_hard &= random.random(size) >= mended
    by_run = random.normal(0, design.spread, (ROWS, design.num_seeds, 1)) + shift[:, None, None]
    chance = np.where(is_hard, HARD, EASY).astype(np.float32) + by_run.astype(np.float32)
    drawn: NDArray[np.bool_] = random.random(chance.shape, dtype=np.float32) < chance
    return drawn


def simulate(
    random: np.random.Generator, design: Design, effects: NDArray[np.float64], num_studies: int
) -> Sums:
    """Draw studies and return their sums; `effects` `[ROWS]` are added to the arms' accuracies."""
    studies = (outcomes(random, design, effects) for _ in range(num_studies))
    return summed(studies, design.num_images)


def summed(studies: Iterable[NDArray[np.bool_]], num_images: int) -> Sums:
    """Return the sums of outcomes `[ROWS, S, N]` of each study."""
    rows, cells, columns = [], [], []
    for right in studies:
        # sums of ones are exact in float32 up to 16 million
        flat = right.reshape(ROWS, -1).astype(np.float32)
        by_image = right.sum(axis=1, dtype=np.float32)
        rows.append(right.sum(axis=2))
        cells.append(flat @ flat.T)
        columns.append(by_image @ by_image.T)
    return Sums(*(np.array(x, dtype=np.float64) for x in (rows, cells, columns)), num_images)


def helps(sums: Sums, weight: float = 1.0) -> NDArray[np.bool_]:
    """Return which arms of each study the rule calls `helps` `[R, ARMS]`.

    It is the rule of `synthmix.evaluation.verdict` for many studies at once; `evidence` gives the
    same studies to the rule itself, and a test compares the two.
    """
    return (holm(credit(sums) / weight) <= LEVEL) & ~blocked(sums)[:, None]


def credit(
    sums: Sums,
    shift: NDArray[np.float64] | float = 0.0,
    others: Sequence[int] = (COMPARATOR, *CONTROLS),
) -> NDArray[np.float64]:
    """Return the largest p-value of arm against comparator and controls `[R, ARMS]`.

    `shift` `[R]` is an effect added to the first arm. Without controls, `others` is the comparator.
    """
    found = np.empty((len(sums.rows), ARMS))
    for arm in range(ARMS):
        p = []
        for other in others:
            mean, squares = sums.pair(arm, other)
            p.append(2 * p_above(mean + (shift if arm == 0 else 0), squares))
        found[:, arm] = np.minimum(np.max(p, axis=0), 1)
    return found


def blocked(sums: Sums) -> NDArray[np.bool_]:
    """Return in which studies the deranged arm beats the comparator `[R]`."""
    found: NDArray[np.bool_] = 2 * p_above(*sums.pair(DERANGED, COMPARATOR)) <= LEVEL
    return found


def holm(p: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return p-values adjusted over the last axis."""
    order = np.argsort(p, axis=-1)
    scaled = np.take_along_axis(p, order, -1) * np.arange(p.shape[-1], 0, -1)
    adjusted = np.empty_like(p)
    np.put_along_axis(adjusted, order, np.minimum(np.maximum.accumulate(scaled, -1), 1), -1)
    return adjusted


def evidence(sums: Sums, study: int, weight: float = 1.0) -> list[Evidence]:
    """Return the evidence of one study's arms, as the rule takes it."""
    alone = sums.study(study)

    def difference(one: int, other: int) -> Difference:
        rows = (alone.rows[0, one] - alone.rows[0, other]) / alone.num_images
        _, found = alone.pair(one, other)
        squares = MeanSquares(
            *(float(np.squeeze(x)) for x in (found.seeds, found.images, found.residual)),
            found.num_seeds,
            found.num_images,
        )
        return Difference(float(rows.mean()), tuple(rows.tolist()), squares)

    names = {AUGMENTED: "strong augmentation", DERANGED: "deranged labels"}
    return [
        Evidence(
            f"arm {arm}",
            "all real images",
            difference(arm, COMPARATOR),
            controls=tuple(
                Control(name, difference(arm, row), difference(row, COMPARATOR))
                for row, name in names.items()
            ),
            deranged=difference(DERANGED, COMPARATOR),
            look_weight=weight,
        )
        for arm in range(ARMS)
    ]
