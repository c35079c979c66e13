"""A fixed synthetic share of every batch, whatever the sizes of the sets."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from annotated_types import Ge, Le

from synthmix.mixing import Arm, Mixing, Supply
from synthmix.mixing._draw import ascending, mixture, pool
from synthmix.types import Mixture


@dataclass(frozen=True, kw_only=True)
class BatchRatio(Mixing):
    """Every batch holds `round(ratio * batch_size)` synthetic images and real ones for the rest."""

    ratios: tuple[Annotated[float, Ge(0), Le(1)], ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    """Synthetic shares of a batch, each in [0, 1]; real images alone (0) are always an arm."""

    num_real: Annotated[int, Ge(1), Le(100_000_000)] | None = None
    """Real images the batches draw from, a stratified subset per seed; all where not given."""

    num_synthetic: Annotated[int, Ge(1), Le(100_000_000)] | None = None
    """Synthetic images the batches draw from; as many as there are real ones where not given."""

    def batch_share(self, ratio: float) -> float | None:
        return ratio

    def shares(self) -> Sequence[float]:
        return ascending(self.ratios)

    def pool_size(self, num_real: int) -> int:
        return pool(self.num_real, num_real, setting="num_real")

    def needed(self, ratio: float, num_pool: int) -> int:
        return (self.num_synthetic or num_pool) if ratio > 0 else 0

    def real_part(self, ratio: float, num_pool: int) -> int:
        return num_pool if ratio < 1 else 0

    def draw(self, arm: Arm, supply: Supply) -> Mixture:
        num_real = self.real_part(arm.ratio, supply.pool)
        num_synthetic = self.needed(arm.ratio, supply.pool)
        drawn = mixture(arm, supply, num_real, num_synthetic, setting="num_synthetic")
        return replace(drawn, batch_share=self.batch_share(arm.ratio))
