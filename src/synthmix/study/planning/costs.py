"""What one step of a plan will cost: seconds and bytes, as far as this machine can tell."""

from dataclasses import dataclass

from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.throughput import (
    Speed,
    checkpoint_bytes,
    known_bytes,
    known_seconds,
    measured_speed,
    model_bytes,
)
from synthmix.study.stages import Step, stage_of


@dataclass(frozen=True)
class Prices:
    """Costs of a study's work: `weights` are the bytes of one run's, `speed` None if not known."""

    workspace: Workspace
    speed: Speed | None
    weights: int

    def seconds(self, step: Step) -> float | None:
        """Return the seconds of a step as the last like it took, else as measured; else None."""
        per_unit = known_seconds(self.workspace, step.stage, step.task.target)
        if per_unit is not None:
            return round(per_unit * step.units, 1)
        found = stage_of(step).seconds(self, step.units)
        return None if found is None else round(found, 1)

    def num_bytes(self, step: Step) -> int:
        """Return the bytes that a step leaves; those of a fitted generator once one was made."""
        return stage_of(step).num_bytes(self, step.task.target, step.units)

    def known_bytes(self, target: str) -> int:
        """Return the bytes that a generator fitted for this set took here before, 0 if none was."""
        return known_bytes(self.workspace, target) or 0

    @property
    def scratch(self) -> int:
        """Bytes of the checkpoint that a run keeps while it is at work."""
        return checkpoint_bytes(self.weights, self.workspace.study.recipe)

    @property
    def num_predicted(self) -> int:
        """Test and validation images, which every run predicts after its last step."""
        return len(self.workspace.test) + len(self.workspace.validation_rows)


def prices(workspace: Workspace, *, measure: bool = True) -> Prices:
    """Return what the study's work costs; `measure` times a few steps and predictions on noise."""
    speed = measured_speed(workspace) if measure else None
    return Prices(workspace, speed, model_bytes(workspace))
