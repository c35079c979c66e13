"""synthmix report: the HTML page, figures and tables, remade from results.json."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli._options import Json, say, say_json, say_verdict

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A study's results folder.")]


def command(folder: Folder, json: Json = False) -> None:
    """Remake the report of a results folder; needs neither torch nor the images."""
    from synthmix.report import write

    page = write(folder)
    if json:
        say_json({"report": str(page)})
        return
    say(str(page))
    say_verdict(folder / "results.json")
