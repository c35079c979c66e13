"""Train one arm at one seed, and predict the test and the validation images."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from synthmix.study.inputs import stored
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import Stage, Step, Task
from synthmix.types import Json

if TYPE_CHECKING:
    from synthmix.study.planning.costs import Prices

NOTES = 6000
"""Bytes of a run's history and manifest."""

_OF_OTHER_SPEED = ("half-steps", "strong-augmentation")
"""Controls with a recipe, and so a speed, of their own."""


@dataclass(frozen=True, kw_only=True)
class Train(Stage):
    """Trains a classifier with as many steps as every other arm's."""

    after: ClassVar[tuple[str, ...]] = ("generate",)
    verb: ClassVar[str] = "training"
    unit: ClassVar[str] = "steps"
    folder: ClassVar[str] = "runs"
    is_per_set: ClassVar[bool] = False

    def steps(self, workspace: Workspace, wanted: Wanted) -> list[Step]:
        found = []
        for arm in workspace.arms():
            for run in range(wanted.arms[arm.name]):
                drawn = workspace.mixture(arm, run)
                artifact = stored.run_artifact(workspace, arm, run, list(drawn.synthetic))
                detail = f"{drawn.num_real} real + {drawn.num_synthetic} synthetic"
                if any(name in drawn.synthetic for name in workspace.unknown_selections(run)):
                    detail += ", if filters leave so many"
                detail += f" ({arm.control})" if arm.control else ""
                task = Task(workspace.placed, "train", arm.name, run)
                found.append(Step(task, workspace.recipe(arm).steps, artifact, detail))
        return found

    def make(self, task: Task) -> list[str]:
        from synthmix.study.stages._training import train

        return train(task)

    def depends_on(self, workspace: Workspace, target: str) -> Json:
        resolved = workspace.study.resolved()
        (control,) = (arm.control for arm in workspace.arms() if arm.name == target)
        own = control if control in _OF_OTHER_SPEED else None
        return [resolved["training"], resolved["validation"], own]

    def seconds(self, costs: "Prices", units: int) -> float | None:
        return None if costs.speed is None else costs.speed.of_run(units, costs.num_predicted)

    def num_bytes(self, costs: "Prices", target: str, units: int) -> int:
        logits = costs.num_predicted * len(costs.workspace.class_names) * 4
        return logits + costs.weights + NOTES
