"""How often the verdict's rule is wrong, and how often it sees an effect of the size it states.

Studies are simulated (`_studies.py`): four arms, a comparator and two controls, at 3 and 5 seeds,
with a spread over seeds of 0.1 to 3 points and 600 or 10,000 test images whose effects persist. In
each cell: no effect at all; one arm with the smallest detectable effect; all arms with it, and so
has strong augmentation; the same with deranged labels. A `helps` for an arm whose gain is not its
own is false. Then seeds are added by the adaptive rule, and the same is counted.
"""

import itertools
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from _adaptive import adaptive
from _record import bounded, record
from _run import options
from _studies import (
    ARMS,
    AUGMENTED,
    COMPARATOR,
    CONTROLS,
    DERANGED,
    LEVEL,
    ROWS,
    Design,
    Sums,
    credit,
    evidence,
    helps,
    holm,
    simulate,
)
from numpy.typing import NDArray
from scipy import stats

from synthmix.evaluation.crossed import half_width
from synthmix.evaluation.detectable import components, detectable
from synthmix.evaluation.verdict import differences

SEEDS, SPREADS, IMAGES = (3, 5), (0.001, 0.003, 0.01, 0.03), (600, 10_000)
FALSE_AT_MOST, COVERAGE_AT_LEAST, POWER = 0.06, 0.93, (0.75, 0.85)
STATED, CONFOUNDED, GROWING = 15, 3, 5
"""One study in so many is simulated: at the effect that its own verdict states; with a control
that does the same; with seeds added."""


def designs() -> Iterator[Design]:
    """Yield all cells."""
    yield from itertools.starmap(Design, itertools.product(SEEDS, IMAGES, SPREADS))


def effects(size: float, *rows: int) -> NDArray[np.float64]:
    """Return the arms' effects `[ROWS]`: `size` for the rows named, else none."""
    found = np.zeros(ROWS)
    found[list(rows)] = size
    return found


def rate(hits: NDArray[np.bool_]) -> dict[str, float]:
    """Return a share with its upper 95 % bound (Clopper & Pearson 1934, one-sided)."""
    count, total = int(hits.sum()), len(hits)
    upper = 1.0 if count == total else float(stats.beta.ppf(0.95, count + 1, total - count))
    return {"rate": round(count / total, 5), "upper": round(upper, 5)}


def measure(design: Design, num_studies: int, seed: int) -> dict[str, Any]:
    """Return the rates of one cell."""
    random = np.random.default_rng([seed, design.num_seeds, design.num_images])
    shape = (design.num_seeds, design.num_images)
    size = detectable(design.components, *shape, ARMS, len(CONTROLS))
    bare = detectable(design.components, *shape, ARMS)
    arms = range(ARMS)
    null = simulate(random, design, effects(0.0), num_studies)
    one = simulate(random, design, effects(size, 0), num_studies)
    augmented = simulate(random, design, effects(size, *arms, AUGMENTED), num_studies // CONFOUNDED)
    deranged = simulate(random, design, effects(size, *arms, DERANGED), num_studies // CONFOUNDED)
    found = helps(one)
    covered = [
        np.abs(mean - truth) <= half_width(squares)
        for sums, truth in ((null, 0.0), (one, size))
        for mean, squares in [sums.pair(0, COMPARATOR)]
    ]
    return {
        "seeds": design.num_seeds,
        "test images": design.num_images,
        "spread, points": round(100 * design.spread, 3),
        "detectable, points": round(100 * size, 3),
        "false helps, no effect": rate(helps(null).any(axis=1)),
        "false helps beside a true one": rate(found[:, 1:].any(axis=1)),
        "false helps, augmentation does the same": rate(helps(augmented).any(axis=1)),
        "false helps, wrong labels do the same": rate(helps(deranged).any(axis=1)),
        "false helps, no effect, no controls": rate(without_controls(null, 0.0).any(axis=1)),
        "power": float(found[:, 0].mean()),
        "power without controls": float(without_controls(null, bare)[:, 0].mean()),
        "power at the effect each study states": stated(null, max(num_studies // STATED, 2)),
        "coverage": float(np.concatenate(covered).mean()),
    }


def without_controls(null: Sums, size: float) -> NDArray[np.bool_]:
    """Return which arms `help` in studies that left all controls out `[R, ARMS]`."""
    return holm(credit(null, size, (COMPARATOR,))) <= LEVEL


def stated(null: Sums, num_studies: int) -> float:
    """Return the power at the effect that each study's own verdict says it could have seen."""
    shift, shape = np.zeros(len(null.rows)), (null.rows.shape[2], null.num_images)
    for study in range(num_studies):
        pooled = components(differences(evidence(null, study)))
        shift[study] = detectable(pooled, *shape, ARMS, len(CONTROLS))
    p = holm(credit(null, shift))[:num_studies, 0]
    return float((p <= LEVEL).mean())


def ratios(cells: list[dict[str, Any]], looks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the worst figure of each kind, with its target."""
    false = [key for key in cells[0] if key.startswith("false")]
    power = [each[key] for each in cells for key in ("power", "power without controls")]
    found = {
        f"{key}, largest upper bound": bounded(
            max(each[key]["upper"] for each in cells), at_most=FALSE_AT_MOST
        )
        for key in false
    }
    return found | {
        "least power": bounded(min(power), at_least=POWER[0]),
        "largest power": bounded(max(power), at_most=POWER[1]),
        "least coverage": bounded(
            min(each["coverage"] for each in cells), at_least=COVERAGE_AT_LEAST
        ),
        "false helps, seeds added, largest upper bound": bounded(
            max(rate["upper"] for each in looks for rate in each["false helps"].values()),
            at_most=FALSE_AT_MOST,
        ),
    }


def main() -> None:
    """Simulate all cells and write `verdict.json`."""
    parser = options(__doc__)
    parser.add_argument("--studies", type=int, default=1500, help="simulated studies of each kind")
    parser.add_argument("--seed", type=int, default=0, help="seed of the simulation")
    asked = parser.parse_args()
    studies = 20 if asked.quick else asked.studies
    started = time.process_time()
    cells = []
    for design in designs():
        cells.append(measure(design, studies, asked.seed))
        print(cells[-1], flush=True)
    looks = [
        adaptive(Design(9, *cell), max(studies // GROWING, 10), asked.seed)
        for cell in itertools.product(IMAGES, (0.001, 0.01))
    ]
    raw = {
        "arms": ARMS,
        "controls": len(CONTROLS),
        "cells": cells,
        "seeds added": looks,
        "processor seconds": round(time.process_time() - started, 1),
    }
    record("verdict", asked, n=studies, raw=raw, ratios=ratios(cells, looks))


if __name__ == "__main__":
    main()
