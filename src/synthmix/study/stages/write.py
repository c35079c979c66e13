"""Write prompts that take time; those of a template are written with their images."""

from dataclasses import dataclass
from typing import ClassVar

from synthmix.study.config.file import component_settings
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import Stage, Step, Task
from synthmix.types import Json


@dataclass(frozen=True, kw_only=True)
class Write(Stage):
    """Writes the texts of a set whose prompts are costly."""

    verb: ClassVar[str] = "writing"
    unit: ClassVar[str] = "prompts"
    folder: ClassVar[str] = "prompts"

    def steps(self, workspace: Workspace, wanted: Wanted) -> list[Step]:
        study = workspace.study
        return [
            Step(
                Task(study, "write", each.name, 0),
                (each.per_class or 0) * len(workspace.class_names),
                workspace.prompts_artifact(each),
            )
            for each in study.synthetic
            if each.prompts is not None and each.prompts.is_costly
        ]

    def make(self, task: Task) -> list[str]:
        from synthmix.study.stages._prompts import write
        from synthmix.study.stages.work import at_work, workspace_of

        workspace = workspace_of(task.study)
        each = task.study.set_named(task.target)
        artifact = workspace.prompts_artifact(each)
        with at_work(artifact, task.study) as damaged:
            write(workspace, each, artifact)
        return damaged

    def depends_on(self, workspace: Workspace, target: str) -> Json:
        prompts = workspace.study.set_named(target).prompts
        assert prompts is not None
        return component_settings(prompts)
