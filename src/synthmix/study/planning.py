"""The plan: which artifacts a study needs, in which order, and what they will cost."""

from dataclasses import dataclass
from typing import Any

from synthmix.errors import ArtifactError, DataError
from synthmix.mixing import Arm
from synthmix.store import Artifact
from synthmix.study.beforehand import check_model, check_settings
from synthmix.study.file import Study
from synthmix.study.speeds import known_seconds, measured_seconds
from synthmix.study.tasks import Task
from synthmix.study.workspace import Workspace

STAGES = ("fit", "generate", "train")


@dataclass(frozen=True)
class Step:
    """One artifact to be made: by which task, from how many units of work."""

    stage: str
    task: Task
    units: int
    """Images to fit on or to generate, or optimiser steps."""

    artifact: Artifact | None
    """None where the name depends on images that are not there yet."""

    detail: str = ""

    @property
    def state(self) -> str:
        """`done`, `in progress` or `to do`."""
        if self.artifact is None or not self.artifact.path.exists():
            return "to do"
        return "done" if self.artifact.is_complete and self._holds_enough() else "in progress"

    def _holds_enough(self) -> bool:
        # a set may have been made with fewer images; it grows
        assert self.artifact is not None
        return self.stage != "generate" or self.artifact.manifest()["num_images"] >= self.units


def steps(workspace: Workspace, stage: str) -> list[Step]:
    """List one stage's steps; raises SettingError or DataError where an arm cannot be drawn."""
    return {"fit": _fits, "generate": _sets, "train": _runs}[stage](workspace)


def _fits(workspace: Workspace) -> list[Step]:
    study = workspace.study
    return [
        Step(
            "fit",
            Task(study, each.name, run),
            workspace.num_pool,
            workspace.fit_artifact(each, run),
        )
        for each in study.synthetic
        if each.is_fitted
        for run in range(study.seeds)
    ]


def _sets(workspace: Workspace) -> list[Step]:
    study, found = workspace.study, []
    for each in study.synthetic:
        if each.generator is None:
            continue
        count = (each.per_class or 0) * len(workspace.class_names)
        for run in range(study.seeds if each.is_fitted else 1):
            artifact = workspace.synthetic_artifact(each, run)
            found.append(Step("generate", Task(study, each.name, run), count, artifact))
    return found


def _runs(workspace: Workspace) -> list[Step]:
    study, found = workspace.study, []
    for arm in workspace.arms():
        for run in range(study.seeds):
            drawn = workspace.mixture(arm, run)
            artifact = _run_artifact(workspace, arm, run, list(drawn.synthetic))
            detail = f"{drawn.num_real} real + {drawn.num_synthetic} synthetic"
            task = Task(study, arm.name, run)
            found.append(Step("train", task, study.recipe.steps, artifact, detail))
    return found


def _run_artifact(workspace: Workspace, arm: Arm, run: int, sets: list[str]) -> Artifact | None:
    """Return a run's artifact, None while a set it trains on is missing or cannot be read."""
    if not all(_is_there(workspace, name, run) for name in sets):
        return None
    try:
        return workspace.run_artifact(arm, run)
    except (DataError, ArtifactError):
        # a damaged set is found by its checksums and made anew before the runs are planned again
        if all(workspace.study.set_named(name).generator is None for name in sets):
            raise
        return None


def _is_there(workspace: Workspace, name: str, run: int) -> bool:
    each = workspace.study.set_named(name)
    if each.generator is None:
        return True
    artifact = workspace.synthetic_artifact(each, run)
    wanted = (each.per_class or 0) * len(workspace.class_names)
    return artifact.is_complete and artifact.manifest()["num_images"] >= wanted


def describe(study: Study, *, measure: bool = True) -> dict[str, Any]:
    """Return the whole plan as JSON: steps, counts, estimated seconds and bytes."""
    workspace = Workspace(study)
    check_settings(workspace)
    rows = [_row(workspace, step) for stage in STAGES for step in steps(workspace, stage)]
    check_model(workspace)
    training = measured_seconds(workspace) if measure else None
    for row in rows:
        if row["stage"] == "train" and row["seconds"] is None and training is not None:
            row["seconds"] = round(training * row["units"], 1)
    return {
        "name": study.name,
        "output": str(study.output),
        "class_names": list(workspace.class_names),
        "image_size": workspace.image_size,
        "num_train": len(workspace.train_rows),
        "num_validation": len(workspace.validation_rows),
        "num_test": len(workspace.test),
        "num_pool": workspace.num_pool,
        "steps": rows,
        "resolved": study.resolved(),
    }


def _row(workspace: Workspace, step: Step) -> dict[str, Any]:
    done = step.state == "done"
    per_unit = 0.0 if done else known_seconds(workspace.study, step.stage, step.task.target)
    return {
        "stage": step.stage,
        "target": step.task.target,
        "seed": step.task.run,
        "units": step.units,
        "state": step.state,
        "detail": step.detail,
        "artifact": step.artifact.path.name if step.artifact else None,
        "seconds": None if per_unit is None else round(per_unit * step.units, 1),
        "bytes": 0 if done else _bytes(workspace, step),
    }


def _bytes(workspace: Workspace, step: Step) -> int:
    if step.stage == "generate":
        # lossless PNG of a photograph takes about 0.8 of its raw size
        return int(step.units * workspace.image_size**2 * 3 * 0.8)
    if step.stage == "train":
        logits = (len(workspace.test) + len(workspace.validation_rows)) * len(workspace.class_names)
        return logits * 4
    return 0


def stale(study: Study, workspace: Workspace) -> list[str]:
    """List artifact folders of earlier versions of the study, which nothing refers to any more."""
    wanted = {s.artifact.path for stage in STAGES for s in steps(workspace, stage) if s.artifact}
    wanted |= {workspace.prompts_artifact(e).path for e in study.synthetic if e.prompts}
    folders = ("generators", "synthetic", "runs", "prompts")
    there = [p for f in folders for p in (study.output / f).glob("*-*") if p.is_dir()]
    return sorted(str(path) for path in there if path not in wanted)
