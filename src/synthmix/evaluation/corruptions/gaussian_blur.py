"""Gaussian blur: a lens out of focus."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from synthmix.evaluation.corruptions import Corruption
from synthmix.types import Pixels


@dataclass(frozen=True, kw_only=True)
class GaussianBlur(Corruption):
    """Convolves with a Gaussian (SciPy) whose width grows with the image's side."""

    levels: tuple[Annotated[float, Ge(0), Le(1)], ...] = (0.0125, 0.02, 0.03, 0.04, 0.055)
    """Standard deviation at severities 1 to 5, as a share of the image's side."""

    neutral: ClassVar[float] = 0.0
    packages: ClassVar[tuple[str, ...]] = ("scipy",)

    def apply(self, image: Pixels, level: float, seed: int) -> Pixels:
        from scipy.ndimage import gaussian_filter

        width = level * image.shape[0]
        blurred = gaussian_filter(image.astype(np.float32), (width, width, 0))
        rounded: Pixels = np.rint(blurred).clip(0, 255).astype(np.uint8)
        return rounded
