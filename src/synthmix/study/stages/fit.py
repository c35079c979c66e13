"""Fit a generator on the real images of one seed."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from synthmix.study.config.file import component_settings
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import Stage, Step, Task
from synthmix.types import Json

if TYPE_CHECKING:
    from synthmix.study.planning.costs import Prices


@dataclass(frozen=True, kw_only=True)
class Fit(Stage):
    """Fits a set's generator on its seed's real pool, never on validation or test images."""

    # prompts come first: they are what a person may want to read before anything is drawn
    after: ClassVar[tuple[str, ...]] = ("write",)
    verb: ClassVar[str] = "fitting"
    unit: ClassVar[str] = "steps"
    folder: ClassVar[str] = "generators"

    def steps(self, workspace: Workspace, wanted: Wanted) -> list[Step]:
        return [
            Step(
                Task(workspace.placed, "fit", each.name, run),
                workspace.num_pool,
                workspace.fit_artifact(each, run),
            )
            for each in workspace.study.synthetic
            if each.is_fitted
            for run in range(wanted.sets[each.name])
        ]

    def make(self, task: Task) -> list[str]:
        from synthmix.study.stages.work import at_work, workspace_of

        workspace = workspace_of(task.study)
        each = task.study.set_named(task.target)
        artifact = workspace.fit_artifact(each, task.run)
        with at_work(artifact, task.study) as damaged:
            if artifact.is_complete:
                return damaged
            pool, generator = workspace.pool(task.run), workspace.generator(each)
            seed = artifact.settings["seed"]
            generator.fit(pool, seed=seed, artifact=artifact, progress=artifact.report)
            artifact.seal(
                fitted_on=f"{len(pool)} real training images of run seed {task.run}; "
                "never validation or test",
                real_per_class=dict(zip(pool.class_names, pool.per_class(), strict=True)),
            )
        return damaged

    def depends_on(self, workspace: Workspace, target: str) -> Json:
        generator = workspace.study.set_named(target).generator
        assert generator is not None
        return component_settings(generator)

    def num_bytes(self, costs: "Prices", target: str, units: int) -> int:
        # not known before one was made
        return costs.known_bytes(target)
