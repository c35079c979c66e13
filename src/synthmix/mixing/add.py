"""All real images kept, synthetic ones added: does more help?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from synthmix.mixing import Arm, Mixing, Supply
from synthmix.mixing._draw import ascending, mixture, pool
from synthmix.types import Mixture


@dataclass(frozen=True, kw_only=True)
class Add(Mixing):
    """Every arm holds all real images and `per_real` synthetic ones for each of them."""

    per_real: tuple[Annotated[float, Ge(0), Le(1_000_000)], ...] = (0.0, 0.5, 1.0, 2.0)
    """Synthetic images per real image, each at least 0; real images alone (0) are always an arm."""

    num_real: Annotated[int, Ge(1), Le(100_000_000)] | None = None
    """Real images of every arm, a stratified subset drawn per seed; all where not given."""

    def shares(self) -> Sequence[float]:
        return ascending(self.per_real)

    def pool_size(self, num_real: int) -> int:
        return pool(self.num_real, num_real, setting="num_real")

    def needed(self, ratio: float, num_pool: int) -> int:
        return round(ratio * num_pool)

    def real_part(self, ratio: float, num_pool: int) -> int:
        return num_pool

    def draw(self, arm: Arm, supply: Supply) -> Mixture:
        num_synthetic = self.needed(arm.ratio, supply.pool)
        return mixture(arm, supply, supply.pool, num_synthetic, setting="num_real")
