"""How often the interval of a worth in real images holds the true one.

Learning curves of five sizes are simulated together with an arm whose 8,000 synthetic images are
worth 0, 0.1 or 0.5 real ones each. A nominal 95 % interval should cover at least 90 %.
"""

import itertools
import time

import numpy as np
from _curves import NUM_REAL, NUM_SYNTHETIC, SIZES, covered
from _record import bounded, record
from _run import options

COVERAGE_AT_LEAST = 0.9


def main() -> None:
    """Simulate all cells and write `worth.json`."""
    parser = options(__doc__)
    parser.add_argument("--studies", type=int, default=120, help="simulated studies of each kind")
    parser.add_argument("--seed", type=int, default=0, help="seed of the simulation")
    asked = parser.parse_args()
    studies = 5 if asked.quick else asked.studies
    random, started, cells = np.random.default_rng(asked.seed), time.process_time(), []
    for num_seeds, spread, rate in itertools.product((3, 5), (0.003, 0.01), (0.0, 0.1, 0.5)):
        found = covered(random, rate, num_seeds, 2000, spread, studies)
        cell = {"seeds": num_seeds, "spread, points": 100 * spread, "rate": rate}
        cells.append(cell | {key: round(value, 4) for key, value in found.items()})
        print(cells[-1], flush=True)
    raw = {
        "sizes": SIZES,
        "real images": NUM_REAL,
        "synthetic images": NUM_SYNTHETIC,
        "test images": 2000,
        "cells": cells,
        "processor seconds": round(time.process_time() - started, 1),
    }
    least = bounded(min(each["coverage"] for each in cells), at_least=COVERAGE_AT_LEAST)
    record("worth", asked, n=studies, raw=raw, ratios={"least coverage": least})


if __name__ == "__main__":
    main()
