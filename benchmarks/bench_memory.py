"""Memory of a training run beyond what it cannot do without.

excess = (peak - baseline of a run) - data - model, optimiser and averaged weights - activations.
The activations are those of bare steps on one batch. Both run in fresh processes; a baseline is
the memory once everything is imported. With the first optimiser step of a process torch imports its
compiler, whatever is trained: the first ratios count that to the baseline, the last to the run.
"""

import json
import resource
import sys
from itertools import islice
from typing import Any

import numpy as np
import psutil
import torch
from _bare import bare_steps, cached_batch
from _record import bounded, ratio, record, spread
from _run import CORES, child, cifar10, options
from torch import Tensor, nn

from synthmix.hardware import resolve_precision
from synthmix.training.loop import Trainer
from synthmix.training.models import build_model
from synthmix.training.recipe import Recipe
from synthmix.types import Mixture

LIMIT_MB = 300
MODEL = "compact"
BATCH = 256


def peak() -> int:
    """Return the largest resident size of this process so far, in bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def baseline() -> tuple[int, int]:
    """Return the resident size now, and after the imports of a first optimiser step, in bytes."""
    process = psutil.Process()
    imported = int(process.memory_info().rss)
    weight = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    weight.sum().backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    return imported, int(process.memory_info().rss)


def mapped() -> int:
    """Return the bytes of mapped files that are resident now; the decoded cache is one."""
    return int(getattr(psutil.Process().memory_info(), "shared", 0))


def num_bytes(value: Any) -> int:
    """Return the bytes of all tensors in nested dictionaries and lists."""
    if isinstance(value, Tensor):
        return value.numel() * value.element_size()
    if isinstance(value, dict):
        return sum(map(num_bytes, value.values()))
    return sum(map(num_bytes, value)) if isinstance(value, list) else 0


def run(data: str, steps: int) -> dict[str, int]:
    """Train on 50,000 images, predict the test images, and return what it took."""
    (imported, before), mapped_before = baseline(), mapped()
    images, test = cifar10(data, "train"), cifar10(data, "test")
    recipe = Recipe(model=MODEL, steps=steps, batch_size=BATCH, device="cpu", threads=CORES)
    mixture = Mixture("real", 0.0, 0, np.arange(len(images)))
    trainer = Trainer(recipe, mixture, images, {}, seed=0)
    for _ in trainer.steps():
        pass
    trainer.predict(test.pixels)
    state = trainer.state
    averaged = {} if state.averaged is None else state.averaged.module.state_dict()
    return {
        "grown": peak() - before,
        "imports of a first optimiser step": before - imported,
        "data": images.pixels.nbytes + images.labels.nbytes,
        "state": num_bytes([state.model.state_dict(), state.optimizer.state_dict(), averaged]),
        "mapped files": mapped() - mapped_before,
    }


def bare(data: str, steps: int) -> dict[str, int]:
    """Take bare steps on one batch and return what they took beyond the weights."""
    _, before = baseline()
    images = cifar10(data, "train")
    # not the Trainer's initialisation, whose own peak would pass for activations
    model = build_model(MODEL, images.num_classes, images.image_size)
    model = model.to(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    precision = resolve_precision("auto", "cpu")
    batch = cached_batch(images, BATCH)
    for _ in islice(bare_steps(model, optimizer, *batch, precision=precision), steps):
        pass
    held = num_bytes([model.state_dict(), optimizer.state_dict()])
    return {"activations": peak() - before - held}


def main() -> None:
    """Measure runs and bare steps in turn and write `memory.json`."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="fresh processes of each kind")
    parser.add_argument("--steps", type=int, default=30, help="optimiser steps of each")
    parser.add_argument("--part", choices=["run", "bare"], help="measure and print; used inside")
    asked = parser.parse_args()
    if asked.part:
        torch.set_num_threads(CORES)
        print(json.dumps((run if asked.part == "run" else bare)(asked.data, asked.steps)))
        return
    torch.set_num_threads(CORES)
    rounds, steps = (1, 2) if asked.quick else (asked.rounds, asked.steps)
    call = ("--data", asked.data, "--steps", str(steps), "--part")
    found = [child(__file__, *call, "run") | child(__file__, *call, "bare") for _ in range(rounds)]
    megabytes = {name: [each[name] / 1e6 for each in found] for name in found[0]}
    excess = [
        (each["grown"] - each["data"] - each["state"] - each["activations"]) / 1e6 for each in found
    ]
    imports = [each["imports of a first optimiser step"] / 1e6 for each in found]
    counted = [a + b for a, b in zip(excess, imports, strict=True)]
    raw = {f"{name}, MB": spread(values) for name, values in megabytes.items()}
    ratios = {
        "excess/300 MB": ratio(excess, [LIMIT_MB] * rounds, at_most=1),
        "largest excess/300 MB": bounded(max(excess) / LIMIT_MB, at_most=1),
        "excess with those imports/300 MB": ratio(counted, [LIMIT_MB] * rounds, at_most=1),
    }
    record("memory", asked, n=rounds, raw=raw | {"excess, MB": spread(excess)}, ratios=ratios)


if __name__ == "__main__":
    main()
