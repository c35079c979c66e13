"""Select which images of a finished set may be drawn, where the study asks for filters."""

from dataclasses import dataclass
from typing import ClassVar

from synthmix.errors import ArtifactError, DataError
from synthmix.store import Artifact
from synthmix.study.config.file import SyntheticSet, component_settings
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import Stage, Step, Task
from synthmix.types import Json


@dataclass(frozen=True, kw_only=True)
class Select(Stage):
    """Stores which rows of each set its filters reject."""

    after: ClassVar[tuple[str, ...]] = ("generate",)
    before: ClassVar[tuple[str, ...]] = ("train",)
    verb: ClassVar[str] = "selecting"
    unit: ClassVar[str] = "images"
    folder: ClassVar[str] = "selections"

    def steps(self, workspace: Workspace, wanted: Wanted) -> list[Step]:
        return [
            Step(
                Task(workspace.placed, "select", each.name, run),
                len(workspace.labels_of(each)),
                _artifact(workspace, each, run),
            )
            for each in workspace.study.synthetic
            if workspace.filters
            for run in range(wanted.sets[each.name])
        ]

    def make(self, task: Task) -> list[str]:
        from synthmix.study.stages.work import at_work, workspace_of

        workspace = workspace_of(task.study)
        each = task.study.set_named(task.target)
        artifact = workspace.selection_artifact(each, task.run)
        with at_work(artifact, task.study) as damaged:
            if not artifact.is_complete:
                workspace.store_selection(each, task.run, artifact)
        return damaged

    def depends_on(self, workspace: Workspace, target: str) -> Json:
        return [component_settings(each) for each in workspace.filters]


def _artifact(workspace: Workspace, each: SyntheticSet, run: int) -> Artifact | None:
    if not workspace.has_set(each, run):
        return None
    try:
        return workspace.selection_artifact(each, run)
    except (DataError, ArtifactError):
        if each.generator is None:
            raise
        return None  # a damaged set is made anew first
