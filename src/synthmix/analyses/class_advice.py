"""Which classes gain: what a class's synthetic images are worth, and how many to take of each.

Everything here reads the validation split, because it is advice for the next study: numbers that
were chosen on the test set could not be judged on it again.
"""

from collections.abc import Mapping, Sequence

from synthmix.analyses.comparisons import Comparisons, score, too_few
from synthmix.analyses.record import ArmRecord, Basis
from synthmix.arms import Arm
from synthmix.errors import DataError
from synthmix.evaluation.crossed import Change, by_class
from synthmix.evaluation.runs import Runs, gather
from synthmix.evaluation.verdict import DEFAULT
from synthmix.types import Json, Labels


def advice(
    compared: Comparisons, class_names: Sequence[str], arms: Mapping[str, ArmRecord]
) -> dict[str, Json]:
    """Return, for every source, each class's best number of synthetic images and its gain."""
    by_source: dict[str, list[Arm]] = {}
    for arm in compared.mixes:
        if compared.comparator(arm) is not None:
            by_source.setdefault("+".join(arm.sources), []).append(arm)
    return {
        source: _of_source(compared, class_names, mine, arms) for source, mine in by_source.items()
    }


def _of_source(
    compared: Comparisons,
    class_names: Sequence[str],
    mixes: list[Arm],
    arms: Mapping[str, ArmRecord],
) -> dict[str, Json]:
    changes = {arm.name: _changes(compared, arm) for arm in mixes}
    found = {}
    for label, name in enumerate(class_names):
        told = {arm: each for arm, mine in changes.items() if (each := mine[label].difference)}
        if not told:
            reason = too_few(changes[mixes[0].name][label], "validation")
            found[name] = {**_UNTOLD, "reason": reason}
            continue
        best = max(told, key=lambda arm: told[arm].mean)
        gain, count, p = (
            told[best],
            arms[best].per_class_synthetic[label],
            changes[best][label].p_adjusted,
        )
        found[name] = {
            "per_class": count if gain.mean > 0 else 0,
            "arm": best,
            "gain": score(gain.score),
            "gain_per_100": 100 * gain.mean / max(count, 1),
            "p_adjusted": p,
            "is_beyond_chance": gain.mean > 0 and p is not None and p < DEFAULT.level,
        }
    return found


_UNTOLD: dict[str, Json] = {
    **dict.fromkeys(("per_class", "arm", "gain", "gain_per_100", "p_adjusted")),
    "is_beyond_chance": False,
}


def _changes(compared: Comparisons, arm: Arm) -> list[Change]:
    own = compared.comparator(arm)
    assert own is not None
    mine = compared.runs[arm.name]
    return by_class(mine, own.only(mine.seeds))


def validation_runs(
    basis: Basis, predicted: Mapping[str, Mapping[int, Labels]]
) -> dict[str, Runs] | None:
    """Return every arm's predictions of the validation split; None where it cannot be judged on."""
    labels = basis.validation_labels
    if not predicted or not len(labels):
        return None
    try:
        return {
            arm: gather(arm, found, labels, basis.class_names, every_class=False)
            for arm, found in predicted.items()
        }
    except DataError:
        return None  # a single seed
