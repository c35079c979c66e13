"""Which classes gain: what a class's synthetic images are worth, and how many to take of each.

Everything here reads the validation split, because it is advice for the next study: numbers that
were chosen on the test set could not be judged on it again.
"""

from collections.abc import Mapping

import numpy as np

from synthmix.errors import DataError
from synthmix.evaluation.crossed import Change, by_class
from synthmix.evaluation.runs import Runs, gather
from synthmix.evaluation.verdict import DEFAULT
from synthmix.mixing import Arm
from synthmix.study.judging import Court, score, too_few
from synthmix.study.workspace import Workspace
from synthmix.types import Json, Labels


def advice(court: Court) -> dict[str, Json]:
    """Return, for every source, each class's best number of synthetic images and its gain."""
    by_source: dict[str, list[Arm]] = {}
    for arm in court.mixes:
        if court.comparator(arm) is not None:
            by_source.setdefault("+".join(arm.sources), []).append(arm)
    return {source: _of_source(court, arms) for source, arms in by_source.items()}


def _of_source(court: Court, arms: list[Arm]) -> dict[str, Json]:
    changes = {arm.name: _changes(court, arm) for arm in arms}
    counts = {arm.name: _counts(court.workspace, arm) for arm in arms}
    found = {}
    for label, name in enumerate(court.workspace.class_names):
        told = {arm: each for arm, mine in changes.items() if (each := mine[label].difference)}
        if not told:
            reason = too_few(changes[arms[0].name][label], "validation")
            found[name] = {**_UNTOLD, "reason": reason}
            continue
        best = max(told, key=lambda arm: told[arm].mean)
        gain, count, p = told[best], int(counts[best][label]), changes[best][label].p_adjusted
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


def _changes(court: Court, arm: Arm) -> list[Change]:
    own = court.comparator(arm)
    assert own is not None
    mine = court.runs[arm.name]
    return by_class(mine, own.only(mine.seeds))


def _counts(workspace: Workspace, arm: Arm) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return how many synthetic images of each class `[K]` an arm takes."""
    supply, drawn = workspace.supply(0), workspace.mixture(arm, 0)
    total = np.zeros(len(workspace.class_names), dtype=np.int64)
    for name, rows in drawn.synthetic.items():
        total += np.bincount(supply.synthetic[name][rows], minlength=len(total))
    return total


def validation_runs(
    workspace: Workspace, predicted: Mapping[str, Mapping[int, Labels]]
) -> dict[str, Runs] | None:
    """Return every arm's predictions of the validation split; None where it cannot be judged on."""
    labels = workspace.train.labels[workspace.validation_rows]
    if not predicted or not len(labels):
        return None
    try:
        return {
            arm: gather(arm, found, labels, workspace.class_names, every_class=False)
            for arm, found in predicted.items()
        }
    except DataError:
        return None  # a single seed
