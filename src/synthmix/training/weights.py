"""Weights on disk: safetensors, never a pickle."""

from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's state as safetensors, contiguous and on the CPU."""
    save_file({name: _plain(value) for name, value in model.state_dict().items()}, path)


def load_weights(model: nn.Module, path: Path) -> None:
    """Load what `save_weights` wrote; every name and shape must match."""
    model.load_state_dict(load_file(path))


def _plain(value: Tensor) -> Tensor:
    return value.detach().to("cpu", memory_format=torch.contiguous_format).contiguous()
