"""A small residual network that trains quickly on processors without an accelerator."""

from dataclasses import dataclass
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from synthmix.training.pooling import max_pool_consuming
from synthmix.training.small_maps import convolve3x3

LOGIT_SCALE = 1 / 9
"""Keeps the logits of an untrained network small under the large learning rate of the head."""

EIGENVALUE_FLOOR = 5e-4
"""Added to the patch variances, so that whitening does not blow up compression noise."""

PIXELS_AT_ONCE = 2**21
"""Of the images whose patches are unfolded together, some 0.4 GB; 2,000 images of 32x32 are."""


@dataclass(frozen=True)
class Shape:
    """How large a network is and where it spends its arithmetic."""

    widths: tuple[int, ...]
    """Channels of the stem and of each stage; every stage halves the sides."""

    patch: int
    """Side of the stem's filters, in pixels."""

    stride: int
    """Of the stem: 2 halves the image."""

    depth: int
    """Convolutions of each residual branch."""


class ConvNorm(nn.Module):
    """A 3x3 convolution, an optional 2x2 max pooling, batch normalisation and SiLU."""

    def __init__(self, inputs: int, outputs: int, *, pool: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        # Passing the input on unchanged is a better start than mixing all of it at random.
        nn.init.dirac_(self.conv.weight.detach()[: min(inputs, outputs)])
        # The momentum is high because a run has few steps: the statistics must follow the weights.
        self.norm = nn.BatchNorm2d(outputs, momentum=0.4)
        # The next convolution sets the scale anyway; only the offset is learned.
        self.norm.weight.requires_grad_(False)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = convolve3x3(x, self.conv.weight)
        # Pooling before the normalisation leaves a quarter of the values to normalise; nothing else
        # reads the convolution's output.
        if self.pool and min(x.shape[-2:]) >= 2:
            x = max_pool_consuming(x)
        return functional.silu(self.norm(x))


class Stage(nn.Module):
    """A convolution that widens and pools, then a residual branch of `depth` convolutions."""

    def __init__(self, inputs: int, outputs: int, depth: int) -> None:
        super().__init__()
        self.widen = ConvNorm(inputs, outputs, pool=True)
        self.branch = nn.Sequential(*(ConvNorm(outputs, outputs) for _ in range(depth)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.widen(x)
        return x + cast(Tensor, self.branch(x))


class CompactResNet(nn.Module):
    """A residual network that spends its arithmetic on small feature maps.

    `compact`, 32x32 images: the stem gives 48x16x16, the stages give 96x8x8 and 192x4x4, global
    max pooling gives 192. Any size from 8x8 on works.

    The whitening stem, the partial dirac initialisation, the frozen norm scales and the scaled
    logits follow Jordan, "94% on CIFAR-10 in 3.29 Seconds on a Single GPU" (2024), and Page, "How
    to train your ResNet" (2018). The residual branches follow He et al., "Deep Residual Learning
    for Image Recognition" (2016). A stem of stride 2 is what makes it cheap on a processor; one of
    stride 1 sees more.
    """

    def __init__(self, num_classes: int, shape: Shape, *, in_channels: int = 3) -> None:
        super().__init__()
        self.shape = shape
        stem, *_, last = shape.widths
        padding = (shape.patch - 1) // 2
        self.stem = nn.Conv2d(in_channels, stem, shape.patch, stride=shape.stride, padding=padding)
        self.stages = nn.Sequential(
            *(Stage(inputs, outputs, shape.depth) for inputs, outputs in pairwise(shape.widths))
        )
        self.head = nn.Linear(last, num_classes, bias=False)

    @torch.no_grad()
    def initialise_from(self, pixels: Tensor) -> None:
        """Whiten patches in the stem, and freeze its filters; call before making an optimiser.

        `pixels` are some normalised training images, NCHW; two thousand are enough. Each of the
        leading principal directions fills two filters, of either sign, since the activation
        suppresses negative responses. Filters beyond that keep their random values.
        """
        weight = self.stem.weight
        # `eigh` sorts upwards, so the leading directions are the last columns.
        variances, directions = torch.linalg.eigh(_second_moments(pixels, self.shape.patch))
        filters = (directions / (variances.clamp(min=0) + EIGENVALUE_FLOOR).sqrt()).T.flip(0)
        count = min(len(filters), len(weight) // 2)
        chosen = filters[:count].reshape(count, *weight.shape[1:]).to(weight)
        weight[:count] = chosen
        weight[count : 2 * count] = -chosen
        weight.requires_grad_(False)
        if self.stem.bias is not None:
            self.stem.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of normalised images, NCHW."""
        x = functional.silu(self.stem(x))
        x = self.stages(x).amax(dim=(2, 3))
        return cast(Tensor, self.head(x)) * LOGIT_SCALE


def _second_moments(pixels: Tensor, side: int) -> Tensor:
    """Return the mean of `x x'` over all patches `x` of this side, a block of images at a time."""
    count = max(1, PIXELS_AT_ONCE // pixels[0, 0].numel())
    total, num_patches = torch.zeros((), dtype=torch.float64), 0
    for block in torch.split(pixels, count):
        patches = functional.unfold(block, side, stride=2).transpose(1, 2).flatten(0, 1).double()
        total, num_patches = total + patches.T @ patches, num_patches + len(patches)
    return total / num_patches
