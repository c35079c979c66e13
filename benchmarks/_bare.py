"""Steps that do nothing but the arithmetic: forward, backward and update on one cached batch."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from synthmix.hardware import autocast
from synthmix.training.augmentation import normalise
from synthmix.training.loop import Trainer
from synthmix.types import ImageSet


def bare_steps(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Tensor,
    labels: Tensor,
    *,
    precision: str,
    label_smoothing: float = 0.0,
) -> Iterator[Tensor]:
    """Yield the loss of one step after another, without an end."""
    model.train()
    while True:
        with autocast("cpu", precision):
            logits = model(batch)
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=label_smoothing)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        yield loss.detach()


def cached_batch(images: ImageSet, size: int) -> tuple[Tensor, Tensor]:
    """Return the first images, normalised and channels-last, and their labels."""
    batch = normalise(torch.from_numpy(images.pixels[:size].copy()))
    return batch, torch.from_numpy(images.labels[:size])


def bare_steps_of(trainer: Trainer, images: ImageSet) -> Iterator[Tensor]:
    """Return bare steps of a trainer's own model and optimiser, at its precision."""
    return bare_steps(
        trainer.state.model,
        trainer.state.optimizer,
        *cached_batch(images, trainer.recipe.batch_size),
        precision=trainer.precision,
        label_smoothing=trainer.recipe.label_smoothing,
    )
