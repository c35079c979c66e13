"""Accuracy and time of a recipe on all of CIFAR-10, against a budget of processor time.

Every seed trains on all 50,000 training images and looks at the test images once, one view each,
when it has ended. The budget is 520 seconds on a machine on which bare bfloat16 steps of a
64-256-256 network see 1,088 images/s; it is scaled to the rate measured here, in turns with the
training, every slow moment of either counted. Run again after an interruption: the scratch folder
holds what is finished, and `accuracy.json` the seeds that have ended, on whichever machine.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from _bare import bare_steps, cached_batch
from _record import RESULTS, commit, ratio, record, spread
from _reference import reference_network
from _run import CORES, ROOT, cifar10, options

from synthmix.hardware import determinism
from synthmix.registry import build
from synthmix.store import fingerprint, read_json, write_json
from synthmix.training.loop import Trainer
from synthmix.training.recipe import Recipe
from synthmix.types import ImageSet, Mixture

BUDGET_SECONDS = 520
BUDGET_RATE = 1088
CHECKPOINT_STEPS = 50
EMULATED_SECONDS = 10
"""A step longer than this is emulated bfloat16, which takes half a minute, and is timed once."""


class Reference:
    """The reference network's bare steps, timed one at a time between ours.

    Neighbours on a shared machine slow both sides alike.
    """

    def __init__(self, images: ImageSet, size: int) -> None:
        self.size = size
        self.seconds: dict[str, list[float]] = {"bfloat16": [], "float32": []}
        self.steps = {precision: self._steps(images, precision) for precision in self.seconds}

    def _steps(self, images: ImageSet, precision: str) -> Iterator[torch.Tensor]:
        model = reference_network(images.num_classes)
        model = model.to(memory_format=torch.channels_last)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
        steps = bare_steps(model, optimizer, *cached_batch(images, self.size), precision=precision)
        next(steps)
        return steps

    def measure(self) -> None:
        """Take one step at each precision, but no further one where it is only emulated."""
        for precision, steps in self.steps.items():
            taken = self.seconds[precision]
            if not taken or taken[-1] < EMULATED_SECONDS:
                started = time.perf_counter()
                next(steps)
                taken.append(time.perf_counter() - started)

    def rates(self) -> dict[str, float]:
        """Return images/s over all steps: a total, as the training's time is one."""
        return {
            precision: self.size / statistics.mean(taken)
            for precision, taken in self.seconds.items()
        }


def train(trainer: Trainer, scratch: Path, reference: Reference) -> float:
    """Advance to the last step and return the seconds of all steps, over all interruptions."""
    checkpoint, times = scratch / "checkpoint.pt", scratch / "seconds.json"
    spent: dict[str, float] = {}
    if times.exists():
        kept = read_json(times)
        spent, reference.seconds = kept["by step"], kept["reference"]
    if checkpoint.exists():
        trainer.state.load(checkpoint)
    # the times are written first and kept by step: the checkpoint says which one holds
    before = spent.get(str(trainer.state.step), 0.0)
    started = time.perf_counter()
    for state in trainer.steps():
        if state.step % CHECKPOINT_STEPS == 0:
            spent[str(state.step)] = before + time.perf_counter() - started
            write_json(times, {"by step": spent, "reference": reference.seconds})
            state.save(checkpoint)
            before += time.perf_counter() - started
            reference.measure()
            started = time.perf_counter()
    return before + time.perf_counter() - started


def one_seed(
    recipe: Recipe, images: ImageSet, asked: argparse.Namespace, seed: int, scratch: Path
) -> None:
    """Train one seed, evaluate it once, and leave `result.json` in its scratch folder."""
    reference = Reference(images, asked.reference)
    reference.measure()
    started = time.perf_counter()
    mixture = Mixture("real", 0.0, seed, np.arange(len(images)))
    trainer = Trainer(recipe, mixture, images, {}, seed=seed)
    seconds = time.perf_counter() - started + train(trainer, scratch, reference)
    test = cifar10(asked.data, "test")
    accuracy = float((trainer.predict(test.pixels).argmax(1) == test.labels).mean())
    found = {"seed": seed, "accuracy": accuracy, "seconds": seconds}
    found["rates"] = reference.rates()
    facts = {"precision": trainer.precision, "commit": commit()}
    write_json(scratch / "result.json", found | facts)


def restore(folder: Path, earlier: Path) -> None:
    """Put the seeds that an earlier `accuracy.json` of the same settings holds into the scratch."""
    kept = read_json(earlier)["raw"] if earlier.exists() else {}
    for each in kept["by seed"] if kept.get("settings") == folder.name else []:
        (folder / f"seed{each['seed']}").mkdir(parents=True, exist_ok=True)
        write_json(folder / f"seed{each['seed']}" / "result.json", each)


def report(results: list[Any], recipe: Recipe, asked: argparse.Namespace, settings: str) -> None:
    """Write `accuracy.json` from all seeds that have ended."""
    budgets = [BUDGET_SECONDS * BUDGET_RATE / each["rates"]["bfloat16"] for each in results]
    tightest = [BUDGET_SECONDS * BUDGET_RATE / max(each["rates"].values()) for each in results]
    seconds = [each["seconds"] for each in results]
    raw = {
        "settings": settings,
        "by seed": results,
        "recipe": asdict(recipe),
        "precision": results[0]["precision"],
        "seeds": [each["seed"] for each in results],
        "commits": sorted({each["commit"] for each in results}),
        "accuracies": [each["accuracy"] for each in results],
        "accuracy": spread([each["accuracy"] for each in results]),
        "training, seconds": spread(seconds),
        "reference, bfloat16, images/s": spread([each["rates"]["bfloat16"] for each in results]),
        "reference, float32, images/s": spread([each["rates"]["float32"] for each in results]),
        "budget, seconds": spread(budgets),
    }
    ratios = {
        "ours/budget": ratio(seconds, budgets, at_most=1),
        "ours/budget by the faster of bfloat16 and float32": ratio(seconds, tightest, at_most=1),
    }
    record("accuracy", asked, n=len(results), raw=raw, ratios=ratios)


def main() -> None:
    """Train the seeds that are missing and write `accuracy.json` of all that are there."""
    parser = options(__doc__)
    recipes = ROOT / "benchmarks" / "recipes"
    parser.add_argument("--recipe", type=Path, default=recipes / "cifar10_full.yaml")
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds, from 0")
    parser.add_argument("--seed", type=int, help="train this seed alone")
    parser.add_argument("--threads", type=int, default=CORES, help="threads of torch")
    parser.add_argument("--scratch", type=Path, default=ROOT / "results" / "bench-accuracy")
    asked = parser.parse_args()
    settings = yaml.safe_load(asked.recipe.read_text(encoding="utf-8"))
    recipe = build(Recipe, {**settings, "threads": asked.threads, "device": "cpu"}, label="recipe")
    asked.reference = 256
    if asked.quick:
        recipe, asked.seeds, asked.reference = replace(recipe, steps=2, batch_size=16), 1, 8
    images = cifar10(asked.data, "train")
    settings = {"recipe": asdict(recipe), "data": images.fingerprint, "torch": torch.__version__}
    folder = asked.scratch / fingerprint(settings)
    restore(folder, (asked.output or RESULTS) / "accuracy.json")
    with determinism(recipe.threads):
        for seed in range(asked.seeds) if asked.seed is None else [asked.seed]:
            if not (folder / f"seed{seed}" / "result.json").exists():
                (folder / f"seed{seed}").mkdir(parents=True, exist_ok=True)
                one_seed(recipe, images, asked, seed, folder / f"seed{seed}")
        results = [read_json(path) for path in sorted(folder.glob("seed*/result.json"))]
        report(results, recipe, asked, folder.name)


if __name__ == "__main__":
    main()
