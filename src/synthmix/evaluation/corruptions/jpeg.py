"""JPEG compression: a picture sent through the network."""

import io
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le
from PIL import Image

from synthmix.evaluation.corruptions import Corruption
from synthmix.types import Pixels


@dataclass(frozen=True, kw_only=True)
class Jpeg(Corruption):
    """Encodes and decodes as JPEG (Pillow's libjpeg, its default chroma subsampling)."""

    levels: tuple[Annotated[float, Ge(1), Le(100)], ...] = (80, 60, 40, 25, 10)
    """Quality at severities 1 to 5, rounded to whole numbers."""

    neutral: ClassVar[float] = 100.0
    packages: ClassVar[tuple[str, ...]] = ("pillow",)

    def apply(self, image: Pixels, level: float, seed: int) -> Pixels:
        buffer = io.BytesIO()
        Image.fromarray(image).save(buffer, "JPEG", quality=round(level))
        with Image.open(buffer, formats=["JPEG"]) as decoded:
            return np.asarray(decoded)
