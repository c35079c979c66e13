"""Corruptions: test images as a worse camera, network or room would have left them.

Each file holds one kind with its five severities. The levels are this project's own: they are not
those of CIFAR-10-C or ImageNet-C, and accuracies under them are not comparable with published ones
(the idea, and the five severities, are Hendrycks & Dietterich 2019).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from synthmix.errors import SettingError
from synthmix.registry import Component
from synthmix.types import Pixels

SEVERITIES = 5
"""Levels of every kind, the weakest first."""


@dataclass(frozen=True, kw_only=True)
class Corruption(Component, ABC):
    """One kind of corruption; `levels` says how strong it is at each severity."""

    levels: tuple[float, ...]
    """Strength at severities 1 to 5, in the kind's own unit."""

    neutral: ClassVar[float]
    """The level at which (almost) nothing would change; levels move away from it."""

    packages: ClassVar[tuple[str, ...]]
    """Distributions whose versions the output may depend on."""

    def __post_init__(self) -> None:
        if len(self.levels) != SEVERITIES:
            raise SettingError(
                f"levels has {len(self.levels)} numbers; it needs {SEVERITIES}, one a severity."
            )

    @abstractmethod
    def apply(self, image: Pixels, level: float, seed: int) -> Pixels:
        """Return the image `[H, W, 3]` at this level; what is random comes from `seed` alone.

        One image at a time, so that the result depends on no neighbour. A seed is an image's own
        and the same at every level: severities differ in strength, not in luck.
        """
