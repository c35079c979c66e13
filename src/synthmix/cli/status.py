"""synthmix status: what of a study is done, at work, to do, or no part of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from synthmix.cli import _steps
from synthmix.cli._options import All, Json, Set, StudyFile, load_study, say, say_json, table
from synthmix.errors import counted

if TYPE_CHECKING:
    from synthmix.evaluation.adaptive import Course

_KEYS = ["stage", "target", "on", "seed", "state", "progress"]
_HEAD = ["stage", "target", "runs", "state", "progress"]


def command(
    study: StudyFile,
    changes: Set = [],  # noqa: B006
    every: All = False,
    json: Json = False,
) -> None:
    """Show how far a study is, and which artifacts are no part of it, from another version."""
    loaded = load_study(study, changes)
    from synthmix.study.inputs.interim import course, of_arms
    from synthmix.study.inputs.workspace import Workspace
    from synthmix.study.planning.plan import Steps, stale

    workspace = Workspace(loaded)
    so_far = course(workspace)
    listed = Steps(workspace, of_arms(workspace, so_far.seeds))
    found = listed.every()
    at = [s.artifact.progress() if s.artifact and s.state == "in progress" else None for s in found]
    rows = [
        (step.stage, step.task.label, step.task.on, step.task.run, step.state, progress)
        for step, progress in zip(found, at, strict=True)
    ]
    old = stale(listed)
    judged = None if loaded.adaptive is None else _judged(so_far)
    told = [dict(zip(_KEYS, row, strict=True)) for row in rows]
    if json:
        say_json({"steps": told, "stale": old, "looks": judged})
        return
    table(_steps.shown(told, _cells, every=every), _HEAD)
    done = sum(step.state == "done" for step in found)
    say(f"\n{done} of {len(found)} done.")
    if judged is not None:
        _show(judged)
    for each in old:
        say(f"no part of this study file (kept): {each}")


def _judged(course: "Course") -> dict[str, Any]:
    """Return what is decided and what is open, by the looks whose runs are all there."""
    return {
        "is_settled": course.is_settled,
        "added_runs": course.spent,
        "verdicts": {
            arm: {
                "seeds": course.seeds[arm],
                "verdict": verdict.text,
                "is_open": verdict.is_open,
            }
            for arm, verdict in course.verdicts.items()
        },
    }


def _show(judged: dict[str, Any]) -> None:
    if not judged["verdicts"]:
        say("No arm is judged yet: runs of the first look are missing.")
        return
    for is_open, told in ((False, "decided"), (True, "open")):
        some = {arm: x for arm, x in judged["verdicts"].items() if x["is_open"] is is_open}
        for arm, each in some.items():
            say(f"{told}: {arm}, {each['verdict']} ({counted(each['seeds'], 'seeds')})")
    going = "Nothing is left to be added." if judged["is_settled"] else "More seeds are wanted."
    say(f"{counted(judged['added_runs'], 'runs')} added since the first look. {going}")


def _cells(group: Sequence[_steps.Row]) -> list[str]:
    state, at = group[0]["state"], group[0]["progress"]
    return [group[0]["stage"], _steps.target(group), _steps.runs(group), state, _share(at)]


def _share(progress: tuple[int, int] | None) -> str:
    return f"{progress[0]:,} of {progress[1]:,}" if progress else ""
