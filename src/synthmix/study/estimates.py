"""What one step of a plan will cost: seconds and bytes, as far as this machine can tell."""

from dataclasses import dataclass

from synthmix.study.speeds import (
    Speed,
    checkpoint_bytes,
    known_bytes,
    known_seconds,
    measured_speed,
    model_bytes,
)
from synthmix.study.workspace import Workspace

NOTES = 6000
"""Bytes of a run's history and manifest."""


@dataclass(frozen=True)
class Prices:
    """Costs of a study's work: `weights` are the bytes of one run's, `speed` None if not known."""

    workspace: Workspace
    speed: Speed | None
    weights: int

    def seconds(self, stage: str, target: str, units: int) -> float | None:
        """Return the seconds of a task as the last like it took, else as measured; else None."""
        per_unit = known_seconds(self.workspace.study, stage, target)
        if per_unit is not None:
            return round(per_unit * units, 1)
        if self.speed is None or stage not in ("train", "predict"):
            return None
        if stage == "predict":
            return round(self.speed.image * units, 1)
        return round(self.speed.of_run(units, self._predicted), 1)

    def num_bytes(self, stage: str, target: str, units: int) -> int:
        """Return the bytes that a task leaves; those of a fitted generator once one was made."""
        if stage == "generate":
            # lossless PNG of a photograph takes about 0.8 of its raw size
            return int(units * self.workspace.image_size**2 * 3 * 0.8)
        if stage == "fit":
            return known_bytes(self.workspace.study, target) or 0
        if stage == "predict":
            return units * len(self.workspace.class_names) * 4
        logits = self._predicted * len(self.workspace.class_names) * 4
        return logits + self.weights + NOTES

    @property
    def scratch(self) -> int:
        """Bytes of the checkpoint that a run keeps while it is at work."""
        return checkpoint_bytes(self.weights, self.workspace.study.recipe)

    @property
    def _predicted(self) -> int:
        return len(self.workspace.test) + len(self.workspace.validation_rows)


def prices(workspace: Workspace, *, measure: bool = True) -> Prices:
    """Return what the study's work costs; `measure` times a few steps and predictions on noise."""
    speed = measured_speed(workspace) if measure else None
    return Prices(workspace, speed, model_bytes(workspace))
