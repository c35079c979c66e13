"""synthmix generate: synthetic sets, those of a study or one from a generator's name."""

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli._options import Json, Quiet, Set, load_study, say_folders, watch
from synthmix.errors import SettingError

Study = Annotated[Path | None, typer.Argument(metavar="[STUDY]", help="A study file (*.yaml).")]
Only = Annotated[str | None, typer.Option("--only", help="Just this synthetic set of the study.")]
Generator = Annotated[
    str | None, typer.Option("--generator", help="Without a study: a generator's name.")
]
Real = Annotated[str, typer.Option("--real", help="Real images: their classes, size, fitting.")]
PerClass = Annotated[int, typer.Option("--per-class", help="Images of each class.")]
Output = Annotated[Path, typer.Option("--output", help="Folder for the set.")]


def command(
    study: Study = None,
    only: Only = None,
    generator: Generator = None,
    real: Real = "digits",
    per_class: PerClass = 100,
    output: Output = Path("results/generated"),
    changes: Set = [],  # noqa: B006
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Generate a study's synthetic sets, or one: --generator NAME --set generator.KEY=VALUE."""
    loaded = (
        load_study(study, changes)
        if study
        else _single(generator, real, per_class, output, changes)
    )
    from synthmix.study.running import run_stage, save_study
    from synthmix.study.workspace import Workspace

    if only is not None:
        loaded.set_named(only)
    workspace = Workspace(loaded)
    save_study(loaded)
    for stage in ("write", "fit", "generate"):
        run_stage(
            workspace, stage, watch(quiet or json), lambda step: only in (None, step.task.target)
        )
    from synthmix.study.planning import steps

    found = [step for step in steps(workspace, "generate") if only in (None, step.task.target)]
    folders = [str(step.artifact.path) for step in found if step.artifact]
    say_folders(folders, json)


def _single(
    generator: str | None, real: str, per_class: int, output: Path, changes: list[str]
) -> Any:
    if generator is None:
        raise SettingError(
            "generate needs a STUDY or --generator NAME; `synthmix list` shows them."
        )
    from synthmix.cli._options import changed
    from synthmix.study.file import resolve

    asked: dict[str, Any] = {
        "name": generator,
        "real": {"use": real},
        "synthetic": {generator: {"generator": {"use": generator}, "per_class": per_class}},
        "seeds": 1,
        "mixing": {"use": "add", "per_real": [0]},
        "output": str(output),
    }
    here = f"synthetic.{generator}."
    moved = [
        here + each if each.startswith(("generator.", "prompts.")) else each for each in changes
    ]
    return resolve(changed(asked, moved))
