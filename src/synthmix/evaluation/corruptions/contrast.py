"""Contrast: fog, or a dull display."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le
from PIL import Image, ImageEnhance

from synthmix.evaluation.corruptions import Corruption
from synthmix.types import Pixels


@dataclass(frozen=True, kw_only=True)
class Contrast(Corruption):
    """Moves every value towards the image's mean grey (Pillow)."""

    levels: tuple[Annotated[float, Ge(0), Le(100)], ...] = (0.75, 0.6, 0.45, 0.3, 0.2)
    """Share of the contrast that is left at severities 1 to 5."""

    neutral: ClassVar[float] = 1.0
    packages: ClassVar[tuple[str, ...]] = ("pillow",)

    def apply(self, image: Pixels, level: float, seed: int) -> Pixels:
        return np.asarray(ImageEnhance.Contrast(Image.fromarray(image)).enhance(level))
