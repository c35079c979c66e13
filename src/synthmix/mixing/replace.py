"""A fixed total, of which a ratio is synthetic: can synthetic images stand in for real ones?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from synthmix.mixing import Arm, Mixing, Supply
from synthmix.mixing._draw import ascending, mixture, pool
from synthmix.types import Mixture


@dataclass(frozen=True, kw_only=True)
class Replace(Mixing):
    """Every arm holds `total` images; at ratio r, `round(r * total)` of them are synthetic."""

    ratios: tuple[Annotated[float, Ge(0), Le(1)], ...] = (0.0, 0.25, 0.5, 0.75, 1.0)
    """Synthetic shares of the total, each in [0, 1]; real images alone (0) are always an arm."""

    total: Annotated[int, Ge(1), Le(100_000_000)] | None = None
    """Images of every arm; all real training images where not given."""

    def shares(self) -> Sequence[float]:
        return ascending(self.ratios)

    def pool_size(self, num_real: int) -> int:
        return pool(self.total, num_real, setting="total")

    def needed(self, ratio: float, num_pool: int) -> int:
        return round(ratio * num_pool)

    def real_part(self, ratio: float, num_pool: int) -> int:
        return num_pool - self.needed(ratio, num_pool)

    def draw(self, arm: Arm, supply: Supply) -> Mixture:
        num_synthetic = self.needed(arm.ratio, supply.pool)
        return mixture(
            arm, supply, self.real_part(arm.ratio, supply.pool), num_synthetic, setting="total"
        )
