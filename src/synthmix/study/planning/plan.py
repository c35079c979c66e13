"""The plan: which artifacts a study needs, in which order, and what they will cost."""

from dataclasses import asdict
from typing import Any

from synthmix.errors import SettingError
from synthmix.fitting import Price, Priced, accepted
from synthmix.study.config.file import Study
from synthmix.study.inputs import interim
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.warnings import inventories
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning import power
from synthmix.study.planning.costs import Prices, prices
from synthmix.study.planning.preflight import (
    check_model,
    check_settings,
    earlier_study,
    notes,
    warnings,
)
from synthmix.study.stages import Step, order, stage_named
from synthmix.types import Progress, no_progress


class Steps:
    """A study's steps where each arm and set has `wanted` seeds, each stage listed once.

    What a stage leaves may give the artifacts of later ones their names: `made` forgets those.
    """

    def __init__(self, workspace: Workspace, wanted: Wanted) -> None:
        self.workspace = workspace
        self.wanted = wanted
        self._listed: dict[str, list[Step]] = {}

    def of(self, stage: str) -> list[Step]:
        """List one stage's steps; raises SettingError or DataError where an arm cannot be drawn."""
        if stage not in self._listed:
            self._listed[stage] = stage_named(stage).steps(self.workspace, self.wanted)
        return self._listed[stage]

    def every(self) -> list[Step]:
        """List the steps of all stages, in order."""
        return [step for stage in order() for step in self.of(stage)]

    def made(self, stage: str) -> None:
        """Forget the steps of the stages that come after one that made something."""
        names = order()
        for each in names[names.index(stage) + 1 :]:
            self._listed.pop(each, None)


def steps(workspace: Workspace, stage: str, wanted: Wanted | None = None) -> list[Step]:
    """List one stage's steps, for the seeds that are wanted now where they are not given."""
    return Steps(workspace, interim.wanted(workspace) if wanted is None else wanted).of(stage)


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

    `spread` is a standard deviation over seeds, as a share of 1; see `power.spread_of`. `tell`
    hears what decoding each source takes. Raises SettingError where that is too much for a plan.
    """

    def price(found: Price) -> None:
        _check_price(found)
        tell(found)

    workspace = Workspace(study, progress=progress, price=price)
    check_settings(workspace)
    found = Steps(workspace, interim.wanted(workspace)).every()
    check_model(workspace)
    costs = prices(workspace, measure=measure)
    rows = [_row(step, costs) for step in found]
    outlook = power.outlook(workspace, spread)
    return {
        "name": study.name,
        "output": str(study.output.absolute()),
        "class_names": list(workspace.class_names),
        "image_size": workspace.image_size,
        "num_train": len(workspace.train_rows),
        "num_validation": len(workspace.validation_rows),
        "num_test": len(workspace.test),
        "num_pool": workspace.num_pool,
        "warnings": _of_output(study) + warnings(workspace) + power.concerns(outlook),
        "notes": notes(workspace),
        "steps": rows,
        "scratch_bytes": costs.scratch,
        "controls": power.price_of_controls(workspace, rows),
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
    done, cost = step.state == "done", price.seconds(step)
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
        "bytes": 0 if done else price.num_bytes(step),
    }


def _growth(workspace: Workspace, rows: list[dict[str, Any]], price: Prices) -> Any:
    """Return what may be added to the first look at most; None where seeds are a number."""
    adaptive = workspace.study.adaptive
    if adaptive is None:
        return None
    planned = {(row["stage"], row["target"], row["seed"]) for row in rows}
    every = Steps(workspace, interim.at_most(workspace)).every()
    more = [s for s in every if (s.stage, s.task.target, s.task.run) not in planned]
    runs = sum(step.stage == "train" for step in more)
    course = interim.course(workspace)
    left = runs if adaptive.budget is None else max(min(runs, adaptive.budget - course.spent), 0)
    left = 0 if course.is_settled else left
    costs = [price.seconds(step) for step in more]
    known = sum(cost for cost in costs if cost is not None)
    return {
        **asdict(adaptive),
        "added_runs": course.spent,
        "more_runs_at_most": left,
        "more_seconds_at_most": round(known * left / max(runs, 1), 1),
        "more_steps_not_measured": costs.count(None),
    }


def stale(steps: Steps) -> list[str]:
    """List artifact folders to which this study does not refer, from another version of it."""
    workspace, study = steps.workspace, steps.workspace.study
    wanted = {step.artifact.path for step in steps.every() if step.artifact}
    wanted |= {workspace.prompts_artifact(e).path for e in study.synthetic if e.prompts}
    folders = [stage_named(each).folder for each in order()]
    there = [p for f in folders for p in (study.output / f).glob("*-*") if p.is_dir()]
    return sorted(str(path) for path in there if path not in wanted)
