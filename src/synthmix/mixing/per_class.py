"""All real images kept, and a number of synthetic ones that each class has to itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import NDArray

from synthmix.errors import SettingError, shown, suggestion
from synthmix.mixing import Arm, Mixing, Supply
from synthmix.mixing._draw import per_source, pool
from synthmix.names import keyed
from synthmix.types import Mixture


@dataclass(frozen=True, kw_only=True)
class PerClass(Mixing):
    """One mix: every real image, and for each class the synthetic images asked for.

    A report's advice by class, read off the validation split, can be put here as it stands.
    """

    per_class: Mapping[str, Annotated[int, Ge(0), Le(1_000_000)]]
    """Synthetic images by class name; classes that are not named get none."""

    num_real: Annotated[int, Ge(1), Le(100_000_000)] | None = None
    """Real images of every arm, a stratified subset drawn per seed; all where not given."""

    def __post_init__(self) -> None:
        if not any(self.per_class.values()):
            raise SettingError("per_class asks for no synthetic image; name a class and a number.")

    def check(self, class_names: tuple[str, ...]) -> None:
        for name in self._by_name(class_names):
            if name not in class_names:
                hint = suggestion(name, class_names)
                raise SettingError(f"mixing.per_class: there is no class {shown(name)}. {hint}")

    def shares(self) -> Sequence[float]:
        return [0.0, 1.0]

    def pool_size(self, num_real: int) -> int:
        return pool(self.num_real, num_real, setting="num_real")

    def needed(self, ratio: float, num_pool: int) -> int:
        return sum(self.per_class.values()) if ratio > 0 else 0

    def real_part(self, ratio: float, num_pool: int) -> int:
        return num_pool

    def arms(self, synthetic: Sequence[str]) -> list[Arm]:
        found = super().arms(synthetic)
        return [
            Arm(each.name.replace("@1", "@per-class"), each.ratio, each.sources) for each in found
        ]

    def draw(self, arm: Arm, supply: Supply) -> Mixture:
        drawn = Mixture(arm.name, arm.ratio, supply.run, supply.real_rows(supply.pool))
        if not arm.sources:
            return drawn
        self.check(supply.class_names)
        synthetic = {
            source: supply.synthetic_rows_by_class(source, counts)
            for source, counts in self._counts(arm, supply.class_names).items()
        }
        return replace(drawn, synthetic=synthetic)

    def _counts(self, arm: Arm, class_names: tuple[str, ...]) -> dict[str, NDArray[np.int64]]:
        """Return how many images of each class `[K]` every source of an arm gives."""
        asked = self._by_name(class_names)
        shared = [per_source(arm.sources, asked.get(name, 0)) for name in class_names]
        return {source: np.array([each[source] for each in shared]) for source in arm.sources}

    def _by_name(self, class_names: tuple[str, ...]) -> dict[str, int]:
        return keyed(self.per_class, class_names, where="mixing.per_class")
