"""Brightness: an overexposed picture."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le
from PIL import Image, ImageEnhance

from synthmix.evaluation.corruptions import Corruption
from synthmix.types import Pixels


@dataclass(frozen=True, kw_only=True)
class Brightness(Corruption):
    """Multiplies every value by the level and clips (Pillow)."""

    levels: tuple[Annotated[float, Ge(0), Le(100)], ...] = (1.15, 1.3, 1.5, 1.75, 2.0)
    """Factor at severities 1 to 5."""

    neutral: ClassVar[float] = 1.0
    packages: ClassVar[tuple[str, ...]] = ("pillow",)

    def apply(self, image: Pixels, level: float, seed: int) -> Pixels:
        return np.asarray(ImageEnhance.Brightness(Image.fromarray(image)).enhance(level))
