"""Speed of the training loop against the usual script and against bare steps, on the CPU.

usual: PNG files, torchvision transforms, two loader workers, float32, channels first.
ours: synthmix.training.loop.Trainer at precision auto.
bare: forward, backward and step on one cached batch, at the Trainer's precision and layout.

All three take turns with the same threads; the first batch of every turn is not counted.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from _bare import bare_steps_of
from _record import ratio, record, spread
from _run import CORES, cifar10, options
from PIL import Image
from torch.nn import functional
from torch.utils.data import DataLoader

from synthmix.hardware import has_native_bfloat16
from synthmix.training.loop import Trainer
from synthmix.training.models import build_model
from synthmix.training.recipe import Recipe
from synthmix.types import ImageSet, Mixture

WORKERS = 2
READ_AHEAD = 6
"""Batches beyond the timed ones, so that the loader's workers never run out of files."""

Turn = Callable[[], Iterator[object]]
"""Starts a contestant's turn; each step of the iterator is one batch."""


def usual(model_name: str, folder: Path, batch_size: int) -> Turn:
    """Return what a short script does that trains on a folder of images."""
    # imported here: it loads torch's compiler, seconds that --help need not pay
    from torchvision import datasets, transforms

    normalize = transforms.Normalize((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616))
    moved = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()]
    transform = transforms.Compose([*moved, transforms.ToTensor(), normalize])
    files = datasets.ImageFolder(folder, transform)
    loader = DataLoader(
        files, batch_size=batch_size, shuffle=True, num_workers=WORKERS, drop_last=True
    )
    model = build_model(model_name, len(files.classes), 32).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)

    def turn() -> Iterator[object]:
        for images, labels in loader:
            optimizer.zero_grad()
            functional.cross_entropy(model(images), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            yield labels

    return turn


def timed(turn: Turn, batches: int) -> list[float]:
    """Return the seconds of each batch after the first; the turn's workers end with it."""
    seconds = []
    with closing(cast("Generator[object]", turn())) as steps:
        next(steps)
        for _ in range(batches):
            started = time.perf_counter()
            next(steps)
            seconds.append(time.perf_counter() - started)
    return seconds


def write_folder(folder: Path, images: ImageSet, count: int) -> None:
    """Write the first images as PNG files in one folder a class."""
    for row in range(count):
        path = folder / images.class_names[images.labels[row]] / f"{row:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.asarray(images.pixels[row])).save(path)


def compare(
    name: str, images: ImageSet, folder: Path, asked: argparse.Namespace
) -> dict[str, list[list[float]]]:
    """Return each contestant's seconds a batch, one list a round."""
    size = asked.batch_size
    recipe = Recipe(model=name, steps=10**6, batch_size=size, device="cpu", threads=CORES)
    mixture = Mixture("real", 0.0, 0, np.arange(len(images)))
    first, second = (Trainer(recipe, mixture, images, {}, seed=0) for _ in range(2))
    turns: dict[str, Turn] = {
        "usual": usual(name, folder, size),
        "ours": first.steps,
        "bare": partial(bare_steps_of, second, images),
    }
    seconds: dict[str, list[list[float]]] = {each: [] for each in turns}
    for _ in range(asked.rounds):
        for each, turn in turns.items():
            seconds[each].append(timed(turn, asked.batches))
    return seconds


def main() -> None:
    """Measure the models in turn and write `training.json`."""
    parser = options(__doc__)
    parser.add_argument("--batches", type=int, default=6, help="timed batches of a turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each contestant")
    parser.add_argument("--batch-size", type=int, default=256, help="images of a batch")
    parser.add_argument("--models", nargs="+", default=["resnet18", "compact"], help="models")
    asked = parser.parse_args()
    if asked.quick:
        asked.batches, asked.rounds, asked.batch_size = 1, 1, 8
    torch.set_num_threads(CORES)
    images = cifar10(asked.data, "train")
    # without units for bfloat16 both scripts multiply in float32, and 3 is out of reach
    native = has_native_bfloat16("cpu")
    raw: dict[str, Any] = {}
    ratios: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_folder(Path(folder), images, asked.batch_size * (asked.batches + READ_AHEAD))
        for name in asked.models:
            seconds = compare(name, images, Path(folder), asked)
            for each, rounds in seconds.items():
                rates = [asked.batch_size / value for values in rounds for value in values]
                raw[f"{name}: {each}, images/s"] = spread(rates)
            middle = {k: [statistics.median(r) for r in rounds] for k, rounds in seconds.items()}
            faster = ratio(middle["usual"], middle["ours"], at_least=3 if native else None)
            ratios[f"{name}: ours/usual"] = faster | {
                "target": ">= 3 with native bfloat16",
                "has_native_bfloat16": native,
            }
            ratios[f"{name}: ours/bare"] = ratio(middle["bare"], middle["ours"], at_least=0.9)
    record("training", asked, n=asked.rounds * asked.batches, raw=raw, ratios=ratios)


if __name__ == "__main__":
    main()
