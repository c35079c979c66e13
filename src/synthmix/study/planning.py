"""The plan: which artifacts a study needs, in which order, and what they will cost."""

from dataclasses import asdict, dataclass
from typing import Any

from synthmix.errors import ArtifactError, DataError, SettingError
from synthmix.fitting import Price, Priced, accepted
from synthmix.store import Artifact
from synthmix.study import looks, prospects
from synthmix.study.beforehand import check_model, check_settings, earlier_study, notes, warnings
from synthmix.study.concerns import inventories
from synthmix.study.estimates import Prices, prices
from synthmix.study.extra_images import Collection, Mirror, collections
from synthmix.study.file import Study
from synthmix.study.looks import Wanted
from synthmix.study.predicting import artifact_of
from synthmix.study.stored import run_artifact
from synthmix.study.tasks import Task
from synthmix.study.workspace import Workspace
from synthmix.types import Progress, no_progress

STAGES = ("write", "fit", "generate", "train", "predict")


@dataclass(frozen=True)
class Step:
    """One artifact to be made: by which task, from how many units of work."""

    stage: str
    task: Task
    units: int
    """Prompts to write, images to fit on, generate or predict, or optimiser steps."""

    artifact: Artifact | None
    """None where the name depends on images that are not there yet."""

    detail: str = ""

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
        return "done" if self.artifact.is_complete and self._holds_enough() else "in progress"

    def _holds_enough(self) -> bool:
        # a set may have been made with fewer images; it grows
        assert self.artifact is not None
        return (
            self.stage != "generate" or self.artifact.manifest().get("num_images", 0) >= self.units
        )


def steps(workspace: Workspace, stage: str, wanted: Wanted | None = None) -> list[Step]:
    """List one stage's steps; raises SettingError or DataError where an arm cannot be drawn.

    `wanted` is how many seeds each arm and set has; what is wanted now where it is not given.
    """
    found = looks.wanted(workspace) if wanted is None else wanted
    makers = {
        "write": _texts,
        "fit": _fits,
        "generate": _sets,
        "train": _runs,
        "predict": _predictions,
    }
    return makers[stage](workspace, found)


def _texts(workspace: Workspace, wanted: Wanted) -> list[Step]:
    """List the sets whose prompts take time; the others' are written with their images."""
    study = workspace.study
    return [
        Step(
            "write",
            Task(study, each.name, 0),
            (each.per_class or 0) * len(workspace.class_names),
            workspace.prompts_artifact(each),
        )
        for each in study.synthetic
        if each.prompts is not None and each.prompts.is_costly
    ]


def _fits(workspace: Workspace, wanted: Wanted) -> list[Step]:
    study = workspace.placed
    return [
        Step(
            "fit",
            Task(study, each.name, run),
            workspace.num_pool,
            workspace.fit_artifact(each, run),
        )
        for each in study.synthetic
        if each.is_fitted
        for run in range(wanted.sets[each.name])
    ]


def _sets(workspace: Workspace, wanted: Wanted) -> list[Step]:
    study, found = workspace.placed, []
    for each in study.synthetic:
        if each.generator is None:
            continue
        count = (each.per_class or 0) * len(workspace.class_names)
        for run in range(wanted.sets[each.name]):
            artifact = workspace.synthetic_artifact(each, run)
            found.append(Step("generate", Task(study, each.name, run), count, artifact))
    return found


def _runs(workspace: Workspace, wanted: Wanted) -> list[Step]:
    study, found = workspace.placed, []
    for arm in workspace.arms():
        for run in range(wanted.arms[arm.name]):
            drawn = workspace.mixture(arm, run)
            artifact = run_artifact(workspace, arm, run, list(drawn.synthetic))
            detail = f"{drawn.num_real} real + {drawn.num_synthetic} synthetic"
            detail += f" ({arm.control})" if arm.control else ""
            task = Task(study, arm.name, run)
            found.append(Step("train", task, workspace.recipe(arm).steps, artifact, detail))
    return found


def _predictions(workspace: Workspace, wanted: Wanted) -> list[Step]:
    study, listed = workspace.placed, []
    for arm in workspace.arms():
        for run in range(wanted.arms[arm.name]):
            found = collections(workspace, arm, run)
            source = run_artifact(workspace, arm, run, list(arm.sources)) if found else None
            for each in found:
                artifact = source and _predictions_artifact(workspace, source, each)
                task = Task(study, arm.name, run, each.key)
                listed.append(Step("predict", task, each.num_predictions, artifact))
    return listed


def _predictions_artifact(workspace: Workspace, run: Artifact, each: Collection) -> Artifact | None:
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


DECODED_UNASKED = 25_000_000_000
"""Bytes of decoded images of one source above which a plan tells their price alone."""


def _check_price(price: Price) -> None:
    if price.num_bytes > DECODED_UNASKED:
        raise SettingError(
            f"{price}, more than a plan decodes ({DECODED_UNASKED / 1e9:.0f} GB): set a smaller "
            "image_size, or let `synthmix run` decode them; then there is a plan."
        )


def describe(
    study: Study,
    *,
    measure: bool = True,
    spread: float | None = None,
    progress: Progress = no_progress,
    tell: Priced = accepted,
) -> dict[str, Any]:
    """Return the whole plan as JSON: steps, counts, estimated seconds and bytes, and its outlook.

    `spread` is a standard deviation over seeds, as a share of 1; see `prospects.spread_of`. `tell`
    hears what decoding each source takes. Raises SettingError where that is too much for a plan.
    """

    def price(found: Price) -> None:
        _check_price(found)
        tell(found)

    workspace = Workspace(study, progress=progress, price=price)
    check_settings(workspace)
    wanted = looks.wanted(workspace)
    found = [step for stage in STAGES for step in steps(workspace, stage, wanted)]
    check_model(workspace)
    costs = prices(workspace, measure=measure)
    rows = [_row(step, costs) for step in found]
    outlook = prospects.outlook(workspace, spread)
    return {
        "name": study.name,
        "output": str(study.output.absolute()),
        "class_names": list(workspace.class_names),
        "image_size": workspace.image_size,
        "num_train": len(workspace.train_rows),
        "num_validation": len(workspace.validation_rows),
        "num_test": len(workspace.test),
        "num_pool": workspace.num_pool,
        "warnings": _of_output(study) + warnings(workspace) + prospects.concerns(outlook),
        "notes": notes(workspace),
        "steps": rows,
        "scratch_bytes": costs.scratch,
        "controls": prospects.price_of_controls(workspace, rows),
        "outlook": outlook,
        "looks": _growth(workspace, rows, costs),
        "sources": [asdict(each) for each in inventories(workspace)],
        "resolved": study.resolved(),
    }


def _of_output(study: Study) -> list[str]:
    earlier = earlier_study(study)
    if earlier is None:
        return []
    return [f"output: {earlier}: a run would rename that one's study.yaml, results and the like."]


def _row(step: Step, price: Prices) -> dict[str, Any]:
    done, cost = step.state == "done", price.seconds(step.stage, step.task.target, step.units)
    return {
        "stage": step.stage,
        "target": step.task.label,
        "on": step.task.on,
        "seed": step.task.run,
        "units": step.units,
        "state": step.state,
        "detail": step.detail,
        "artifact": step.artifact.path.name if step.artifact else None,
        "cost": cost,
        "seconds": 0.0 if done else cost,
        "bytes": 0 if done else price.num_bytes(step.stage, step.task.target, step.units),
    }


def _growth(workspace: Workspace, rows: list[dict[str, Any]], price: Prices) -> Any:
    """Return what may be added to the first look at most; None where seeds are a number."""
    adaptive = workspace.study.adaptive
    if adaptive is None:
        return None
    planned = {(row["stage"], row["target"], row["seed"]) for row in rows}
    most = looks.at_most(workspace)
    every = [step for stage in STAGES for step in steps(workspace, stage, most)]
    more = [s for s in every if (s.stage, s.task.target, s.task.run) not in planned]
    runs = sum(step.stage == "train" for step in more)
    course = looks.course(workspace)
    left = runs if adaptive.budget is None else max(min(runs, adaptive.budget - course.spent), 0)
    left = 0 if course.is_settled else left
    costs = [price.seconds(step.stage, step.task.target, step.units) for step in more]
    known = sum(cost for cost in costs if cost is not None)
    return {
        **asdict(adaptive),
        "added_runs": course.spent,
        "more_runs_at_most": left,
        "more_seconds_at_most": round(known * left / max(runs, 1), 1),
        "more_steps_not_measured": costs.count(None),
    }


def stale(study: Study, workspace: Workspace) -> list[str]:
    """List artifact folders to which this study does not refer, from another version of it."""
    seeds = looks.wanted(workspace)
    found = [step for stage in STAGES for step in steps(workspace, stage, seeds)]
    wanted = {step.artifact.path for step in found if step.artifact}
    wanted |= {workspace.prompts_artifact(e).path for e in study.synthetic if e.prompts}
    folders = ("generators", "synthetic", "runs", "prompts", "predictions")
    there = [p for f in folders for p in (study.output / f).glob("*-*") if p.is_dir()]
    return sorted(str(path) for path in there if path not in wanted)
