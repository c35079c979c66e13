"""Controls: arms that show what else, besides synthetic images, could explain a gain.

They follow from the arms of any mixing mode, and go from one list to another in both directions:
`controls` names them, `draw` gives their rows. Two of them differ from the arm they belong to by
the recipe alone; `recipe_of` in the training family has it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from synthmix.arms import Arm
from synthmix.errors import SettingError
from synthmix.mixing import Mixing, Supply
from synthmix.seeding import generator
from synthmix.types import Labels, Mixture

CURVE = (0.125, 0.25, 0.5, 2.0)
"""Sizes of the real learning curve's subsets, as multiples of the pool, besides the pool itself."""

SUMMARIES = {
    "real-part": "the real images of a mix alone: does the mix add anything to them?",
    "duplicated-real": "the real images of a mix, repeated in place of the synthetic ones",
    "strong-augmentation": "the real images of a mix with strong classical augmentation",
    "deranged-labels": "a mix whose synthetic images have labels of other classes",
    "half-steps": "real images alone with half the optimiser steps",
    "real-curve": "stratified real subsets of several sizes: what is a synthetic image worth?",
}
"""Every control, and the question it answers."""

KINDS = tuple(SUMMARIES)


@dataclass(frozen=True)
class Plan:
    """Which controls a study wants."""

    kinds: tuple[str, ...] = KINDS
    """Those of `KINDS` that run."""

    share: float | None = None
    """Ratio of the mixes that are controlled; the largest with real images where not given."""

    curve: tuple[int, ...] | None = None
    """Numbers of real images of the learning curve; see `CURVE` where not given."""


def controls(mixing: Mixing, arms: Sequence[Arm], pool: int, most: int, plan: Plan) -> list[Arm]:
    """List the control arms that these arms call for, each once.

    `pool` is the number of real images a seed's arms share, `most` of all that could be drawn.
    Raises SettingError where the controlled share is no arm's, or a subset is larger than `most`.
    """
    mixes = [arm for arm in arms if arm.sources]
    if not mixes:
        return []
    share = _share(mixing, mixes, pool, plan)
    parts = {arm.name: _subset(mixing.real_part(arm.ratio, pool), pool) for arm in mixes}
    found = [part for part in parts.values() if part is not None and part.name != "real"]
    controlled = [arm for arm in mixes if arm.ratio == share]
    part = parts[controlled[0].name] if controlled else None
    comparators = [Arm("real", 0.0, ()), *(found if "real-part" in plan.kinds else [])]
    made = {
        "real-part": found,
        # all real images repeated are the real images: nothing to run
        "duplicated-real": _of(part, "duplicated-real") if part and part.num_real else [],
        "strong-augmentation": _of(part, "strong-augmentation"),
        "deranged-labels": [each for arm in controlled for each in _of(arm, "deranged-labels")],
        "half-steps": [each for arm in comparators for each in _of(arm, "half-steps")],
        "real-curve": _curve(pool, most, plan.curve) if "real-curve" in plan.kinds else [],
    }
    found_by_name: dict[str, Arm] = {}
    for arm in [arm for kind in KINDS if kind in plan.kinds for arm in made[kind]]:
        found_by_name.setdefault(arm.name, arm)
    return list(found_by_name.values())


def draw(arm: Arm, mixture_of: Callable[[str], Mixture], supply: Supply) -> Mixture:
    """Return a control's rows; `mixture_of` gives those of a mix or of `real`, by name."""
    if arm.num_real is not None:
        drawn = Mixture(arm.name, 0.0, supply.run, supply.real_rows(arm.num_real))
    else:
        assert arm.of is not None
        drawn = replace(mixture_of(arm.of), arm=arm.name)
    if arm.control == "duplicated-real":
        return replace(drawn, real=_repeated(supply, drawn.num_real, supply.pool))
    if arm.control == "deranged-labels":
        return replace(drawn, labels=_deranged(drawn, supply))
    return drawn


def _share(mixing: Mixing, mixes: Sequence[Arm], pool: int, plan: Plan) -> float:
    ratios = sorted({arm.ratio for arm in mixes})
    # as arms are named, and their ratios rounded
    share = None if plan.share is None else float(f"{plan.share:g}")
    if share is not None and share not in ratios:
        listed = ", ".join(f"{ratio:g}" for ratio in ratios)
        raise SettingError(
            f"controls.share is {share:g}, but no arm has this ratio; it must be one of: {listed}."
        )
    real = [ratio for ratio in ratios if mixing.real_part(ratio, pool) > 0]
    return share if share is not None else (real or ratios)[-1]


def _subset(num_real: int, pool: int) -> Arm | None:
    if num_real == 0:
        return None
    if num_real == pool:
        return Arm("real", 0.0, ())
    return Arm(f"real-{num_real}", 0.0, (), "real-part", num_real=num_real)


def _of(arm: Arm | None, control: str) -> list[Arm]:
    if arm is None:
        return []
    name = f"{arm.name}-{control}"
    return [Arm(name, arm.ratio, arm.sources, control, of=arm.name, num_real=arm.num_real)]


def _curve(pool: int, most: int, asked: Sequence[int] | None) -> list[Arm]:
    sizes = [round(share * pool) for share in CURVE] if asked is None else list(asked)
    too_many = [size for size in sizes if size > most]
    if asked is not None and too_many:
        raise SettingError(
            f"controls.curve asks for {too_many[0]} real images, and there are {most} to train on."
        )
    kept = sorted({size for size in sizes if 1 <= size <= most and size != pool})
    return [Arm(f"real-{size}", 0.0, (), "real-curve", num_real=size) for size in kept]


def _repeated(supply: Supply, num_real: int, total: int) -> NDArray[np.int64]:
    """Return a subset's rows, each class's as often as its share of `total` has room for."""
    rows = supply.real_rows(num_real)
    labels = supply.real[rows]
    parts = [
        np.resize(rows[labels == label], count) if (labels == label).any() else rows[:0]
        for label, count in enumerate(supply.counts(total))
    ]
    return np.sort(np.concatenate(parts))


def _deranged(drawn: Mixture, supply: Supply) -> Mapping[str, Labels]:
    """Return labels of other classes for all synthetic rows, in about the same proportions."""
    return {
        name: derange(supply.synthetic[name][rows], supply.num_classes, supply.seed, supply.run)
        for name, rows in drawn.synthetic.items()
    }


def derange(labels: Labels, num_classes: int, seed: int, run: int) -> Labels:
    """Return labels of which none is the image's own; each class's go evenly to all others."""
    found = np.empty_like(labels)
    for label in range(num_classes):
        rows = np.flatnonzero(labels == label)
        steps = 1 + np.arange(len(rows)) % (num_classes - 1)
        shuffled = generator(seed, "deranged labels", run, label).permutation(steps)
        found[rows] = (label + shuffled) % num_classes
    return found
