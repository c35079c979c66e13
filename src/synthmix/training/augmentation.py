"""Batched augmentation: every image of a batch is cropped, mirrored and cut in one gather.

Suffixes: B batch, H and W side in pixels, C channel.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Augmentation:
    """Random crop of a reflected border, mirroring and cutout, each image on its own."""

    crop: int
    """Largest shift in pixels."""

    flip: bool
    """Whether half of the images are mirrored left-right."""

    cutout: int
    """Side of the blanked square in pixels; 0 for none."""

    jitter: float = 0.0
    """Largest relative change of brightness, contrast and saturation."""

    def __call__(
        self,
        pool_NHWC: Tensor,
        rows_B: Tensor,
        random: torch.Generator,
        mirrored_B: Tensor | None = None,
        side: int | None = None,
    ) -> Tensor:
        """Return images `rows_B` of the uint8 pool, normalised: float32 `[B, C, H, W]`.

        `mirrored_B` says which are mirrored, drawn at random where it is not given. With `side`,
        each is a window of so many pixels, anywhere in its image. The result is channels-last in
        memory. Reading straight from the pool saves a copy.
        """
        size = pool_NHWC.shape[1]
        side = size if side is None else side
        y_BH, x_BW = self._places(len(rows_B), size, side, random)
        if self.flip:
            if mirrored_B is None:
                mirrored_B = torch.rand(len(rows_B), generator=random) < 0.5
            x_BW = torch.where(mirrored_B[:, None], x_BW.flip(1), x_BW)
        images_BHWC = pool_NHWC[rows_B[:, None, None], y_BH[:, :, None], x_BW[:, None, :]]
        images_BCHW = normalise(images_BHWC)
        if self.jitter:
            images_BCHW = self._jittered(images_BCHW, random)
        if self.cutout:
            images_BCHW *= self._kept(len(rows_B), side, random)
        return images_BCHW

    def _places(
        self, batch: int, size: int, side: int, random: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        last = size - side + self.crop
        shift_2B1 = torch.randint(-self.crop, last + 1, (2, batch, 1), generator=random)
        grid = torch.arange(side)
        y_BH = _reflected(grid + shift_2B1[0], size)
        return y_BH, _reflected(grid + shift_2B1[1], size)

    def _jittered(self, images_BCHW: Tensor, random: torch.Generator) -> Tensor:
        """Scale brightness, then the distance to the image's mean, then to each pixel's grey."""
        factors_3B111 = torch.empty(3, len(images_BCHW), 1, 1, 1)
        factors_3B111.uniform_(1 - self.jitter, 1 + self.jitter, generator=random)
        images_BCHW = (images_BCHW + 2) * factors_3B111[0] - 2
        mean_B111 = images_BCHW.mean((1, 2, 3), keepdim=True)
        images_BCHW = torch.lerp(mean_B111, images_BCHW, factors_3B111[1])
        grey_B1HW = images_BCHW.mean(1, keepdim=True)
        return torch.lerp(grey_B1HW, images_BCHW, factors_3B111[2]).clamp_(-2, 2)

    def _kept(self, batch: int, size: int, random: torch.Generator) -> Tensor:
        start_2B1 = torch.randint(0, size, (2, batch, 1), generator=random) - self.cutout // 2
        grid = torch.arange(size)
        inside = [(grid >= start) & (grid < start + self.cutout) for start in start_2B1]
        hole_BHW = inside[0][:, :, None] & inside[1][:, None, :]
        kept_B1HW: Tensor = ~hole_BHW[:, None]
        return kept_B1HW.to(torch.float32)


def normalise(images_NHWC: Tensor) -> Tensor:
    """Return uint8 `[N, H, W, C]` as float32 `[N, C, H, W]` in [-2, 2], channels-last in memory.

    The constants are the same for every data set, so no arm sees another's statistics.
    """
    return images_NHWC.permute(0, 3, 1, 2).to(torch.float32).mul_(4 / 255).sub_(2)


def _reflected(index: Tensor, size: int) -> Tensor:
    # reflection without repeating the border: -1 -> 1, size -> size - 2
    if size == 1:
        return torch.zeros_like(index)
    period = 2 * (size - 1)
    index = index % period
    return torch.where(index < size, index, period - index)
