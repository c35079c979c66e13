"""synthmix plan: what a study would do, and what that costs, before anything runs."""

from typing import Annotated, Any

import typer

from synthmix.cli._options import (
    Json,
    Set,
    StudyFile,
    duration,
    load_study,
    say,
    say_json,
    size,
    table,
)

Measure = Annotated[
    bool, typer.Option("--measure/--no-measure", help="Time a few training steps for the estimate.")
]


def command(
    study: StudyFile,
    changes: Set = [],  # noqa: B006
    measure: Measure = True,
    json: Json = False,
) -> None:
    """Print every artifact, run, count, estimated time and disk of a study; runs nothing."""
    loaded = load_study(study, changes)
    from synthmix.study.planning import describe

    plan = describe(loaded, measure=measure)
    if json:
        say_json(plan)
        return
    _show(plan)


def _show(plan: dict[str, Any]) -> None:
    say(f"{plan['name']} -> {plan['output']}")
    say(
        f"{len(plan['class_names'])} classes, {plan['image_size']} x {plan['image_size']} pixels; "
        f"real images: {plan['num_train']} train ({plan['num_pool']} used per seed), "
        f"{plan['num_validation']} validation, {plan['num_test']} test\n"
    )
    table([_cells(step) for step in plan["steps"]], _HEAD)
    known = [step["seconds"] for step in plan["steps"] if step["seconds"] is not None]
    unknown = len(plan["steps"]) - len(known)
    more = f" and {unknown} steps not yet measured here" if unknown else ""
    disk = size(sum(step["bytes"] for step in plan["steps"]))
    say(f"\nStill to do: {duration(sum(known))} of one process{more}; {disk} on disk.")


_HEAD = ["stage", "target", "seed", "units", "state", "time", "images"]


def _cells(step: dict[str, Any]) -> list[str]:
    units = f"{step['units']:,}"
    time = "-" if step["state"] == "done" else duration(step["seconds"])
    seed = str(step["seed"])
    return [step["stage"], step["target"], seed, units, step["state"], time, step["detail"]]
