"""The equal-step loop: the same number of optimiser steps whatever the size of the training set.

Suffixes: B batch, H, W, C, K classes.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from synthmix.hardware import (
    autocast,
    is_out_of_memory,
    memory_format,
    resolve_device,
    resolve_precision,
)
from synthmix.resident import empty_cache
from synthmix.seeding import derive
from synthmix.training.augmentation import Augmentation, normalise
from synthmix.training.averaging import Averaged
from synthmix.training.batches import (
    IN_MEMORY_BYTES,
    Rows,
    ahead,
    chosen,
    gather,
    labels_of,
    num_bytes,
    stream,
)
from synthmix.training.compact import CompactResNet
from synthmix.training.layout import layout_of
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
    averaged: Averaged | None
    optimizer: torch.optim.Optimizer
    step: int = 0
    history: list[list[float]] = field(default_factory=list)

    @property
    def evaluated(self) -> nn.Module:
        """The weights that predict: averaged ones where there are any, else the last."""
        return self.model if self.averaged is None else self.averaged.module

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        # through a file of Python's: torch's own writer does not tell a full disk from a fault
        with path.open("wb") as file:
            torch.save(self._tensors() | {"step": self.step, "history": self.history}, file)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint that `save` wrote; tensors only, nothing is executed."""
        saved = torch.load(path, map_location="cpu", weights_only=True)
        self.step, self.history = saved["step"], saved["history"]
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        if self.averaged is not None:
            self.averaged.module.load_state_dict(saved["averaged"])

    def _tensors(self) -> dict[str, Any]:
        parts = {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()}
        if self.averaged is None:
            return parts
        return parts | {"averaged": self.averaged.module.state_dict()}


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
        self.layout = layout_of(
            recipe.model,
            real.num_classes,
            real.image_size,
            recipe.batch_size,
            self.device,
            self.precision,
        )
        self.images = chosen(mixture, real, synthetic)
        self.rows = Rows(mixture, recipe.batch_size, seed)
        crop = real.image_size // 8 if recipe.crop is None else recipe.crop
        self.augmentation = Augmentation(crop, recipe.flip, recipe.cutout, recipe.jitter)
        self.state = self._start(real.num_classes, real.image_size)

    def steps(self) -> Iterator[State]:
        """Advance until the recipe's last step, yielding the state after each."""
        state = self.state
        batches = self._placed(range(state.step, self.recipe.steps))
        for batch_BCHW, labels_B in batches if self.device == "cpu" else ahead(batches):
            rate = learning_rate_at(state.step, self.recipe)
            loss = self._advance(batch_BCHW, labels_B, rate)
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
        model = model.to(self.device).to(memory_format=self.layout)
        decay = self.recipe.ema_decay
        averaged = Averaged(model, decay) if decay else None
        return State(model, averaged, build_optimizer(model, self.recipe, self.precision))

    def _first_images(self) -> Tensor:
        # the arm's own images: one without real images must not learn their statistics either
        steps = range(-(-INITIAL_IMAGES // self.recipe.batch_size))
        return torch.cat(list(stream(self.images, self.rows, steps, workers=0)))

    def _placed(self, steps: range) -> Iterator[tuple[Tensor, Tensor]]:
        for batch_BCHW, labels_B in self._batches(steps):
            batch_BCHW = batch_BCHW.to(self.device).contiguous(memory_format=self.layout)
            yield batch_BCHW, labels_B.to(self.device)

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
    def _repeatable(self, step: int) -> Iterator[None]:
        """Draw dropout and stochastic depth from the seed and the step, whatever ran before."""
        is_cuda = self.device.startswith("cuda")
        with ExitStack() as stack:
            stack.enter_context(torch.random.fork_rng(devices=[self.device] if is_cuda else []))
            torch.manual_seed(derive(self.seed, "forward", step))
            if is_cuda and self.recipe.deterministic:
                # the gradients of the others add up in any order
                stack.enter_context(sdpa_kernel(SDPBackend.MATH))
            yield

    def _advance(self, batch_BCHW: Tensor, labels_B: Tensor, rate: float) -> Tensor:
        state = self.state
        state.model.train()
        for group in state.optimizer.param_groups:
            group["lr"] = rate
        with self._repeatable(state.step), autocast(self.device, self.precision):
            logits_BK = state.model(batch_BCHW)
        loss = functional.cross_entropy(
            logits_BK.float(), labels_B, label_smoothing=self.recipe.label_smoothing
        )
        state.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        state.optimizer.step()
        if state.averaged is not None:
            state.averaged.update(state.model, is_first=state.step == 0)
        return loss.detach()


def learning_rate_at(step: int, recipe: Recipe) -> float:
    """Return the one-cycle rate of a step: linear from near 0 to the peak and back."""
    rising = recipe.warmup * recipe.steps
    place = step + 0.5
    share = place / rising if place < rising else (recipe.steps - place) / (recipe.steps - rising)
    return recipe.learning_rate * share


def predict(model: nn.Module, pixels: Pixels, device: str, precision: str) -> NDArray[np.float32]:
    """Return the logits `[N, K]` of uint8 images `[N, H, W, C]` without gradients.

    Batches are halved where a device has no room for them.
    """
    model.eval()
    parts: list[NDArray[np.float32]] = []
    start, size = 0, EVALUATION_BATCH
    while start < len(pixels):
        logits_NK = _logits(model, np.array(pixels[start : start + size]), device, precision)
        if logits_NK is None:
            size //= 2
            empty_cache()
        else:
            parts.append(logits_NK)
            start += size
    return np.concatenate(parts)


def _logits(
    model: nn.Module, pixels: Pixels, device: str, precision: str
) -> NDArray[np.float32] | None:
    """Return the logits of a batch, None where the device has no room for it."""
    layout = memory_format(device, precision)
    try:
        with torch.inference_mode(), autocast(device, precision):
            images_NCHW = normalise(torch.from_numpy(pixels)).to(device)
            logits_NK: Tensor = model(images_NCHW.contiguous(memory_format=layout))
            return logits_NK.float().cpu().numpy()
    except (RuntimeError, MemoryError) as error:
        if len(pixels) == 1 or not is_out_of_memory(error):
            raise
        return None
