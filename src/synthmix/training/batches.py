"""Batches of a mixture: which images each step takes, and where their pixels come from.

Step t of seed s takes the same places of the same permutations whatever ran before, so a resumed
run goes on exactly where it stopped. Suffixes: N images, B batch, H, W, C.
"""

import dataclasses
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from synthmix.seeding import generator
from synthmix.types import ImageSet, Indices, Labels, Mixture

Batch = TypeVar("Batch")

IN_MEMORY_BYTES = 4 * 2**30
"""Training sets up to this size are copied into memory; larger ones are streamed by workers."""


@dataclass(frozen=True)
class Order:
    """The endless order in which `num_images` images, starting at row `first`, are visited."""

    first: int
    num_images: int
    seed: int
    name: str

    def rows(self, start: int, count: int) -> Indices:
        """Return places `start` to `start + count` of the concatenated epochs' permutations."""
        places = np.arange(start, start + count)
        epochs = places // self.num_images
        parts = [
            _permutation(self.num_images, self.seed, self.name, int(epoch))[
                places[epochs == epoch] % self.num_images
            ]
            for epoch in np.unique(epochs)
        ]
        return np.concatenate(parts) + self.first

    def mirrored(self, start: int, count: int) -> NDArray[np.bool_]:
        """Return which of these places show their image mirrored, every other one of its visits.

        Whether the first does is drawn for each image.
        """
        is_odd = np.arange(start, start + count) // self.num_images % 2 == 1
        begins = generator(self.seed, "mirrored", self.name).random(self.num_images) < 0.5
        found: NDArray[np.bool_] = begins[self.rows(start, count) - self.first] ^ is_odd
        return found


@lru_cache(maxsize=8)
def _permutation(num_images: int, seed: int, name: str, epoch: int) -> Indices:
    return generator(seed, "order", name, epoch).permutation(num_images)


class Rows:
    """The rows of every step's batch: real images come first in the joint numbering."""

    def __init__(self, mixture: Mixture, batch_size: int, seed: int) -> None:
        self.batch_size = batch_size
        real, synthetic = mixture.num_real, mixture.num_synthetic
        if mixture.batch_share is None:
            self._streams = [(Order(0, real + synthetic, seed, "all"), batch_size)]
            return
        share = round(mixture.batch_share * batch_size)
        streams = [
            (Order(0, real, seed, "real"), batch_size - share),
            (Order(real, synthetic, seed, "synthetic"), share),
        ]
        self._streams = [(order, count) for order, count in streams if count]

    def at(self, step: int) -> Indices:
        """Return the `batch_size` rows of one step."""
        return np.concatenate([order.rows(step * n, n) for order, n in self._streams])

    def mirrored(self, step: int) -> NDArray[np.bool_]:
        """Return which rows of one step are mirrored where mirroring alternates."""
        return np.concatenate([order.mirrored(step * n, n) for order, n in self._streams])


def gather(images: Sequence[tuple[ImageSet, Indices]]) -> tuple[Tensor, Tensor]:
    """Copy the chosen rows into memory: uint8 `[N, H, W, C]` and int64 labels `[N]`."""
    first = images[0][0].pixels
    total = sum(len(rows) for _, rows in images)
    pixels = np.empty((total, *first.shape[1:]), dtype=np.uint8)
    start = 0
    for source, rows in images:
        # rows are valid; checking them would make a second copy of the whole
        np.take(source.pixels, rows, axis=0, out=pixels[start : start + len(rows)], mode="clip")
        start += len(rows)
    return torch.from_numpy(pixels), labels_of(images)


def labels_of(images: Sequence[tuple[ImageSet, Indices]]) -> Tensor:
    """Return the int64 labels `[N]` of the chosen rows."""
    return torch.from_numpy(np.concatenate([source.labels[rows] for source, rows in images]))


def chosen(
    mixture: Mixture, real: ImageSet, synthetic: Mapping[str, ImageSet]
) -> list[tuple[ImageSet, Indices]]:
    """Pair every source of a mixture with its rows, real images first."""
    pairs = [(real, mixture.real)]
    for name, rows in mixture.synthetic.items():
        pairs.append((_labelled(synthetic[name], rows, mixture.labels.get(name)), rows))
    return [(source, rows) for source, rows in pairs if len(rows)]


def _labelled(images: ImageSet, rows: Indices, labels: Labels | None) -> ImageSet:
    if labels is None:
        return images
    changed = images.labels.copy()
    changed[rows] = labels
    return dataclasses.replace(images, labels=changed)


def num_bytes(images: Sequence[tuple[ImageSet, Indices]]) -> int:
    """Return the bytes the chosen images take when decoded."""
    return sum(len(rows) * int(np.prod(source.pixels.shape[1:])) for source, rows in images)


class _Streamed(Dataset[Tensor]):
    """Batches read from memory-mapped sources: item t is the uint8 batch of step t."""

    def __init__(self, images: Sequence[tuple[ImageSet, Indices]], rows: Rows) -> None:
        self.images = images
        self.rows = rows
        self.starts = np.cumsum([0, *(len(chosen_rows) for _, chosen_rows in images)])

    def __getitem__(self, step: int) -> Tensor:
        rows = self.rows.at(step)
        which = np.searchsorted(self.starts, rows, side="right") - 1
        shape = (len(rows), *self.images[0][0].pixels.shape[1:])
        batch = np.empty(shape, dtype=np.uint8)
        for number, (source, chosen_rows) in enumerate(self.images):
            places = np.flatnonzero(which == number)
            batch[places] = source.pixels[chosen_rows[rows[places] - self.starts[number]]]
        return torch.from_numpy(batch)


def stream(
    images: Sequence[tuple[ImageSet, Indices]], rows: Rows, steps: range, *, workers: int = 2
) -> Iterator[Tensor]:
    """Yield the uint8 batch `[B, H, W, C]` of each step, read ahead by worker processes.

    There are none where forking is not safe: to others a memory map would be sent whole.
    """
    workers = workers if sys.platform == "linux" else 0
    loader = DataLoader(
        _Streamed(images, rows),
        batch_size=None,
        sampler=steps,
        num_workers=workers,
        multiprocessing_context="fork" if workers else None,
    )
    yield from loader


def ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield the batches, each made by a thread while a device is at work on the one before."""
    with ThreadPoolExecutor(1) as thread:
        following = thread.submit(next, batches, None)
        while (batch := following.result()) is not None:
            following = thread.submit(next, batches, None)
            yield batch
