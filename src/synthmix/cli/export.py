"""synthmix export: a synthetic set as ImageFolder or WebDataset."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from synthmix.cli._options import Json, say, say_json
from synthmix.errors import DataError

Folder = Annotated[
    Path,
    typer.Argument(metavar="SET", help="A synthetic set, as in results/NAME/synthetic/SET-...."),
]
Target = Annotated[
    Path, typer.Argument(metavar="OUT", help="A folder that is empty or not there yet.")
]
Format = Annotated[
    Literal["folder", "webdataset"],
    typer.Option("--format", help="folder: CLASS/00000.png; webdataset: tar shards."),
]


def command(folder: Folder, target: Target, format: Format = "folder", json: Json = False) -> None:
    """Export a synthetic set; it is a Hugging Face data set as it stands."""
    from synthmix.export import export_folder, export_webdataset
    from synthmix.shards import read_set

    if not (folder / "manifest.json").exists():
        there = sorted(each.parent.name for each in folder.parent.glob("*/manifest.json"))
        beside = f" Finished sets beside it: {', '.join(there)}." if there else ""
        raise DataError(f"{folder} is no finished synthetic set: it has no manifest.json.{beside}")
    images = read_set(folder)
    if format == "folder":
        export_folder(images, target)
    else:
        export_webdataset(images, target, shard_size=1000)
    if json:
        say_json({"folder": str(target), "images": len(images)})
        return
    say(f"{len(images)} images -> {target}")
