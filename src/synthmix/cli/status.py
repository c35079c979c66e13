"""synthmix status: what of a study is done, at work, to do, or left from an earlier version."""

from synthmix.cli._options import Json, Set, StudyFile, load_study, say, say_json, table


def command(study: StudyFile, changes: Set = [], json: Json = False) -> None:  # noqa: B006
    """Show how far a study is, and which artifacts belong to earlier versions of it."""
    loaded = load_study(study, changes)
    from synthmix.study.planning import STAGES, stale, steps
    from synthmix.study.workspace import Workspace

    workspace = Workspace(loaded)
    found = [step for stage in STAGES for step in steps(workspace, stage)]
    rows = []
    for step in found:
        at = step.artifact.progress() if step.artifact and step.state == "in progress" else None
        share = f"{at[0]:,} of {at[1]:,}" if at else ""
        rows.append([step.stage, step.task.target, str(step.task.run), step.state, share])
    old = stale(loaded, workspace)
    if json:
        keys = ("stage", "target", "seed", "state", "progress")
        say_json({"steps": [dict(zip(keys, row, strict=True)) for row in rows], "stale": old})
        return
    table(rows, ["stage", "target", "seed", "state", "progress"])
    done = sum(step.state == "done" for step in found)
    say(f"\n{done} of {len(found)} done.")
    for each in old:
        say(f"from an earlier version of the study (kept): {each}")
