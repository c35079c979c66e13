"""synthmix generate: synthetic sets, those of a study or one from a generator's name."""

from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli._options import Json, Quiet, Set, load_study, say, say_folders, watch
from synthmix.errors import SettingError

Study = Annotated[Path | None, typer.Argument(metavar="[STUDY]", help="A study file (*.yaml).")]
Only = Annotated[str | None, typer.Option("--only", help="Just this synthetic set of the study.")]
Generator = Annotated[
    str | None, typer.Option("--generator", help="Without a study: a generator's name.")
]
Real = Annotated[
    str | None,
    typer.Option(
        "--real", help="Without a study: real images (classes, size, fitting); digits if not given."
    ),
]
PerClass = Annotated[
    int | None,
    typer.Option("--per-class", help="Without a study: images of each class; 100 if not given."),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        help="Without a study: results folder, results/generated if not given; the set lies in its "
        "synthetic/, at the path that is printed.",
    ),
]


def command(
    study: Study = None,
    only: Only = None,
    generator: Generator = None,
    real: Real = None,
    per_class: PerClass = None,
    output: Output = None,
    changes: Set = [],  # noqa: B006
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Generate a study's synthetic sets, or one: --generator NAME --set generator.KEY=VALUE."""
    own = {"generator": generator, "real": real, "per-class": per_class, "output": output}
    loaded = _of_study(study, own, changes) if study else _single(own, changes)
    from synthmix.study.inputs.interim import wanted
    from synthmix.study.inputs.warnings import of_sources
    from synthmix.study.inputs.workspace import Workspace
    from synthmix.study.planning.plan import Steps
    from synthmix.study.running.runner import run_stage, save_study
    from synthmix.study.stages import up_to

    if only is not None:
        loaded.set_named(only)
    told = watch(quiet or json)
    save_study(loaded, told)  # which finds weights that are missing before anything is decoded
    workspace = Workspace(loaded, progress=told.decoding, price=told.priced)
    assert len(workspace.train)
    for text in of_sources(workspace.inventories):
        told.warned(text)
    steps = Steps(workspace, wanted(workspace))
    for stage in up_to("generate"):
        run_stage(steps, stage, told, lambda step: only in (None, step.task.target))
    found = [step for step in steps.of("generate") if only in (None, step.task.target)]
    folders = [str(step.artifact.path) for step in found if step.artifact]
    if not folders and not json:
        say("Nothing to generate: the images of every set of this study are there already.")
    say_folders(folders, json)


def _of_study(study: Path, own: dict[str, Any], changes: list[str]) -> Any:
    for option, value in own.items():
        if value is not None:
            raise SettingError(
                f"--{option} is '{value}', but a STUDY says that itself: leave one of them out. "
                "For one of its sets: --only NAME; to change a setting: --set KEY=VALUE."
            )
    return load_study(study, changes)


def _single(own: dict[str, Any], changes: list[str]) -> Any:
    generator = own["generator"]
    if generator is None:
        raise SettingError(
            "generate needs a STUDY or --generator NAME; `synthmix list` shows them."
        )
    from synthmix.cli._options import changed
    from synthmix.study.config.file import resolve

    per_class = 100 if own["per-class"] is None else own["per-class"]
    asked: dict[str, Any] = {
        "name": generator,
        "real": {"use": own["real"] or "digits"},
        "synthetic": {generator: {"generator": {"use": generator}, "per_class": per_class}},
        "seeds": 1,
        "mixing": {"use": "add", "per_real": [0]},
        "output": str(own["output"] or "results/generated"),
    }
    here = f"synthetic.{generator}."
    moved = [
        here + each if each.startswith(("generator.", "prompts.")) else each for each in changes
    ]
    return resolve(changed(asked, moved))
