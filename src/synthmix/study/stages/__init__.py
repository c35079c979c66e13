"""Stages: the kinds of work of a study, one file each; a step is one artifact that a stage makes.

A stage says which artifacts a study needs of it, what each costs, and makes one. What makes it
loads frameworks, so a stage imports that within `make`: a plan needs the names alone.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from synthmix.registry import Component, Registry
from synthmix.store import Artifact
from synthmix.study.config.file import Study
from synthmix.types import Json

if TYPE_CHECKING:
    from synthmix.study.inputs.interim import Wanted
    from synthmix.study.inputs.workspace import Workspace
    from synthmix.study.planning.costs import Prices


@dataclass(frozen=True)
class Task:
    """One unit of work at one run seed: a set to fit or generate, an arm to train or to predict."""

    study: Study
    stage: str
    target: str
    run: int

    on: str = ""
    """What a finished run predicts besides the test set; empty for other work."""

    @property
    def label(self) -> str:
        """The target, and what it predicts where it does."""
        return f"{self.target} on {self.on}" if self.on else self.target


@dataclass(frozen=True)
class Step:
    """One artifact to be made: by which task, from how many units of work."""

    task: Task
    units: int
    """Prompts to write, images to fit on, generate or predict, or optimiser steps."""

    artifact: Artifact | None
    """None where the name depends on images that are not there yet."""

    detail: str = ""

    @property
    def stage(self) -> str:
        """Name of the stage that makes it."""
        return self.task.stage

    @property
    def state(self) -> str:
        """`done`, `in progress`, `damaged` or `to do`.

        Damaged is what was finished and lacks a part, or has one of another length; flipped bits
        are found when a part is read.
        """
        if self.artifact is None or not self.artifact.path.exists():
            return "to do"
        if self.artifact.is_damaged:
            return "damaged"
        is_done = self.artifact.is_complete and stage_of(self).is_enough(self.artifact, self.units)
        return "done" if is_done else "in progress"


@dataclass(frozen=True, kw_only=True)
class Stage(Component, ABC):
    """One kind of work; its name is its file's."""

    after: ClassVar[tuple[str, ...]] = ()
    """Stages that come before it: those whose artifacts it reads, and any better seen first."""

    before: ClassVar[tuple[str, ...]] = ()
    """Stages that come after it, where they do not say so themselves."""

    verb: ClassVar[str]
    """What it is doing, as in `training`."""

    unit: ClassVar[str]
    """What its work is counted in, as a plural."""

    folder: ClassVar[str]
    """Where its artifacts lie in the results folder."""

    is_per_set: ClassVar[bool] = True
    """Whether its targets are synthetic sets; else they are arms."""

    is_brief: ClassVar[bool] = False
    """Whether it has many steps, each of seconds."""

    least_telling: ClassVar[int] = 1
    """Units of a step from whose time that of others can be told."""

    @abstractmethod
    def steps(self, workspace: "Workspace", wanted: "Wanted") -> list[Step]:
        """List what is needed, done or not, where each arm and set has `wanted` seeds.

        Raises SettingError or DataError where an arm cannot be drawn.
        """

    @abstractmethod
    def make(self, task: Task) -> list[str]:
        """Make one artifact where it is not complete; returns what was found damaged."""

    @abstractmethod
    def depends_on(self, workspace: "Workspace", target: str) -> Json:
        """Return what the time of a unit depends on, besides the machine and the real images."""

    def seconds(self, costs: "Prices", units: int) -> float | None:
        """Return the seconds of so many units, None where only a finished step would tell."""
        return None

    def num_bytes(self, costs: "Prices", target: str, units: int) -> int:
        """Return the bytes that a step leaves."""
        return 0

    def is_enough(self, artifact: Artifact, units: int) -> bool:
        """Whether a complete artifact holds all that is asked for; one that can grow may not."""
        return True


STAGES: Registry[Stage] = Registry("synthmix.study.stages", "Stage")


@lru_cache(maxsize=1)
def _following() -> dict[str, set[str]]:
    """Return, for each stage, those that it comes directly after."""
    kinds = {name: STAGES.get(name) for name in STAGES.names()}
    return {
        name: {*kind.after, *(other for other, each in kinds.items() if name in each.before)}
        for name, kind in kinds.items()
    }


def order() -> list[str]:
    """List the names of all stages, each behind those that it comes after."""
    left, found = STAGES.names(), list[str]()
    while left:
        ready = [each for each in left if _following()[each] <= set(found)]
        assert ready, f"the stages {left} wait for each other, or for one that is not there"
        found.append(ready[0])
        left.remove(ready[0])
    return found


def up_to(name: str) -> list[str]:
    """List the stages that must have run before this one does, and this one, in order."""
    wanted = {name}
    for each in reversed(order()):
        if each in wanted:
            wanted |= _following()[each]
    return [each for each in order() if each in wanted]


def stage_named(name: str) -> Stage:
    """Return the stage of this name."""
    return STAGES.build(name, {})


def stage_of(step: Step) -> Stage:
    """Return the stage that makes a step."""
    return stage_named(step.stage)


def make(task: Task) -> list[str]:
    """Do one task, whatever its stage: what an engine maps."""
    return stage_named(task.stage).make(task)
