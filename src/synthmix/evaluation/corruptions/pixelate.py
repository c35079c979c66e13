"""Pixelation: a picture enlarged from a smaller one."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Gt, Le
from PIL import Image

from synthmix.evaluation.corruptions import Corruption
from synthmix.types import Pixels


@dataclass(frozen=True, kw_only=True)
class Pixelate(Corruption):
    """Averages over boxes (Pillow) and enlarges again by the nearest value."""

    levels: tuple[Annotated[float, Gt(0), Le(1)], ...] = (0.875, 0.75, 0.625, 0.5, 0.375)
    """Side of the small picture at severities 1 to 5, as a share of the image's."""

    neutral: ClassVar[float] = 1.0
    packages: ClassVar[tuple[str, ...]] = ("pillow",)

    def apply(self, image: Pixels, level: float, seed: int) -> Pixels:
        side = image.shape[0]
        small = max(round(level * side), 1)
        picture = Image.fromarray(image).resize((small, small), Image.Resampling.BOX)
        return np.asarray(picture.resize((side, side), Image.Resampling.NEAREST))
