"""Drawing a mixture from a supply, the same for every mode."""

from collections.abc import Sequence

import numpy as np

from synthmix.arms import Arm
from synthmix.errors import SettingError, counted
from synthmix.images import largest_remainder
from synthmix.mixing._supply import Supply
from synthmix.types import Mixture


def ascending(ratios: Sequence[float]) -> list[float]:
    """Return the ratios in order, each once, with 0 (real images alone) always among them."""
    # two ratios that an arm's name shows alike are one
    return sorted({0.0, *(float(f"{ratio:g}") for ratio in ratios)})


def pool(asked: int | None, num_real: int, *, setting: str) -> int:
    """Return how many real images the arms of a seed share: those asked for, else all."""
    if asked is not None and asked > num_real:
        raise SettingError(
            f"mixing.{setting} is {asked}, but real images alone are an arm and there are "
            f"{num_real} of them: the largest possible {setting} is {num_real}."
        )
    return asked or num_real


def per_source(names: Sequence[str], total: int) -> dict[str, int]:
    """Share a total evenly out over the sources; the first ones take what is left."""
    counts = largest_remainder(np.ones(len(names), dtype=np.int64), total)
    return dict(zip(names, counts.tolist(), strict=True))


def mixture(
    arm: Arm, supply: Supply, num_real: int, num_synthetic: int, *, setting: str
) -> Mixture:
    """Return the arm's rows.

    Raises SettingError where a mix would hold images of one kind alone, or a set is too small.
    """
    if arm.sources and num_synthetic == 0:
        raise SettingError(
            f"The arm '{arm.name}' would hold {num_real} real images and no synthetic one: its "
            "share is too small for these numbers; leave it out or raise it."
        )
    if arm.sources and num_real == 0 and arm.ratio < 1:
        raise SettingError(
            f"The arm '{arm.name}' would hold {num_synthetic} synthetic images and no real one, as "
            "an arm at 1 does: its share is too large for these numbers; give 1, or lower it."
        )
    wanted = per_source(arm.sources, num_synthetic) if arm.sources else {}
    for name, total in wanted.items():
        _check(supply, arm, name, total, setting)
    return Mixture(
        arm=arm.name,
        ratio=arm.ratio,
        seed=supply.run,
        real=supply.real_rows(num_real),
        synthetic={name: supply.synthetic_rows(name, total) for name, total in wanted.items()},
    )


def _check(supply: Supply, arm: Arm, name: str, total: int, setting: str) -> None:
    most = supply.largest_total(name)
    if total > most:
        fixed = setting == "num_synthetic"  # a number of its own, whatever the pool
        share = 1 / len(arm.sources) if fixed else total / max(supply.pool, 1)
        largest = int(most / share)
        for_this = f"for this arm the largest possible mixing.{setting} is {largest}; or "
        raise SettingError(
            f"The arm '{arm.name}' asks for {counted(total, 'images')} of '{name}', which has "
            f"{most} "
            f"in the real class proportions{supply.left_out(name)}: {for_this if largest else ''}"
            f"give '{name}' more images of each class, or the arm a smaller share."
        )
