"""The network of a flow: a small U-Net whose normalised features are scaled by time and class.

Suffixes: B batch, C channels, H, W, E embedding.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from synthmix.generators.flow._gaussian import GaussianVelocity
from synthmix.hardware import memory_format

if TYPE_CHECKING:
    from synthmix.generators.flow import Flow

_COARSEST = 4  # side in cells at which halving stops
_EMBEDDING = 128
_FREQUENCIES = 16
_GROUPS = 8
_PIXEL_VARIANCE = 0.25  # of images in [-1, 1], roughly

Velocity = Callable[[Tensor, float], Tensor]


class VelocityModel(nn.Module):
    """Velocity of a rectified flow: a Gaussian's, in closed form, and a network's correction.

    The network sees the noisy image and the Gaussian's guess of the clean one; its output is in
    units of the Gaussian's spread, so that its target has unit variance at every time, as in the
    preconditioning of Karras et al. 2022, equation 7.
    """

    def __init__(self, gaussian: GaussianVelocity, network: "UNet") -> None:
        super().__init__()
        self.gaussian = gaussian
        self.network = network

    def forward(self, noisy_BCHW: Tensor, time_B: Tensor, labels_B: Tensor) -> Tensor:
        """Return the velocity `[B, C, H, W]` at times `[B]` in [0, 1), images scaled to [-1, 1]."""
        base_BCHW, spread_B111, correction_BCHW = self._parts(noisy_BCHW, time_B, labels_B)
        return base_BCHW + spread_B111 * correction_BCHW

    def loss(
        self, clean_BCHW: Tensor, noise_BCHW: Tensor, time_B: Tensor, labels_B: Tensor
    ) -> Tensor:
        """Return the mean squared error of the velocity in units of the Gaussian's spread.

        The path is `(1 - t) noise + t clean`, its velocity `clean - noise` (Liu et al. 2023,
        equation 1). A network that answers 0 has a loss of about 1.
        """
        noisy_BCHW = torch.lerp(noise_BCHW, clean_BCHW, time_B[:, None, None, None])
        base_BCHW, spread_B111, correction_BCHW = self._parts(noisy_BCHW, time_B, labels_B)
        target_BCHW = (clean_BCHW - noise_BCHW - base_BCHW) / spread_B111
        return functional.mse_loss(correction_BCHW.float(), target_BCHW)

    def _parts(
        self, noisy_BCHW: Tensor, time_B: Tensor, labels_B: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        with torch.autocast(noisy_BCHW.device.type, enabled=False):
            base_BCHW, guess_BCHW, spread_B111 = self.gaussian(noisy_BCHW, time_B, labels_B)
        size_B = (time_B.square() * _PIXEL_VARIANCE + (1 - time_B).square()).sqrt()
        scaled_BCHW = noisy_BCHW / size_B[:, None, None, None]
        guess_BCHW = guess_BCHW / _PIXEL_VARIANCE**0.5
        seen_BCHW = torch.cat([scaled_BCHW, guess_BCHW], dim=1)
        return base_BCHW, spread_B111, self.network(seen_BCHW, time_B, labels_B)


class UNet(nn.Module):
    """Convolutional network that halves the image to about 4 cells a side and doubles it again.

    `widths` and `blocks` are listed from the finest level; an image too small for all levels
    takes the last ones. An image too large for them is first folded into `fold` x `fold` pixels a
    cell. Borders are padded where the side is no multiple of the coarsest cell.
    """

    def __init__(
        self, num_classes: int, image_size: int, widths: Sequence[int], blocks: Sequence[int]
    ) -> None:
        super().__init__()
        levels, self.fold = _levels(image_size, len(widths))
        widths, blocks = widths[-levels:], blocks[-levels:]
        self.cell = self.fold * 2 ** (levels - 1)
        self.embedding = _Embedding(num_classes)
        self.enter = nn.Conv2d(6 * self.fold**2, widths[0], 3, padding=1)
        self.down = nn.ModuleList(map(_Stage, widths, blocks))
        self.up = nn.ModuleList(map(_Stage, widths[:-1], blocks[:-1]))
        self.shrink = nn.ModuleList(nn.Conv2d(4 * a, b, 1) for a, b in pairwise(widths))
        self.grow = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in pairwise(widths))
        self.norm = nn.GroupNorm(_GROUPS, widths[0])
        self.leave = _zeroed(nn.Conv2d(widths[0], 3 * self.fold**2, 1))

    def forward(self, images_BCHW: Tensor, time_B: Tensor, labels_B: Tensor) -> Tensor:
        """Return `[B, 3, H, W]` for images `[B, 6, H, W]`."""
        height, width = images_BCHW.shape[2:]
        padding = (0, -width % self.cell, 0, -height % self.cell)
        padded_BCHW = images_BCHW
        if any(padding):  # not needed at most sizes, and slow where it must be deterministic
            padded_BCHW = functional.pad(images_BCHW, padding, mode="replicate")
        features_BCHW = self.enter(_folded(padded_BCHW, self.fold))
        features_BCHW = self._through_levels(features_BCHW, self.embedding(time_B, labels_B))
        output_BCHW = self.leave(functional.silu(self.norm(features_BCHW)))
        return functional.pixel_shuffle(output_BCHW, self.fold)[:, :, :height, :width]

    def _through_levels(self, features_BCHW: Tensor, embedding_BE: Tensor) -> Tensor:
        kept = []
        for stage, shrink in zip(self.down, self.shrink, strict=False):
            features_BCHW = stage(features_BCHW, embedding_BE)
            kept.append(features_BCHW)
            features_BCHW = shrink(_folded(features_BCHW, 2))
        features_BCHW = self.down[-1](features_BCHW, embedding_BE)
        for level in reversed(range(len(self.up))):
            features_BCHW = kept[level] + _unfolded(self.grow[level](features_BCHW))
            features_BCHW = self.up[level](features_BCHW, embedding_BE)
        return features_BCHW


class _Embedding(nn.Module):
    """Time as cosines and sines, and a learned vector for the class."""

    frequencies: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("frequencies", torch.pi * torch.arange(1.0, 1 + _FREQUENCIES))
        self.time = nn.Linear(2 * _FREQUENCIES, _EMBEDDING)
        self.label = nn.Embedding(num_classes, _EMBEDDING)
        self.mix = nn.Linear(_EMBEDDING, _EMBEDDING)
        nn.init.normal_(self.label.weight, std=0.5)

    def forward(self, time_B: Tensor, labels_B: Tensor) -> Tensor:
        angles_BF = time_B[:, None] * self.frequencies
        waves_BF = torch.cat([angles_BF.cos(), angles_BF.sin()], dim=1)
        joint_BE = self.time(waves_BF) + self.label(labels_B)
        return functional.silu(self.mix(functional.silu(joint_BE)))


class _Stage(nn.Module):
    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(_Block(width) for _ in range(blocks))

    def forward(self, features_BCHW: Tensor, embedding_BE: Tensor) -> Tensor:
        for block in self.blocks:
            features_BCHW = block(features_BCHW, embedding_BE)
        return features_BCHW


class _Block(nn.Module):
    """Residual block: group norm, scale and shift from the embedding, SiLU, 3x3 convolution."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(_GROUPS, width, affine=False)
        self.modulation = nn.Linear(_EMBEDDING, 2 * width)
        self.convolution = nn.Conv2d(width, width, 3, padding=1)
        with torch.no_grad():
            self.convolution.weight.mul_(0.3)  # the sum over blocks starts near its input

    def forward(self, features_BCHW: Tensor, embedding_BE: Tensor) -> Tensor:
        scale_BC11, shift_BC11 = self.modulation(embedding_BE)[:, :, None, None].chunk(2, dim=1)
        normed_BCHW = self.norm(features_BCHW) * (1 + scale_BC11) + shift_BC11
        change_BCHW: Tensor = self.convolution(functional.silu(normed_BCHW))
        return features_BCHW + change_BCHW


def integrate(velocity: Velocity, start_BCHW: Tensor, steps: int) -> Tensor:
    """Return the end at time 1 of the path from `start` at time 0, by the midpoint rule.

    Two evaluations a step, none at time 1; the error falls with the square of the step length.
    """
    length = 1 / steps
    state_BCHW = start_BCHW
    for step in range(steps):
        time = step * length
        middle_BCHW = state_BCHW + length / 2 * velocity(state_BCHW, time)
        state_BCHW = state_BCHW + length * velocity(middle_BCHW, time + length / 2)
    return state_BCHW


def _levels(image_size: int, most: int) -> tuple[int, int]:
    """Return the number of levels and the side in pixels of a cell of the finest one."""
    halvings = 0
    while image_size > _COARSEST * 2**halvings:
        halvings += 1
    levels = min(halvings + 1, most)
    return levels, 2 ** (halvings + 1 - levels)


def _folded(images_BCHW: Tensor, fold: int) -> Tensor:
    return _laid_out(functional.pixel_unshuffle(images_BCHW, fold))


def _unfolded(images_BCHW: Tensor) -> Tensor:
    return _laid_out(functional.pixel_shuffle(images_BCHW, 2))


def _laid_out(images_BCHW: Tensor) -> Tensor:
    device = images_BCHW.device.type
    precision = "bfloat16" if torch.is_autocast_enabled(device) else "float32"
    return images_BCHW.contiguous(memory_format=memory_format(device, precision))


def _zeroed(layer: nn.Conv2d) -> nn.Conv2d:
    nn.init.zeros_(layer.weight)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def model_of(settings: "Flow", num_classes: int, image_size: int) -> VelocityModel:
    """Return the network of these settings, its weights drawn by torch's own random numbers."""
    dimension = 3 * image_size**2
    gaussian = GaussianVelocity(num_classes, dimension, min(settings.rank, dimension))
    return VelocityModel(gaussian, UNet(num_classes, image_size, settings.widths, settings.blocks))


def placed(model: VelocityModel, device: str, precision: str) -> VelocityModel:
    """Return the model on a device, its filters laid out as its convolutions find them fastest."""
    return model.to(device).to(memory_format=memory_format(device, precision))
