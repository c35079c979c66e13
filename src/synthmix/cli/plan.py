"""synthmix plan: what a study would do, and what that costs, before anything runs."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from synthmix.cli import _steps
from synthmix.cli._options import (
    All,
    Json,
    Set,
    StudyFile,
    duration,
    load_study,
    say,
    say_json,
    size,
    table,
    watch,
)
from synthmix.errors import counted

Measure = Annotated[
    bool, typer.Option("--measure/--no-measure", help="Time a few training steps for the estimate.")
]

Spread = Annotated[
    float | None,
    typer.Option(
        "--spread",
        metavar="POINTS",
        help="Standard deviation of an arm's accuracy over seeds, for the smallest effect.",
    ),
]


def command(
    study: StudyFile,
    changes: Set = [],  # noqa: B006
    measure: Measure = True,
    spread: Spread = None,
    every: All = False,
    json: Json = False,
) -> None:
    """Print every artifact, run, count, time, disk and detectable effect; runs nothing."""
    loaded = load_study(study, changes)
    from synthmix.study.planning.plan import describe
    from synthmix.study.planning.power import check_spread

    shown = watch(json)
    plan = describe(
        loaded,
        measure=measure,
        spread=check_spread(spread),
        progress=shown.decoding,
        tell=shown.priced,
    )
    if json:
        say_json(plan)
        return
    _show(plan, every=every)


def _show(plan: dict[str, Any], *, every: bool) -> None:
    say(f"{plan['name']} -> {plan['output']}")
    say(
        f"{counted(len(plan['class_names']), 'classes')}, {plan['image_size']} x "
        f"{plan['image_size']} pixels; "
        f"real images: {plan['num_train']} train ({plan['num_pool']} used per seed), "
        f"{plan['num_validation']} validation, {plan['num_test']} test\n"
    )
    for source in plan["sources"]:
        _show_source(source)
    table(_steps.shown(plan["steps"], _cells, every=every), _HEAD)
    _show_controls(plan["controls"])
    _show_outlook(plan["outlook"])
    for text in plan["warnings"]:
        say(f"warning: {text}")
    for text in plan["notes"]:
        say(f"note: {text}")
    known = [step["seconds"] for step in plan["steps"] if step["seconds"] is not None]
    unknown = len(plan["steps"]) - len(known)
    disk = size(sum(step["bytes"] for step in plan["steps"]))
    say(
        f"\nStill to do: {_time(sum(known), unknown)}; {disk} on disk, and "
        f"{size(plan['scratch_bytes'])} a process while it trains."
    )
    if plan["looks"] is not None:
        _show_looks(plan["looks"])


def _show_source(source: dict[str, Any]) -> None:
    """Print what a source took and passed over; its concerns stand among the warnings."""
    counts = source["per_class"]
    each = str(min(counts)) if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    say(
        f"{source['where']} ({source['split']}): {counted(sum(counts), 'images')} of "
        f"{counted(len(counts), 'classes')}, "
        f"{each} each"
    )
    for passed in source["passed_over"]:
        say(
            f"  passed over: {counted(passed['count'], passed['reason'])}, such as "
            f"{', '.join(passed['examples'])}"
        )
    for note in source["notes"]:
        say(f"  {note}")
    say("")


def _time(seconds: float, unknown: int) -> str:
    """Return the time of one process, with the number of tasks of which nothing is known."""
    if unknown and not seconds:
        return f"{counted(unknown, 'tasks')}, none of them timed here yet"
    more = f" and {counted(unknown, 'tasks')} not timed here yet" if unknown else ""
    return f"{duration(seconds)} of one process{more}"


def _show_controls(controls: list[dict[str, Any]]) -> None:
    if not any(each["runs"] for each in controls):
        return
    rows = [
        [each["control"], str(each["runs"]), duration(each["seconds"]), each["question"]]
        for each in controls
        if each["runs"]
    ]
    say("")
    table(rows, ["control", "runs", "time", "what it asks"])


def _show_outlook(outlook: dict[str, Any]) -> None:
    cases = [each for each in outlook["cases"] if each["effect"] is not None]
    if not cases:
        return
    say(
        f"\nWith {outlook['spread']}, {outlook['arms']} judged arms and {outlook['controls']} "
        "controls to beat:"
    )
    for each in cases:
        say(
            f"  {counted(each['seeds'], 'seeds')} {_effect(each, outlook)}, and "
            f"{_equivalence(each)}."
        )


def _effect(case: dict[str, Any], outlook: dict[str, Any]) -> str:
    if case["can_be_seen"]:
        return f"see a gain of {_points(case['effect'])} {10 * outlook['power']:g} times in 10"
    left = 1 - outlook["accuracy"]
    return f"see no gain at this size: it would have to be more than the {_points(left)} left"


def _equivalence(case: dict[str, Any]) -> str:
    if case["can_be_equivalent"]:
        return f"equivalence within {_points(case['equivalence'])}"
    return "no equivalence"


def _points(share: float) -> str:
    return f"{100 * share:.2f} points"


def _show_looks(looks: dict[str, Any]) -> None:
    unknown = looks["more_steps_not_measured"]
    more = f" and {counted(unknown, 'tasks')} not timed here yet" if unknown else ""
    budget = (
        "no budget"
        if looks["budget"] is None
        else f"a budget of {counted(looks['budget'], 'runs')}"
    )
    say(
        f"Seeds are added to open arms only, from {looks['first']} in steps of {looks['step']} to "
        f"{looks['most']}, with {budget}: at most "
        f"{counted(looks['more_runs_at_most'], 'more runs')} "
        f"({duration(looks['more_seconds_at_most'])}{more})."
    )


_HEAD = ["stage", "target", "runs", "units", "state", "time", "images"]


def _cells(group: Sequence[_steps.Row]) -> list[str]:
    done = _steps.same(group, "state") == "done"
    return [
        group[0]["stage"],
        _steps.target(group),
        _steps.runs(group),
        f"{sum(row['units'] for row in group):,}",
        group[0]["state"],
        "-" if done else duration(_steps.total(group, "seconds")),
        _steps.same(group, "detail"),
    ]
