"""synthmix evaluate: every number of a study, recomputed from its stored predictions."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli._options import Json, say, say_json
from synthmix.errors import DataError

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A study's results folder.")]


def command(folder: Folder, json: Json = False) -> None:
    """Recompute results.json from the stored predictions; trains nothing."""
    path = folder / "study.yaml"
    if not path.exists():
        raise DataError(f"{folder} holds no study.yaml; `synthmix run STUDY` makes such a folder.")
    from synthmix.store import read_json
    from synthmix.study.file import read, resolve
    from synthmix.study.results import evaluate

    results = evaluate(resolve({**read(path), "output": str(folder)}))
    if json:
        say_json(read_json(results))
        return
    say(str(results))
