"""2x2 max pooling whose gradient takes the place of its input.

The gradient of the largest maps is the largest tensor of a training step. The system hands out
memory for it anew, and clears it, in every step: that was a twentieth of the step (docs/log.md).
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional

POOL = torch.ops.aten.max_pool2d_with_indices
POOL_BACKWARD = torch.ops.aten.max_pool2d_with_indices_backward.grad_input


def max_pool_consuming(x_BCHW: Tensor) -> Tensor:
    """Return `[B, C, H // 2, W // 2]`; a backward pass overwrites `x`, which nobody else may need.

    The output of a convolution is such a tensor: its own backward pass reads its input alone.
    Values and gradients are those of `torch.nn.functional.max_pool2d`, bit by bit.
    """
    if x_BCHW.requires_grad and x_BCHW.device.type == "cpu":
        return cast(Tensor, _ConsumingPool.apply(x_BCHW))
    return functional.max_pool2d(x_BCHW, 2)


class _ConsumingPool(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x_BCHW: Tensor) -> Tensor:
        pooled, places = POOL(x_BCHW, [2, 2])
        # not among the saved tensors, which must keep their values
        context.consumed = x_BCHW.detach()
        context.save_for_backward(places)
        return cast(Tensor, pooled)

    @staticmethod
    @once_differentiable
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (places,) = context.saved_tensors
        x = context.consumed
        window = ([2, 2], [2, 2], [0, 0], [1, 1], False)
        return cast(Tensor, POOL_BACKWARD(gradient, x, *window, places, grad_input=x))
