"""Predict more images with finished runs: named test sets, corruptions, synthetic images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from synthmix.errors import ArtifactError, DataError
from synthmix.store import Artifact
from synthmix.study.inputs.extra_images import Collection, Mirror, artifact_of, collections
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.stored import run_artifact
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import Stage, Step, Task, stage_named
from synthmix.types import Json

if TYPE_CHECKING:
    from synthmix.study.planning.costs import Prices


@dataclass(frozen=True, kw_only=True)
class Predict(Stage):
    """Stores a finished run's logits of images besides the test set."""

    after: ClassVar[tuple[str, ...]] = ("train",)
    verb: ClassVar[str] = "predicting"
    unit: ClassVar[str] = "images"
    folder: ClassVar[str] = "predictions"
    is_per_set: ClassVar[bool] = False
    is_brief: ClassVar[bool] = True
    # of a few predictions, most of the time is that of opening a model
    least_telling: ClassVar[int] = 1000

    def steps(self, workspace: Workspace, wanted: Wanted) -> list[Step]:
        listed = []
        for arm in workspace.arms():
            for run in range(wanted.arms[arm.name]):
                found = collections(workspace, arm, run)
                source = run_artifact(workspace, arm, run, list(arm.sources)) if found else None
                for each in found:
                    artifact = source and _artifact(workspace, source, each)
                    task = Task(workspace.placed, "predict", arm.name, run, each.key)
                    listed.append(Step(task, each.num_predictions, artifact))
        return listed

    def make(self, task: Task) -> list[str]:
        from synthmix.study.stages._predicting import predict

        return predict(task)

    def depends_on(self, workspace: Workspace, target: str) -> Json:
        return stage_named("train").depends_on(workspace, target)

    def seconds(self, costs: "Prices", units: int) -> float | None:
        return None if costs.speed is None else costs.speed.image * units

    def num_bytes(self, costs: "Prices", target: str, units: int) -> int:
        return units * len(costs.workspace.class_names) * 4


def _artifact(workspace: Workspace, run: Artifact, each: Collection) -> Artifact | None:
    if isinstance(each, Mirror) and not workspace.has_set(
        workspace.study.set_named(each.name), each.run
    ):
        return None
    try:
        return artifact_of(workspace, run, each)
    except (DataError, ArtifactError):
        # as with a run: a damaged set is made anew before what predicts it is planned again
        if not isinstance(each, Mirror) or workspace.study.set_named(each.name).generator is None:
            raise
        return None
