"""Low-pass filters of StyleGAN3's layers, and the matrices that apply them along one axis.

Karras et al., "Alias-Free Generative Adversarial Networks" (2021), appendix C. Suffixes: M places
at the temporary rate, I places of the input, O places of the output.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

TILE = 128
"""Output places of one matrix. A processor multiplies small dense matrices faster than it sums a
dozen taps; over a longer side the zeros would cost more than that saves."""

ROWS_TILE = 16
"""The same along rows on a processor, where the products are long enough to skip more zeros."""


@dataclass(frozen=True)
class Band:
    """A filter's specification; frequencies in cycles per image side."""

    taps: int
    cutoff: float
    half_width: float
    rate: float


def kaiser_beta(band: Band) -> float:
    """Return the shape parameter of the Kaiser window for this transition width (Kaiser 1974)."""
    width = 2 * band.half_width / (band.rate / 2)
    attenuation = 2.285 * (band.taps - 1) * np.pi * width + 7.95
    if attenuation > 50:
        return float(0.1102 * (attenuation - 8.7))
    if attenuation > 21:
        return float(0.5842 * (attenuation - 21) ** 0.4 + 0.07886 * (attenuation - 21))
    return 0.0


def separable(band: Band) -> NDArray[np.float32]:
    """Return the windowed sinc `[taps]`, which sums to 1."""
    from scipy.signal import firwin

    width = 2 * band.half_width
    taps = firwin(band.taps, cutoff=band.cutoff, width=width, fs=band.rate)
    return np.asarray(taps, np.float32)


def radial(band: Band) -> NDArray[np.float32]:
    """Return the windowed jinc `[taps, taps]`, equal in all directions, which sums to 1."""
    from scipy.special import j1

    places = (np.arange(band.taps) - (band.taps - 1) / 2) / band.rate
    radius = np.hypot(*np.meshgrid(places, places))
    window = np.kaiser(band.taps, kaiser_beta(band))
    taps = j1(2 * np.pi * band.cutoff * radius) / (np.pi * radius) * np.outer(window, window)
    return np.asarray(taps / taps.sum(), np.float32)


def upsampling_matrix(taps: Tensor, up: int, padding: tuple[int, int], size: int) -> Tensor:
    """Return `[M, I]`: insert zeros, pad or crop, filter, and keep the mean level.

    `padding` counts places at the temporary rate before and after; negative ones crop.
    """
    lower, upper = padding
    places = size * up + lower + upper - len(taps) + 1
    offset = lower + up * torch.arange(size) - torch.arange(places)[:, None]
    return up * _taken(taps, offset)


def downsampling_matrix(taps: Tensor, down: int, places: int) -> Tensor:
    """Return `[O, M]`: filter and keep every `down`-th place, the first included."""
    size = (places - len(taps)) // down + 1
    offset = torch.arange(places) - down * torch.arange(size)[:, None]
    return _taken(taps, offset)


def _taken(taps: Tensor, offset: Tensor) -> Tensor:
    inside = (offset >= 0) & (offset < len(taps))
    return torch.where(inside, taps[offset.clamp(0, len(taps) - 1)], torch.zeros(()))


class AxisFilter(nn.Module):
    """A banded matrix `[O, I]` along the rows or columns of images `[N, H, W, C]`, tile by tile.

    With the channels last, either direction is a product of matrices whose long side they are.
    Along the rows it is one product an image and tile, straight into its place, and twice as fast.
    """

    def __init__(self, matrix: Tensor) -> None:
        super().__init__()
        self.size = len(matrix)
        self.tiles = _Tiles(matrix, TILE)
        self.rows_tiles = _Tiles(matrix, ROWS_TILE)

    def rows(self, images_NHWC: Tensor) -> Tensor:
        """Return `[N, O, W, C]`."""
        number, _, width, channels = images_NHWC.shape
        if images_NHWC.device.type != "cpu":
            return self._mixed(images_NHWC.flatten(2)).view(number, -1, width, channels)
        filtered = images_NHWC.new_empty(number, self.size, width * channels)
        for image, into in zip(images_NHWC.flatten(2), filtered, strict=True):
            for tile, read, written in self.rows_tiles:
                torch.mm(tile, image[read], out=into[written])
        return filtered.view(number, -1, width, channels)

    def columns(self, images_NHWC: Tensor) -> Tensor:
        """Return `[N, H, O, C]`."""
        return self._mixed(images_NHWC)

    def _mixed(self, values: Tensor) -> Tensor:
        parts = [tile @ values[..., read, :] for tile, read, _ in self.tiles]
        return parts[0] if len(parts) == 1 else torch.cat(parts, -2)


class _Tiles(nn.Module):
    """A matrix in groups of rows, each without the columns in which all of its rows are zero."""

    def __init__(self, matrix: Tensor, size: int) -> None:
        super().__init__()
        self.spans: list[tuple[slice, slice]] = []
        for number, places in enumerate(torch.split(matrix, size)):
            used = places.abs().sum(0).nonzero().flatten()
            first, end = (int(used[0]), int(used[-1]) + 1) if len(used) else (0, 1)
            written = slice(number * size, number * size + len(places))
            self.spans.append((slice(first, end), written))
            tile = places[:, first:end].contiguous()
            self.register_buffer(f"tile{number}", tile, persistent=False)

    def __iter__(self) -> Iterator[tuple[Tensor, slice, slice]]:
        """Yield each tile, the places it reads, and those it makes."""
        for number, (read, written) in enumerate(self.spans):
            yield self.get_buffer(f"tile{number}"), read, written
