"""The equal-step loop: the same number of optimiser steps whatever the size of the training set.

Suffixes: B batch, H, W, C, K classes.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from synthmix.hardware import autocast, resolve_device, resolve_precision
from synthmix.seeding import derive
from synthmix.store import replacing
from synthmix.training.augmentation import Augmentation, normalise
from synthmix.training.batches import (
    IN_MEMORY_BYTES,
    Rows,
    chosen,
    gather,
    labels_of,
    num_bytes,
    stream,
)
from synthmix.training.compact import CompactResNet
from synthmix.training.models import build_model
from synthmix.training.optimizers import build_optimizer
from synthmix.training.recipe import Recipe
from synthmix.types import ImageSet, Mixture, Pixels

EVALUATION_BATCH = 500
INITIAL_IMAGES = 2000
"""Images from which a data-dependent initialisation takes its statistics."""


@dataclass
class State:
    """All that a run is between two steps; `history` holds `[step, loss, learning rate]` rows."""

    model: nn.Module
    averaged: AveragedModel | None
    optimizer: torch.optim.Optimizer
    step: int = 0
    history: list[list[float]] = field(default_factory=list)

    @property
    def evaluated(self) -> nn.Module:
        """The weights that predict: averaged ones where there are any, else the last."""
        return self.model if self.averaged is None else self.averaged.module

    def save(self, path: Path) -> None:
        """Write a checkpoint atomically."""
        # through a file of Python's: torch's own writer does not tell a full disk from a fault
        with replacing(path) as temporary, temporary.open("wb") as file:
            torch.save(self._tensors() | {"step": self.step, "history": self.history}, file)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint that `save` wrote; tensors only, nothing is executed."""
        saved = torch.load(path, weights_only=True)
        self.step, self.history = saved["step"], saved["history"]
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.averaged is not None:
            self.averaged.load_state_dict(saved["averaged"])

    def _tensors(self) -> dict[str, Any]:
        parts = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        return parts if self.averaged is None else parts | {"averaged": self.averaged.state_dict()}


class Trainer:
    """Trains one classifier on one mixture; `steps()` yields after every optimiser step."""

    def __init__(
        self,
        recipe: Recipe,
        mixture: Mixture,
        real: ImageSet,
        synthetic: Mapping[str, ImageSet],
        *,
        seed: int,
    ) -> None:
        self.recipe = recipe
        self.seed = seed
        self.device = resolve_device(recipe.device)
        self.precision = resolve_precision(recipe.precision, self.device)
        self.images = chosen(mixture, real, synthetic)
        self.rows = Rows(mixture, recipe.batch_size, seed)
        crop = real.image_size // 8 if recipe.crop is None else recipe.crop
        self.augmentation = Augmentation(crop, recipe.flip, recipe.cutout, recipe.jitter)
        self.state = self._start(real.num_classes, real.image_size)

    def steps(self) -> Iterator[State]:
        """Advance until the recipe's last step, yielding the state after each."""
        state = self.state
        for batch_BCHW, labels_B in self._batches(range(state.step, self.recipe.steps)):
            rate = learning_rate_at(state.step, self.recipe)
            loss = self._advance(batch_BCHW.to(self.device), labels_B.to(self.device), rate)
            state.step += 1
            if state.step % max(self.recipe.steps // 100, 1) == 0:
                state.history.append([state.step, round(float(loss), 6), rate])
            yield state

    def predict(self, pixels: Pixels) -> NDArray[np.float32]:
        """Return the logits `[N, K]` of uint8 images `[N, H, W, C]`."""
        return predict(self.state.evaluated, pixels, self.device, self.precision)

    def _start(self, num_classes: int, image_size: int) -> State:
        # every arm of one seed starts from the same weights
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(self.seed, "initialisation"))
            model = build_model(self.recipe.model, num_classes, image_size)
        if isinstance(model, CompactResNet):
            model.initialise_from(normalise(self._first_images()))
        model = model.to(self.device).to(memory_format=torch.channels_last)
        averaged = _averaged(model, self.recipe.ema_decay)
        return State(model, averaged, build_optimizer(model, self.recipe, self.precision))

    def _first_images(self) -> Tensor:
        # the arm's own images: one without real images must not learn their statistics either
        steps = range(-(-INITIAL_IMAGES // self.recipe.batch_size))
        return torch.cat(list(stream(self.images, self.rows, steps, workers=0)))

    def _batches(self, steps: range) -> Iterator[tuple[Tensor, Tensor]]:
        is_small = num_bytes(self.images) <= IN_MEMORY_BYTES
        source = self._from_memory(steps) if is_small else self._from_stream(steps)
        yield from source

    def _from_memory(self, steps: range) -> Iterator[tuple[Tensor, Tensor]]:
        pool_NHWC, labels_N = gather(self.images)
        for step in steps:
            rows_B = torch.from_numpy(self.rows.at(step))
            yield self._augmented(pool_NHWC, rows_B, step), labels_N[rows_B]

    def _from_stream(self, steps: range) -> Iterator[tuple[Tensor, Tensor]]:
        labels_N = labels_of(self.images)
        everything = torch.arange(self.recipe.batch_size)
        batches = stream(self.images, self.rows, steps)
        for step, batch_BHWC in zip(steps, batches, strict=True):
            rows_B = torch.from_numpy(self.rows.at(step))
            yield self._augmented(batch_BHWC, everything, step), labels_N[rows_B]

    def _augmented(self, pool_NHWC: Tensor, rows_B: Tensor, step: int) -> Tensor:
        random = torch.Generator().manual_seed(derive(self.seed, "augmentation", step))
        mirrored_B = None
        if self.recipe.alternating_flip:
            mirrored_B = torch.from_numpy(self.rows.mirrored(step))
        side = self.recipe.early_window if 2 * step < self.recipe.steps else None
        return self.augmentation(pool_NHWC, rows_B, random, mirrored_B, side)

    @contextmanager
    def _random(self, step: int) -> Iterator[None]:
        """Draw dropout and stochastic depth from the seed and the step, whatever ran before."""
        devices = [self.device] if self.device.startswith("cuda") else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(derive(self.seed, "forward", step))
            yield

    def _advance(self, batch_BCHW: Tensor, labels_B: Tensor, rate: float) -> Tensor:
        state = self.state
        state.model.train()
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        with self._random(state.step), autocast(self.device, self.precision):
            logits_BK = state.model(batch_BCHW)
        loss = functional.cross_entropy(
            logits_BK.float(), labels_B, label_smoothing=self.recipe.label_smoothing
        )
        state.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        state.optimizer.step()
        if state.averaged is not None:
            state.averaged.update_parameters(state.model)
        return loss.detach()


def learning_rate_at(step: int, recipe: Recipe) -> float:
    """Return the one-cycle rate of a step: linear from near 0 to the peak and back."""
    rising = recipe.warmup * recipe.steps
    place = step + 0.5
    share = place / rising if place < rising else (recipe.steps - place) / (recipe.steps - rising)
    return recipe.learning_rate * share


def predict(model: nn.Module, pixels: Pixels, device: str, precision: str) -> NDArray[np.float32]:
    """Return the logits `[N, K]` of uint8 images `[N, H, W, C]` without gradients."""
    model.eval()
    parts = []
    with torch.inference_mode(), autocast(device, precision):
        for start in range(0, len(pixels), EVALUATION_BATCH):
            block = np.array(pixels[start : start + EVALUATION_BATCH])
            logits = model(normalise(torch.from_numpy(block)).to(device))
            parts.append(logits.float().cpu().numpy())
    return np.concatenate(parts)


def _averaged(model: nn.Module, decay: float) -> AveragedModel | None:
    if not decay:
        return None
    average = get_ema_multi_avg_fn(decay)  # type: ignore[no-untyped-call]
    return AveragedModel(model, multi_avg_fn=average, use_buffers=True)
