"""synthmix report: the HTML page, figures and tables, remade from results.json."""

from pathlib import Path
from typing import Annotated

import typer

from synthmix.cli._options import say

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A study's results folder.")]


def command(folder: Folder) -> None:
    """Remake the report of a results folder; needs neither torch nor the images."""
    from synthmix.report import write

    say(str(write(folder)))
