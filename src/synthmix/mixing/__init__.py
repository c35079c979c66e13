"""Mixing: which real and which synthetic images each arm trains on.

A mixing mode is a frozen dataclass. It answers two questions: which arms there are, and which rows
each arm takes at one seed. Real class proportions are kept, counts come from largest remainders,
and the rows of a smaller share are among those of a larger one.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from synthmix.arms import Arm
from synthmix.mixing._supply import Supply
from synthmix.registry import Component
from synthmix.types import Mixture

Sources = Literal["each", "pooled"]


@dataclass(frozen=True, kw_only=True)
class Mixing(Component, ABC):
    """Decides the arms of a study and draws the images of each."""

    sources: Sources = "each"
    """`each` synthetic set has arms of its own; `pooled` mixes all sets in every arm."""

    def check(self, class_names: tuple[str, ...]) -> None:
        """Raise SettingError where a setting names a class that is not there."""

    def batch_share(self, ratio: float) -> float | None:
        """Return the synthetic share of every batch, None where none is fixed."""

    @abstractmethod
    def shares(self) -> Sequence[float]:
        """Return the ratios asked for, ascending, each once; 0 is real images alone."""

    @abstractmethod
    def pool_size(self, num_real: int) -> int:
        """Return how many real images one seed's arms draw from, at most `num_real`."""

    @abstractmethod
    def needed(self, ratio: float, num_pool: int) -> int:
        """Return how many synthetic images an arm takes from a pool of this many real ones."""

    @abstractmethod
    def real_part(self, ratio: float, num_pool: int) -> int:
        """Return how many real images an arm takes from a pool of this many."""

    @abstractmethod
    def draw(self, arm: Arm, supply: Supply) -> Mixture:
        """Return the arm's rows; raises SettingError, naming the largest possible total."""

    def arms(self, synthetic: Sequence[str]) -> list[Arm]:
        """List the arms, real images alone first; arms that would be equal appear once."""
        groups = [tuple(synthetic)] if self.sources == "pooled" else [(each,) for each in synthetic]
        found = [Arm("real", 0.0, ())] if 0 in self.shares() else []
        for group in groups if synthetic else []:
            label = "+".join(group)
            mixed = [ratio for ratio in self.shares() if ratio > 0]
            found += [Arm(f"{label}@{ratio:g}", ratio, group) for ratio in mixed]
        return found


__all__ = ["Arm", "Mixing", "Supply"]
