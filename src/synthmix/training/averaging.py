"""Averaged weights, which predict better than the last ones."""

import copy
from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Averaged:
    """A model whose weights and buffers are the exponential moving average of another's.

    The numbers are those of torch's AveragedModel, which waits for a GPU in every step.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.module = copy.deepcopy(model)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module, *, is_first: bool) -> None:
        """Move towards the model's present weights; the first time, take them as they are."""
        floats, latest = [], []
        for average, new in zip(_tensors(self.module), _tensors(model), strict=True):
            if is_first:
                average.copy_(new)
            elif average.is_floating_point():
                floats.append(average)
                latest.append(new)
            else:  # a count of batches
                average.copy_(average * self.decay + new * (1 - self.decay))
        if floats:
            torch._foreach_lerp_(floats, latest, 1 - self.decay)


def _tensors(model: nn.Module) -> Iterator[Tensor]:
    yield from model.parameters()
    yield from model.buffers()
