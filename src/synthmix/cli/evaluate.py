"""synthmix evaluate: every number of a study, recomputed from its stored predictions."""

from typing import Annotated

import typer

from synthmix.cli._options import (
    Json,
    ResultsFolder,
    results_folder,
    say,
    say_json,
    say_verdict,
)

Replace = Annotated[
    bool,
    typer.Option(
        "--replace", help="Where the numbers differ, put the new ones in the stored ones' place."
    ),
]


def command(folder: ResultsFolder, replace: Replace = False, json: Json = False) -> None:
    """Recompute results.json from the stored predictions and compare the two; trains nothing.

    Ends with status 1 where the stored numbers differ. They are never overwritten: the new ones go
    beside them, or, with --replace, take their place while the old ones are renamed.
    """
    folder = results_folder(folder)
    path = folder / "study.yaml"
    from synthmix import belonging
    from synthmix.study.running import study_copy

    study_copy.check(path)
    belonging.check_study(path)
    from synthmix.study.config.file import read, resolve
    from synthmix.study.running.reproduce import recompute

    found = recompute(resolve({**read(path), "output": str(folder)}), replace=replace)
    if json:
        say_json(found.results)
    else:
        say(str(found.path))
        say(found.sentence)
        say_verdict(found.path)
    if found.differing:
        raise typer.Exit(1)
