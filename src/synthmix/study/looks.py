"""Which runs a study wants: every arm at every seed, or those that its looks have asked for.

With `seeds: auto` the answer follows from the stored predictions alone. Whoever asks, today or
after an interruption, is led through the same looks to the same runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from synthmix.errors import DataError
from synthmix.evaluation.adaptive import Course, follow, kept
from synthmix.evaluation.verdict import Gate
from synthmix.study import stored
from synthmix.study.judging import Court
from synthmix.study.predicted import Predicted, court_of, gate
from synthmix.study.stored import Found
from synthmix.study.workspace import Workspace
from synthmix.types import Verdict

Lookup = Callable[[str, int], Found | None]
"""The predictions of an arm at a seed; None where the run is not there."""


@dataclass(frozen=True)
class Wanted:
    """How many run seeds every arm has, and every synthetic set; one that is not fitted has one."""

    arms: Mapping[str, int]
    sets: Mapping[str, int]

    def of(self, target: str, *, is_set: bool) -> int:
        """Return the number of seeds of a set or an arm, 0 where there is none."""
        return (self.sets if is_set else self.arms).get(target, 0)


def wanted(workspace: Workspace) -> Wanted:
    """Return the seeds that are wanted now, as far as the stored predictions tell."""
    return of_arms(workspace, course(workspace).seeds)


def at_most(workspace: Workspace) -> Wanted:
    """Return the most seeds that the study can come to, whatever its budget."""
    study = workspace.study
    if study.adaptive is None:
        return wanted(workspace)
    named = {each for arm, found in needs(workspace).items() for each in (arm, *found)}
    first, most = study.adaptive.first, study.adaptive.most
    arms = {arm.name: most if arm.name in named else first for arm in workspace.arms()}
    return of_arms(workspace, arms)


def of_arms(workspace: Workspace, arms: Mapping[str, int]) -> Wanted:
    """Return the seeds of all sets for those of the arms."""
    study = workspace.study
    least = study.seeds if study.adaptive is None else study.adaptive.first
    sets = {}
    for each in study.synthetic:
        using = [arms[arm.name] for arm in workspace.arms() if each.name in arm.sources]
        sets[each.name] = max([least, *using]) if each.is_fitted else 1
    return Wanted(arms, sets)


def course(workspace: Workspace) -> Course:
    """Return the looks that the runs on disk lead through."""
    arms = {arm.name: arm for arm in workspace.arms()}
    seen: dict[tuple[str, int], Found] = {}

    def lookup(name: str, run: int) -> Found | None:
        found = seen.get((name, run)) or stored.predicted(workspace, arms[name], run)
        if found is not None:
            seen[name, run] = found
        return found

    return course_of(workspace, lookup)


def course_of(workspace: Workspace, lookup: Lookup) -> Course:
    """Return the looks that these predictions lead through; one look where seeds are a number."""
    adaptive, arms = workspace.study.adaptive, [arm.name for arm in workspace.arms()]
    if adaptive is None:
        return Course((dict.fromkeys(arms, workspace.study.seeds),), {}, 0, is_settled=True)

    def judged(seeds: Mapping[str, int]) -> list[Verdict] | None:
        found = _gathered(seeds, lookup)
        return None if found is None else _judged(workspace, found, seeds)

    first = dict.fromkeys(arms, adaptive.first)
    return follow(judged, first, needs(workspace), adaptive.looks, adaptive.budget)


def needs(workspace: Workspace) -> dict[str, list[str]]:
    """Return what each judged arm is compared with."""
    court = Court(workspace, {}, {}, {})
    return {arm.name: court.needs(arm) for arm in court.mixes}


def verdicts(court: Court, course: Course, gate: Gate | None) -> dict[str, Verdict]:
    """Return every arm's verdict of the look that decided it, else of the last."""
    found: dict[str, Verdict] = {}
    for seeds in course.looks:
        found = kept(found, court.at(seeds).verdicts(gate))
    return found


def _gathered(seeds: Mapping[str, int], lookup: Lookup) -> Predicted | None:
    predictions = Predicted()
    for arm, number in seeds.items():
        for run in range(number):
            found = lookup(arm, run)
            if found is None:
                return None
            predictions.add(arm, run, *found)
    return predictions


def _judged(
    workspace: Workspace, predictions: Predicted, seeds: Mapping[str, int]
) -> list[Verdict]:
    try:
        court = court_of(workspace, predictions)
    except DataError:
        return []  # nothing can be compared, which the study's verdict says
    return court.at(seeds).verdicts(gate(workspace, court.runs))
