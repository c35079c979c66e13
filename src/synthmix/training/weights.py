"""Weights on disk: safetensors, never a pickle."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from synthmix.hardware import memory_format, resolve_device, resolve_precision
from synthmix.training.models import build_model
from synthmix.training.recipe import Recipe


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's state as safetensors, contiguous and on the CPU."""
    save_file({name: _plain(value) for name, value in model.state_dict().items()}, path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Load what `save_weights` wrote; every name and shape must match."""
    model.load_state_dict(load_file(path))


def load_classifier(path: Path, recipe: Recipe, num_classes: int, image_size: int) -> nn.Module:
    """Return a finished run's classifier, laid out in memory as it was when it was trained.

    On the same machine it predicts bitwise what the run itself predicted.
    """
    with torch.random.fork_rng(devices=[]):
        model = build_model(recipe.model, num_classes, image_size)
    load_weights(model, path)
    device = resolve_device(recipe.device)
    precision = resolve_precision(recipe.precision, device)
    model.to(device).to(memory_format=memory_format(device, precision))
    return model.eval()


def _plain(value: Tensor) -> Tensor:
    return value.detach().to("cpu", memory_format=torch.contiguous_format).contiguous()
