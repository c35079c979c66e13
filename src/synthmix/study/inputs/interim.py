"""Which runs a study wants: every arm at every seed, or those that its looks have asked for.

With `seeds: auto` the answer follows from the stored predictions alone. Whoever asks, today or
after an interruption, is led through the same looks to the same runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from synthmix.analyses.interim import course_of
from synthmix.analyses.predicted import Found
from synthmix.evaluation.adaptive import Course
from synthmix.study.inputs import stored
from synthmix.study.inputs.basis import basis_of
from synthmix.study.inputs.workspace import Workspace


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
    found = workspace.contrasts
    named = {each for arm in found.mixes for each in (arm.name, *found.needs(arm))}
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

    return course_of(basis_of(workspace), lookup)
