"""What a plan can say of the outcome: what each control costs, what the seeds could detect."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.belonging import check_results
from synthmix.controls import KINDS, SUMMARIES
from synthmix.errors import ArtifactError, SettingError, counted
from synthmix.evaluation.detectable import Components, detectable, equivalence_reach, planned
from synthmix.evaluation.verdict import DEFAULT
from synthmix.store import read_json
from synthmix.study.inputs.workspace import Workspace, results_path

ACCURACY = 0.9
"""Accuracy that a plan takes where none is known."""

FEWEST_SEEDS = 3
"""With fewer, hardly anything can be shown; 5 confirm."""

SPREAD = 0.003
"""Standard deviation of an arm's accuracy over seeds that a plan takes where none is known."""


@dataclass(frozen=True)
class Spread:
    """How much a difference varies, and from where that is known."""

    components: Components
    source: str
    accuracy: float = ACCURACY
    """Of real images alone: a gain is at most what is missing to 1, a loss at most all of it."""


def spread_of(workspace: Workspace, stated: float | None) -> Spread:
    """Return the spread that was stated, else the one measured by this study, else an assumed one.

    `stated` is the standard deviation of an arm's accuracy over seeds, as a share of 1.
    """
    if stated is not None:
        return Spread(planned(stated), f"a stated spread of {100 * stated:g} points over seeds")
    measured = _measured(workspace.study.output)
    if measured is not None:
        return measured
    told = (
        f"an assumed spread of {100 * SPREAD:g} points over seeds at "
        f"{100 * ACCURACY:g} % accuracy (small sets and short runs spread several times as much: "
        "--spread says what you know)"
    )
    return Spread(planned(SPREAD), told)


def _measured(folder: Path) -> Spread | None:
    path = results_path(folder)
    try:
        results = read_json(path)
        check_results(path, results)
        found = results["verdict"]["components"]
        known = Components(**{name: float(value) for name, value in found.items()})
        accuracies = {arm["name"]: arm["scores"]["accuracy"]["mean"] for arm in results["arms"]}
        source = "the spread that the stored results here have measured"
        return Spread(known, source, float(accuracies[results["baseline"]]))
    except (OSError, ArtifactError, KeyError, TypeError, AttributeError, ValueError):
        return None  # no results, another study's, or of a version that did not store it


def outlook(workspace: Workspace, stated: float | None = None) -> dict[str, Any]:
    """Return the smallest effect and the smallest margin that the planned seeds could show.

    `cases` has one entry a number of seeds: the study's own, or its first and its last look. An
    effect is None where there are too few seeds or nothing is judged; `can_be_seen` and
    `can_be_equivalent` say whether accuracy can move as far as effect and margin ask.
    """
    found, spread = workspace.contrasts, spread_of(workspace, stated)
    num_arms = len(found.mixes)
    num_controls = max((found.num_controls(arm) for arm in found.mixes), default=0)
    return {
        "spread": spread.source,
        "accuracy": spread.accuracy,
        "arms": num_arms,
        "controls": num_controls,
        "power": DEFAULT.power,
        "margin": DEFAULT.margin,
        "cases": [
            _case(workspace, spread, seeds, weight, num_arms, num_controls)
            for seeds, weight in _looks(workspace)
        ],
    }


def _looks(workspace: Workspace) -> list[tuple[int, float]]:
    """Return the numbers of seeds that a plan speaks of, with the share of the level of each."""
    study = workspace.study
    if study.adaptive is None:
        return [(study.seeds, 1.0)]
    looks = study.adaptive.looks
    return [(n, looks.weight(n)) for n in dict.fromkeys((looks.first, looks.most))]


def _case(
    workspace: Workspace, spread: Spread, seeds: int, weight: float, arms: int, controls: int
) -> dict[str, Any]:
    found: dict[str, Any] = {"seeds": seeds, "effect": None, "equivalence": None}
    known = spread.components
    if arms == 0 or seeds < 2:
        return found
    level, images = DEFAULT.level * weight, len(workspace.test)
    found["effect"] = detectable(
        known, seeds, images, arms, controls, power=DEFAULT.power, level=level
    )
    found["equivalence"] = equivalence_reach(
        known, seeds, images, arms, power=DEFAULT.power, level=level
    )
    upward, downward = 1 - spread.accuracy, spread.accuracy
    found["can_be_seen"] = found["effect"] <= upward
    found["can_be_equivalent"] = found["equivalence"] <= max(upward, downward)
    return found


def concerns(found: dict[str, Any]) -> list[str]:
    """Return what an outlook should be read as a warning of."""
    if not found["arms"]:
        return []
    last = found["cases"][-1]
    if last["effect"] is None:
        return [
            f"seeds is {last['seeds']}: no verdict can be given; 2 are needed at least, 3 to "
            "screen, 5 to confirm."
        ]
    told = []
    if last["seeds"] < FEWEST_SEEDS:
        told.append(
            f"seeds is {last['seeds']}: hardly anything can be shown; {FEWEST_SEEDS} are needed at "
            "least to screen, 5 to confirm."
        )
    if not last["can_be_seen"]:
        told.append(
            f"no gain that is possible would be seen with {counted(last['seeds'], 'seeds')} and "
            "so few test "
            "images: more of either are needed for any verdict."
        )
    if last["equivalence"] > found["margin"]:
        reach = (
            f"within {100 * last['equivalence']:.2f} points at best"
            if last["can_be_equivalent"]
            else "within no margin at this size"
        )
        told.append(
            f"equivalence is out of reach: with {counted(last['seeds'], 'seeds')} two arms could "
            "be shown to "
            f"be the same {reach}, the margin is {100 * found['margin']:g}."
        )
    return told


def price_of_controls(workspace: Workspace, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each control's runs and their seconds, done or not; None where they are not known.

    `rows` are the plan's steps, each with its full `cost`.
    """
    kinds = {arm.name: arm.control for arm in workspace.arms()}
    found = []
    for kind in KINDS:
        mine = [row for row in rows if row["stage"] == "train" and kinds.get(row["target"]) == kind]
        costs = [row["cost"] for row in mine]
        found.append(
            {
                "control": kind,
                "question": SUMMARIES[kind],
                "runs": len(mine),
                "seconds": None if None in costs else round(sum(costs), 1),
            }
        )
    return found


def check_spread(points: float | None) -> float | None:
    """Return a spread given in points as a share of 1; raises SettingError where it is none."""
    if points is not None and not 0 <= points <= 50:
        raise SettingError(f"--spread is {points:g}; it is in points of accuracy, from 0 to 50.")
    return None if points is None else points / 100
