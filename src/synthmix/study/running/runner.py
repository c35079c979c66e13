"""Running a study: every missing artifact, in order, then the results and the report."""

import os
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

from synthmix import belonging
from synthmix.aside import unused
from synthmix.errors import SettingError
from synthmix.report import write as write_report
from synthmix.resident import release
from synthmix.store import replacing, write_json
from synthmix.study.config.file import Study
from synthmix.study.inputs import interim, leakage
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.opened import Pace
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning import throughput
from synthmix.study.planning.plan import Steps
from synthmix.study.planning.preflight import (
    check_model,
    check_output,
    check_settings,
    earlier_study,
    notes,
    warnings,
)
from synthmix.study.running import study_copy
from synthmix.study.running.progress import Watch, silent
from synthmix.study.running.results import evaluate
from synthmix.study.stages import Step, order, stage_named, stage_of
from synthmix.study.stages import make as make_one
from synthmix.study.stages.work import seconds_of


def run(study: Study, watch: Watch = silent) -> Path:
    """Run what is missing of a study and return the path of its report.

    Run again after any interruption: what is finished is not done twice. Raises SettingError or
    DataError before any work where an arm cannot be drawn.
    """
    workspace = Workspace(study, progress=watch.decoding, price=watch.priced)
    checked = check(workspace)
    tell(workspace, watch)
    save_study(study, watch)
    make(workspace, watch, checked=checked)
    workspace.check_unchanged()
    evaluate(workspace.placed, watch.warned)
    return write_report(study.output)


def tell(workspace: Workspace, watch: Watch) -> None:
    """Tell what is probably not meant, and what is left out."""
    for text in warnings(workspace):
        watch.warned(text)
    for text in notes(workspace):
        watch.noted(text)


def make(
    workspace: Workspace,
    watch: Watch = silent,
    stages: Sequence[str] | None = None,
    checked: Steps | None = None,
) -> None:
    """Run what is missing, stage after stage; where seeds are added, look after look.

    `stages` are all where they are not given; `checked` are steps that `check` has listed already.
    """
    course, done = interim.course(workspace), None
    told = set[str]()
    while done is None or course.seeds != done.arms:
        wanted = interim.of_arms(workspace, course.seeds)
        is_listed = checked is not None and checked.wanted == wanted
        steps = checked if checked and is_listed else Steps(workspace, wanted)
        # what earlier rounds have checked is not checked again
        is_new = partial(_is_beyond, done)
        for stage in order() if stages is None else stages:
            run_stage(steps, stage, watch, is_new)
            if stage == "generate":
                for each in leakage.of_generated(workspace, wanted.sets):
                    if each.text not in told:
                        told.add(each.text)
                        (watch.noted if each.is_left_out else watch.warned)(each.text)
        done, course = wanted, interim.course(workspace)
        if workspace.study.adaptive is not None:
            watch.looked(course)


def _is_beyond(done: Wanted | None, step: Step) -> bool:
    return done is None or step.task.run >= done.of(
        step.task.target, is_set=stage_of(step).is_per_set
    )


def check(workspace: Workspace) -> Steps:
    """Raise whatever would stop the study later: splits, classes, counts of every arm, names.

    Returns the steps at the most seeds that the study can come to.
    """
    assert len(workspace.test) > 0
    check_settings(workspace)
    found = Steps(workspace, interim.at_most(workspace))
    found.every()
    if any(step.state != "done" for step in found.of("train")):
        check_model(workspace)
    return found


def run_stage(
    steps: Steps, stage: str, watch: Watch = silent, only: Callable[[Step], bool] | None = None
) -> None:
    """Run one stage's steps on the study's engine; finished ones are checked, not redone."""
    todo = [step for step in steps.of(stage) if only is None or only(step)]
    if not todo:
        return
    workspace = steps.workspace
    with watch.stage(stage, todo):
        for step in [step for step in todo if is_sound(step)]:
            assert step.artifact is not None
            step.artifact.tidy()
            watch.finished(step, [])
            todo.remove(step)
        pace = Pace()
        if todo:
            pace.look(workspace.check_unchanged)
        tasks = [step.task for step in todo]
        with closing(workspace.study.engine.map(make_one, tasks)) as finished:
            for number, damaged in finished:
                watch.finished(todo[number], damaged)
                _remember(workspace, todo[number])
                steps.made(stage)
                if not stage_named(stage).is_brief:
                    pace.look(workspace.check_unchanged)
        release()  # a model that this process loaded itself


def is_sound(step: Step) -> bool:
    """Whether a step is done and every byte of it is as it was."""
    return step.state == "done" and step.artifact is not None and not step.artifact.damaged()


def _remember(workspace: Workspace, step: Step) -> None:
    seconds = seconds_of(step.artifact.path) if step.artifact else None
    if seconds is not None and step.units >= stage_of(step).least_telling:
        throughput.remember(workspace, step.stage, step.task.target, seconds / step.units)
    if step.artifact is not None and step.stage == "fit" and step.artifact.is_complete:
        parts = step.artifact.records().values()
        num_bytes = sum(int(part["bytes"]) for part in parts)
        throughput.remember_bytes(workspace, step.task.target, num_bytes)


def save_study(study: Study, watch: Watch = silent) -> None:
    """Keep what was asked and what it was resolved to; an edited study's files get new names."""
    check_output(study)
    earlier = earlier_study(study)
    copy = study.output / "study.yaml"
    is_theirs = copy.is_file() and not copy.read_bytes().startswith(study_copy.OURS)
    resolved = study.output / "resolved.json"
    if is_theirs and not resolved.exists():
        raise SettingError(
            f"output is '{study.output}', where {copy} was not written by synthmix; name another "
            "folder, whose study.yaml can hold what was run."
        )
    if earlier is not None:
        for name in ("resolved.json", "study.yaml"):
            path = study.output / name
            if path.exists():
                kept = unused(path, first=1)
                os.replace(path, kept)
                watch.renamed(f"{earlier}; its {name} is {kept.name} now.")
        if (study.output / "results.json").exists():
            watch.renamed(f"{earlier}; its results.json gets a name of its own once this one ends.")
    write_json(resolved, belonging.kept(study.resolved(), study.fingerprint))
    with replacing(copy) as temporary:
        temporary.write_bytes(study_copy.text_of(study.asked, study.fingerprint))
