"""Share of the time of generating a set that goes into writing its shards.

Two generators draw the same requests with and without `write_set`, in turns. The flow runs as a
study runs it where every core has a process of its own: with one thread, and here on one core,
which drawing and writing share; counted are this process's seconds on it, so that neighbours count
less. A paced one waits as for an accelerator and leaves the cores free; it repeats real images,
whose PNG files cost what real ones cost.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from _record import bounded, ratio, record, spread
from _run import CORES, cifar10, options

from synthmix.generators.flow import Flow
from synthmix.images import take
from synthmix.shards import Draw, requests, write_set
from synthmix.store import Artifact
from synthmix.types import ImageSet, Pixels, Request

SHARD_SIZE = 200
SIZE = 32
PACE = 1000
"""Images a second of the paced generator."""

FITTED_ON = 5000
Clock = Callable[[], float]
ALLOWED = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def flow_draw(images: ImageSet, folder: Path, fit_steps: int) -> Draw:
    """Return the flow with default settings; a few steps of fitting change no cost of drawing."""
    flow = Flow(fit_steps=fit_steps, device="cpu")
    fitted = Artifact(folder, "fitted", "flow")
    some = take(images, np.arange(FITTED_ON))
    flow.fit(some, seed=0, artifact=fitted, progress=fitted.report)

    def draw(wanted: Sequence[Request]) -> Iterator[Pixels]:
        names = images.class_names
        return flow.generate(wanted, class_names=names, image_size=SIZE, fitted=fitted.path)

    return draw


def paced_draw(images: ImageSet, pace: float | None) -> Draw:
    """Return a generator that repeats images, `pace` a second in batches; None does not wait."""
    pixels = images.pixels[: 2 * SHARD_SIZE].copy()
    batch = 64

    def draw(wanted: Sequence[Request]) -> Iterator[Pixels]:
        for start in range(0, len(wanted), batch):
            chunk = wanted[start : start + batch]
            if pace is not None:
                time.sleep(len(chunk) / pace)
            for each in chunk:
                yield pixels[each.seed % len(pixels)]

    return draw


def consume(draw: Draw, asked: Sequence[Request], clock: Clock = time.perf_counter) -> float:
    """Return the seconds to draw all images, shard by shard, and drop them."""
    started = clock()
    for start in range(0, len(asked), SHARD_SIZE):
        for _ in draw(asked[start : start + SHARD_SIZE]):
            pass
    return clock() - started


def write(
    draw: Draw,
    asked: Sequence[Request],
    class_names: tuple[str, ...],
    clock: Clock = time.perf_counter,
) -> float:
    """Return the seconds to draw all images into a sealed set."""
    with tempfile.TemporaryDirectory() as folder:
        artifact = Artifact(Path(folder), "set", "benchmark")
        started = clock()
        write_set(
            artifact,
            asked,
            draw,
            class_names=class_names,
            shard_size=SHARD_SIZE,
            card="",
            progress=artifact.report,
        )
        return clock() - started


def stay_on(cores: int) -> None:
    """Keep this process on so many cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, ALLOWED[:cores])


def main() -> None:
    """Draw with and without writing, in turns, and write `generation.json`."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="turns of each kind")
    parser.add_argument("--per-class", type=int, default=60, help="images of each class")
    parser.add_argument("--fit-steps", type=int, default=20, help="steps of fitting the flow")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.per_class, asked.fit_steps = 1, 2, 1
    torch.set_num_threads(1)
    images = cifar10(asked.data, "train")
    names = images.class_names
    wanted = requests(names, asked.per_class, 0)
    raw: dict[str, Any] = {"images": len(wanted)}
    ratios: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        draws = {
            "flow": flow_draw(images, Path(folder), asked.fit_steps),
            f"paced, {PACE} images/s": paced_draw(images, PACE),
        }
        for name, draw in draws.items():
            stay_on(1 if name == "flow" else CORES)
            clock = time.process_time if name == "flow" else time.perf_counter
            consume(draw, wanted[:64])  # the first batch also plans its kernels
            drawn, written = [], []
            for _ in range(asked.rounds):
                drawn.append(consume(draw, wanted, clock))
                written.append(write(draw, wanted, names, clock))
            raw[f"{name}: drawn, seconds"] = spread(drawn)
            raw[f"{name}: drawn and written, seconds"] = spread(written)
            beyond = [b - a for a, b in zip(drawn, written, strict=True)]
            ratios[f"{name}: writing/all"] = ratio(beyond, written, at_most=0.05)
    instant = paced_draw(images, None)
    alone = [write(instant, wanted, names) for _ in range(asked.rounds)]
    raw["writing images that are there already, images/s"] = spread(
        [len(wanted) / seconds for seconds in alone]
    )
    ratios["writing alone/paced drawing"] = bounded(min(alone) / (len(wanted) / PACE))
    record("generation", asked, n=asked.rounds, raw=raw, ratios=ratios)


if __name__ == "__main__":
    main()
