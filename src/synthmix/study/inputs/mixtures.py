"""The arms of a study, and which images each of them draws at a seed."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property, lru_cache

from synthmix.arms import Contrasts, contrasts
from synthmix.controls import controls
from synthmix.controls import draw as draw_control
from synthmix.images import mark
from synthmix.mixing import Arm, Supply
from synthmix.study.inputs.selection import Selections
from synthmix.types import Mixture


@dataclass(frozen=True, eq=False)
class Mixtures(Selections):
    """The arms and their mixtures, on the floor of the sets and what is selected of them."""

    def arms(self) -> list[Arm]:
        """List the study's arms: real images alone, the mixes, then their controls.

        Mixes that draw the same images are one arm.
        """
        return list(self._arms.values())

    @cached_property
    def _arms(self) -> dict[str, Arm]:
        mixes: dict[tuple[object, ...], Arm] = {}
        for arm in self.study.mixing.arms([each.name for each in self.study.synthetic]):
            drawn = self._drawn(arm, self.supply(0))
            rows = [(name, mark(rows)) for name, rows in drawn.synthetic.items()]
            mixes.setdefault((mark(drawn.real), *rows, drawn.batch_share), arm)
        most, wanted = len(self.train_rows), self.study.controls
        listed = list(mixes.values())
        listed += controls(self.study.mixing, listed, self.num_pool, most, wanted)
        return {arm.name: arm for arm in listed}

    @cached_property
    def contrasts(self) -> Contrasts:
        """Which arm is compared with which."""
        kinds = self.study.controls.kinds
        return contrasts(self.arms(), self.study.mixing.real_part, self.num_pool, kinds)

    def supply(self, run: int) -> Supply:
        """Return what run number `run` draws from."""
        shares = self.study.mixing.shares()
        needed = max(self.study.mixing.needed(ratio, self.num_pool) for ratio in shares)
        sets = self.study.synthetic
        if self.study.mixing.sources == "pooled" and sets:
            needed = -(-needed // len(sets))
        return dataclasses.replace(
            self.real_supply(run),
            synthetic={each.name: self.drawable(each, run) for each in sets},
            # a set that each seed has to itself needs no blocks: any prefix of it is fresh
            largest={
                each.name: len(self.labels_of(each)) if each.is_fitted else needed for each in sets
            },
        )

    def mixture(self, arm: Arm, run: int) -> Mixture:
        """Return the rows of `train` and of each synthetic set that this arm takes at this seed."""
        return self._mixture(arm, run, self.known_selections(run))

    @lru_cache(maxsize=128)  # noqa: B019 - a workspace lives as long as its study is at work
    def _mixture(self, arm: Arm, run: int, known: tuple[str, ...]) -> Mixture:
        drawn = self._drawn(arm, self.supply(run))
        return dataclasses.replace(drawn, real=self.train_rows[drawn.real])

    def _drawn(self, arm: Arm, supply: Supply) -> Mixture:
        mixing = self.study.mixing
        if arm.control is None:
            return mixing.draw(arm, supply)
        return draw_control(arm, lambda name: mixing.draw(self._arms[name], supply), supply)
