"""3x3 convolutions of small feature maps with a quicker weight gradient on processors.

In bfloat16, with 256 channels on maps of 2x2 to 5x5, it takes an eighth to a half of oneDNN's time
as one product of matrices (docs/log.md). On larger maps, copying all patches costs more than that
saves.

Suffixes: B batch, H and W side, I and O channels, P places of all images.
"""

from typing import Any, cast

import torch
from torch import Tensor
from torch.nn import functional

LARGEST_SIDE = 5
"""Of maps, in pixels, on which the product is the quicker one."""


def convolve3x3(x_BIHW: Tensor, weight_OI33: Tensor) -> Tensor:
    """Return the convolution with a border of zeros: `[B, I, H, W]` -> `[B, O, H, W]`.

    Differs from `torch.nn.functional.conv2d` in the rounding of the weight's gradient alone.
    """
    is_narrow = x_BIHW.device.type == "cpu" and x_BIHW.dtype == torch.bfloat16
    if is_narrow and weight_OI33.requires_grad and max(x_BIHW.shape[-2:]) <= LARGEST_SIDE:
        return cast(Tensor, _SmallMap.apply(x_BIHW, weight_OI33.to(x_BIHW.dtype)))
    return functional.conv2d(x_BIHW, weight_OI33, padding=1)


class _SmallMap(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x_BIHW: Tensor, weight_OI33: Tensor) -> Tensor:
        context.save_for_backward(x_BIHW, weight_OI33)
        return functional.conv2d(x_BIHW, weight_OI33, padding=1)

    @staticmethod
    def backward(context: Any, *outputs: Tensor) -> tuple[Tensor | None, Tensor]:
        (gradient_BOHW,) = outputs
        x_BIHW, weight_OI33 = context.saved_tensors
        of_input = None
        if context.needs_input_grad[0]:
            of_input = functional.conv_transpose2d(gradient_BOHW, weight_OI33, padding=1)
        return of_input, weight_gradient(x_BIHW, gradient_BOHW)


def weight_gradient(x_BIHW: Tensor, gradient_BOHW: Tensor) -> Tensor:
    """Return `[O, I, 3, 3]`: every output place's gradient times the nine places it was made of."""
    batch, inputs, height, width = x_BIHW.shape
    padded = functional.pad(x_BIHW.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    # [B, H, W, I, 3, 3], a view; the copy puts the channels last
    patches = padded.unfold(1, 3, 1).unfold(2, 3, 1).permute(0, 1, 2, 4, 5, 3)
    patches_PK = patches.reshape(batch * height * width, 9 * inputs)
    gradient_PO = gradient_BOHW.permute(0, 2, 3, 1).reshape(len(patches_PK), -1)
    return (gradient_PO.T @ patches_PK).view(-1, 3, 3, inputs).permute(0, 3, 1, 2)
