"""synthmix train: the runs of a study, or of one arm or seed."""

from typing import Annotated

import typer

from synthmix.cli._options import Json, Quiet, Set, StudyFile, load_study, say_folders, watch
from synthmix.errors import SettingError, suggestion

Arm = Annotated[str | None, typer.Option("--arm", help="Just this arm, e.g. flow@0.5.")]
Seed = Annotated[int | None, typer.Option("--seed", help="Just this run seed, counted from 0.")]


def command(
    study: StudyFile,
    arm: Arm = None,
    seed: Seed = None,
    changes: Set = [],  # noqa: B006
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Train the missing runs of a study; generates first what they need."""
    loaded = load_study(study, changes)
    from synthmix.study.inputs.interim import wanted
    from synthmix.study.inputs.workspace import Workspace
    from synthmix.study.planning.plan import Steps, steps
    from synthmix.study.running.runner import check, make, run_stage, save_study, tell
    from synthmix.study.stages import Step, up_to

    told = watch(quiet or json)
    workspace = Workspace(loaded, progress=told.decoding, price=told.priced)
    names = [each.name for each in workspace.arms()]
    if arm is not None and arm not in names:
        raise SettingError(f"There is no arm '{arm}'. {suggestion(arm, names)}")
    if seed is not None and not 0 <= seed < loaded.seeds:
        raise SettingError(f"--seed is {seed}; the study's seeds are 0 to {loaded.seeds - 1}.")

    def is_wanted(step: Step) -> bool:
        return arm in (None, step.task.target) and seed in (None, step.task.run)

    check(workspace)
    if seed is not None and not any(map(is_wanted, steps(workspace, "train"))):
        raise SettingError(
            f"--seed is {seed}, which is not wanted yet: seeds are added to arms whose verdict is "
            "open (`synthmix status`)."
        )
    tell(workspace, told)
    save_study(loaded, told)
    if arm is None and seed is None:
        make(workspace, told, up_to("train"))
    else:
        todo = Steps(workspace, wanted(workspace))
        for stage in up_to("train"):
            run_stage(todo, stage, told, is_wanted if stage == "train" else None)
    found = [s for s in steps(workspace, "train") if is_wanted(s) and s.artifact]
    folders = [str(step.artifact.path) for step in found if step.artifact]
    say_folders(folders, json)
