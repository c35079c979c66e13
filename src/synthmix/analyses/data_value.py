"""What the synthetic images of each mix are worth in real ones, off the study's own curve."""

import math
from collections.abc import Mapping

from synthmix.analyses.comparisons import Comparisons
from synthmix.analyses.record import ArmRecord
from synthmix.arms import Arm
from synthmix.errors import DataError, SettingError
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.worth import Worth, worth
from synthmix.types import Json


def prices(compared: Comparisons, arms: Mapping[str, ArmRecord]) -> Json:
    """Return the curve and the worth of every mix; None where no curve was run."""
    sizes = curve(compared)
    if len(sizes) < 3:
        return None
    return {
        "curve": [
            {"num_real": size, "accuracy": float(runs.accuracy.mean()), "arm": runs.name}
            for size, runs in sorted(sizes.items())
        ],
        "arms": [
            _as_json(arm.name, _price(compared, arm, arms[arm.name], sizes))
            for arm in compared.mixes
        ],
    }


def curve(compared: Comparisons) -> dict[int, Runs]:
    """Return the runs of real images alone by their number, all at the study's own steps."""
    found = {compared.contrasts.num_pool: compared.runs[compared.contrasts.real.name]}
    for arm in compared.arms.values():
        if arm.control in ("real-part", "real-curve") and arm.num_real is not None:
            found[arm.num_real] = compared.runs[arm.name]
    return found


def _price(
    compared: Comparisons, arm: Arm, drawn: ArmRecord, sizes: dict[int, Runs]
) -> Worth | str:
    """Return an arm's worth, or why it has none."""
    mine = compared.runs[arm.name]
    # where seeds are added the curve stays behind: what all have in common is what can be paired
    seeds = [seed for seed in mine.seeds if all(seed in runs.seeds for runs in sizes.values())]
    try:
        same = {size: runs.only(seeds) for size, runs in sizes.items()}
        return worth(same, mine.only(seeds), drawn.num_real, drawn.num_synthetic)
    except (DataError, SettingError) as error:
        return str(error)


def _as_json(arm: str, found: Worth | str) -> dict[str, Json]:
    if isinstance(found, str):
        return {"arm": arm, "rate": None, "sentence": found}
    return {
        "arm": arm,
        **{key: _number(found, key) for key in ("rate", "low", "high", "num_equivalent")},
        "form": found.form,
        "sentence": found.sentence,
    }


def _number(found: Worth, key: str) -> float | None:
    """Return a number off the curve; None beyond its ends, and where it does not rise."""
    value: float = getattr(found, key)
    return value if found.is_rising and math.isfinite(value) else None
