"""How alike two images are once one is laid over the other: shifted by some pixels, or mirrored.

What is compared are edges, not brightness: the derivatives (Sobel) of the grey image, less their
mean over what overlaps. Brightness and contrast drop out of their normalised correlation, and so
does a plain gradient, which has one derivative everywhere.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from synthmix.types import Indices, Pixels

SHIFT = 2
"""Pixels by which a copy may be shifted, in each direction."""

FAINT = 3.0
"""Root mean square, in grey levels a pixel, by which derivatives two pixels apart differ where an
image has edges; of 3,000 photographs of CIFAR-10 the smoothest has 6.6, at twice the size 3.1."""

LARGEST = 64  # pixels a side; larger images are reduced, by whole factors
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
_OFFSETS = np.arange(-SHIFT, SHIFT + 1)


def grey(images: Pixels, largest: int = LARGEST) -> NDArray[np.float32]:
    """Return images `[N, H, H, 3]` as luma `[N, S, S]`, reduced to S <= `largest`."""
    luma: NDArray[np.float32] = images.astype(np.float32) @ _LUMA
    factor = -(-luma.shape[1] // largest)
    side = luma.shape[1] // factor
    cut = luma[:, : side * factor, : side * factor]
    blocks = cut.reshape(len(luma), side, factor, side, factor)
    return blocks.mean((2, 4)) if factor > 1 else luma


@dataclass(frozen=True)
class Edges:
    """The derivatives of N images, ready to be correlated with others'."""

    spectrum: NDArray[np.complex64]
    """Fourier transforms `[N, S, S]`; derivatives along x are real, along y imaginary."""

    sums: NDArray[np.complex64]
    """Sums of the derivatives `[N, shifts]` over what overlaps with an image so shifted."""

    energies: NDArray[np.float32]
    """Sums of their squares about their mean `[N, shifts]` over the same."""

    is_faint: NDArray[np.bool_]
    """Whether an image has hardly an edge `[N]`: all smooth images are alike."""


def edges(images: NDArray[np.float32], *, mirrored: bool = False) -> Edges:
    """Return the edges of grey images `[N, S, S]`, or of their mirror images."""
    g = images[:, :, ::-1] if mirrored else images
    along_x = g[:, :, 2:] - g[:, :, :-2]
    along_x = (along_x[:, :-2] + 2 * along_x[:, 1:-1] + along_x[:, 2:]) / 8
    along_y = g[:, 2:] - g[:, :-2]
    along_y = (along_y[:, :, :-2] + 2 * along_y[:, :, 1:-1] + along_y[:, :, 2:]) / 8
    field = along_x + 1j * along_y
    field -= field.mean((1, 2), keepdims=True)
    # two pixels of zeros: a shift by two, and no more, correlates nothing around the border
    padded = np.pad(field, ((0, 0), (0, SHIFT), (0, SHIFT)))
    sums = _over_overlaps(field)
    squares = _over_overlaps(field.real**2 + field.imag**2)
    spread = squares - np.abs(sums) ** 2 / _overlaps(field.shape[1])
    return Edges(
        fft.fft2(padded),
        sums.astype(np.complex64),
        spread.astype(np.float32),
        _bend(field) < FAINT,
    )


def _bend(field: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Return by how much the derivatives `[N, S, S]` change from place to place, in the mean."""
    steps = [field[:, 2:] - field[:, :-2], field[:, :, 2:] - field[:, :, :-2]]
    squares = [(each.real**2 + each.imag**2).mean((1, 2)) for each in steps]
    found: NDArray[np.float32] = np.sqrt(sum(squares) / len(squares))
    return found


def _over_overlaps(values: NDArray[Any]) -> NDArray[Any]:
    """Return the sums `[N, shifts]` of values `[N, S, S]` over what overlaps at each shift."""
    side = values.shape[1]
    wide = np.result_type(values.dtype, np.float64)
    total = np.pad(values.cumsum(1, wide).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    low, high = np.maximum(-_OFFSETS, 0), side - np.maximum(_OFFSETS, 0)
    rows = total[:, high] - total[:, low]
    found: NDArray[Any] = rows[:, :, high] - rows[:, :, low]
    return found.reshape(len(values), -1)


def _overlaps(side: int) -> NDArray[np.float32]:
    """Return how many derivatives of an image overlap at each shift."""
    lengths = (side - np.abs(_OFFSETS)).astype(np.float32)
    return np.outer(lengths, lengths).ravel()


@dataclass(frozen=True)
class Alignment:
    """How P pairs of images lie best over one another."""

    distances: NDArray[np.float32]
    """sqrt(1 - correlation) `[P]`: 0 where every edge is the same, 1 where none is."""

    shifts: Indices
    """Pixels `[P, 2]`, down and right, by which the first image is shifted in the second."""


def aligned(one: Edges, rows: Indices, other: Edges, columns: Indices) -> Alignment:
    """Return how the images `rows` of one and `columns` of the other lie over one another."""
    products = np.conj(one.spectrum[rows]) * other.spectrum[columns]
    everywhere = fft.ifft2(products, overwrite_x=True).real
    dots = everywhere[:, _OFFSETS[:, None], _OFFSETS].reshape(len(rows), -1)
    # what of the other image overlaps is what of it would if it were shifted the other way
    sums, energies = other.sums[columns][:, ::-1], other.energies[columns][:, ::-1]
    means = (np.conj(one.sums[rows]) * sums).real / _overlaps(one.spectrum.shape[-1] - SHIFT)
    scale = np.sqrt(np.maximum(one.energies[rows] * energies, 1e-6))
    correlations = (dots - means) / scale
    best = correlations.argmax(1)
    largest = correlations[np.arange(len(rows)), best]
    shifts = np.stack([_OFFSETS[best // len(_OFFSETS)], _OFFSETS[best % len(_OFFSETS)]], 1)
    return Alignment(np.sqrt(np.clip(1 - largest, 0, 2)), shifts)
