"""Arms, and contrasts: which is compared with which, known before anything is trained.

It follows from what arms are (`role`, `of`, how many real images each has), never from their names.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Literal

OF_SHARE = ("duplicated-real", "strong-augmentation")
"""Controls that are run at one share, and that mixes of every share are held against."""

_REAL_ALONE = ("real-part", "real-curve")
"""Controls that are real images alone, trained as the study says."""


Role = Literal["real", "mix", "control"]
"""What an arm is for."""


@dataclass(frozen=True)
class Arm:
    """One point of the accuracy curve: a ratio of synthetic images from some sources."""

    name: str
    ratio: float
    sources: tuple[str, ...]
    """Names of the synthetic sets; empty where the arm is real images alone."""

    control: str | None = None
    """Which control this arm is; None for real images alone and for the mixes themselves."""

    of: str | None = None
    """Name of the arm that a control is a variant of."""

    num_real: int | None = None
    """Size of a subset of real images; None for every other arm."""

    @property
    def role(self) -> Role:
        """What the arm is for: the baseline, a mix that is judged, or a control of those."""
        if self.control is not None:
            return "control"
        return "mix" if self.sources else "real"


@dataclass(frozen=True)
class Contrasts:
    """A study's arms, in its order, and what each is compared with."""

    arms: Mapping[str, Arm]
    num_pool: int
    """Real images that one seed's arms share."""

    num_real: Mapping[str, int]
    """Real images that each mix, or real images alone, takes of them."""

    kinds: tuple[str, ...]
    """Controls that the study asks for."""

    @property
    def real(self) -> Arm:
        """All real images of the pool, alone."""
        return next(arm for arm in self.arms.values() if arm.role == "real")

    @property
    def mixes(self) -> list[Arm]:
        """The arms that are judged."""
        return [arm for arm in self.arms.values() if arm.role == "mix"]

    def all_of(self, control: str) -> list[Arm]:
        """List the controls of one kind."""
        return [arm for arm in self.arms.values() if arm.control == control]

    @cached_property
    def of_share(self) -> list[Arm]:
        """The controls that mixes of every share are held against."""
        return [arm for kind in OF_SHARE for arm in self.all_of(kind)]

    def keeps_all_real(self, arm: Arm) -> bool:
        """Whether a mix has all real images of the pool."""
        return self.num_real[arm.name] == self.num_pool

    def own_real(self, arm: Arm) -> Arm | None:
        """Return the arm of a mix's own real images alone; None where it has none or is not run."""
        if self.keeps_all_real(arm):
            return self.real
        alone = [each for each in self.arms.values() if each.control in _REAL_ALONE]
        return next((each for each in alone if each.num_real == self.num_real[arm.name]), None)

    def shortened(self, arm: Arm) -> Arm | None:
        """Return the control that trains an arm with half the steps, None where it is not run."""
        return next((each for each in self.all_of("half-steps") if each.of == arm.name), None)

    def deranged(self, arm: Arm) -> Arm | None:
        """Return the control whose images have labels of other classes, from a mix's sources."""
        found = self.all_of("deranged-labels")
        return next((each for each in found if each.sources == arm.sources), None)

    def needs(self, arm: Arm) -> list[str]:
        """Return the names of all arms that a verdict on a mix rests on, in the study's order."""
        found, parts = set[str](), {self.real.name, *self._own(arm)}
        for control in self.of_share:
            found.add(control.name)
            parts.add(control.of or "")
        for control in self.all_of("deranged-labels"):
            if control.sources == arm.sources:
                found.add(control.name)
                parts |= self._own(self.arms[control.of or ""])
        halves = [self.shortened(self.arms[name]) for name in parts if name in self.arms]
        found |= parts | {half.name for half in halves if half is not None}
        return [name for name in self.arms if name in found]

    def num_controls(self, arm: Arm) -> int:
        """Return how many controls a mix has to gain more than; none where it has no comparator."""
        if self.own_real(arm) is None:
            return 0
        deranged = [each for each in self.all_of("deranged-labels") if each.of == arm.name]
        return len(self.of_share) + len(deranged)

    def _own(self, arm: Arm) -> set[str]:
        own = self.own_real(arm)
        return set() if own is None else {own.name}

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON, from which `contrasts_from` makes it again."""
        listed = [{**asdict(arm), "role": arm.role} for arm in self.arms.values()]
        return {
            "arms": listed,
            "num_pool": self.num_pool,
            "num_real": dict(self.num_real),
            "kinds": list(self.kinds),
        }


def contrasts(
    arms: Iterable[Arm],
    real_part: Callable[[float, int], int],
    num_pool: int,
    kinds: Iterable[str],
) -> Contrasts:
    """Return the contrasts of a study's arms.

    `real_part(ratio, num_pool)` is how many real images a mix of this ratio takes.
    """
    named = {arm.name: arm for arm in arms}
    num_real = {
        name: real_part(arm.ratio, num_pool) if arm.num_real is None else arm.num_real
        for name, arm in named.items()
    }
    return Contrasts(named, num_pool, num_real, tuple(kinds))


def contrasts_from(stored: Mapping[str, Any]) -> Contrasts:
    """Return the contrasts that `as_json` stored."""
    arms = [
        Arm(**{key: value for key, value in each.items() if key != "role"} | _sources(each))
        for each in stored["arms"]
    ]
    named = {arm.name: arm for arm in arms}
    return Contrasts(named, stored["num_pool"], stored["num_real"], tuple(stored["kinds"]))


def _sources(stored: Mapping[str, Any]) -> dict[str, Any]:
    return {"sources": tuple(stored["sources"])}
