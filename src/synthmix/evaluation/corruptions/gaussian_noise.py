"""Gaussian noise on every value: a sensor in poor light."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge, Le

from synthmix.evaluation.corruptions import Corruption
from synthmix.seeding import generator
from synthmix.types import Pixels


@dataclass(frozen=True, kw_only=True)
class GaussianNoise(Corruption):
    """Adds independent normal noise to every value and clips."""

    levels: tuple[Annotated[float, Ge(0), Le(10)], ...] = (0.04, 0.08, 0.12, 0.16, 0.2)
    """Standard deviation at severities 1 to 5, as a share of the range from black to white."""

    neutral: ClassVar[float] = 0.0
    packages: ClassVar[tuple[str, ...]] = ("numpy",)

    def apply(self, image: Pixels, level: float, seed: int) -> Pixels:
        noise = generator(seed, "corruption: gaussian-noise").standard_normal(image.shape)
        noisy: Pixels = np.rint(image + 255 * level * noise).clip(0, 255).astype(np.uint8)
        return noisy
