"""Latents and classes as the original's image script draws them, one call for a whole batch."""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


def original_latents(seed: int, batch_size: int, z_dim: int) -> NDArray[np.float64]:
    """Return `[batch_size, z_dim]`; image 3 of a batch is not the image of another seed."""
    return np.random.RandomState(seed).randn(batch_size, z_dim)


def original_labels(seed: int, batch_size: int, c_dim: int) -> NDArray[np.int64]:
    """Return the classes `[batch_size]` that are drawn where none is asked for."""
    return np.random.RandomState(seed).randint(0, c_dim, size=batch_size).astype(np.int64)


def original_transform(translate: tuple[float, float], rotate: float) -> Tensor:
    """Return the input's transform `[3, 3]` for a shift in image sides and a turn in degrees."""
    angle = math.radians(rotate)
    cosine, sine = math.cos(angle), math.sin(angle)
    moved = np.array([[cosine, sine, translate[0]], [-sine, cosine, translate[1]], [0.0, 0.0, 1.0]])
    return torch.from_numpy(np.linalg.inv(moved)).float()


def to_pixels(images_NCHW: Tensor, conversion: str) -> NDArray[np.uint8]:
    """Return values in [-1, 1] `[N, C, H, W]` as uint8 `[N, H, W, C]`.

    `round` adds half a level before the fraction is cut, as the original's metrics do; `truncate`
    does not, as its image script does.
    """
    half = 0.5 if conversion == "round" else 0.0
    levels_NCHW = images_NCHW * 127.5 + (127.5 + half)
    return levels_NCHW.clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
