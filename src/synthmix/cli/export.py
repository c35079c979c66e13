"""synthmix export: a synthetic set as ImageFolder or WebDataset."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from synthmix.cli._options import Json, say, say_json
from synthmix.errors import DataError, SettingError, counted

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
        raise DataError(
            f"{folder} is no finished synthetic set: it has no manifest.json.{_instead(folder)}"
        )
    place = Path(os.path.realpath(target))
    if place.is_relative_to(os.path.realpath(folder)):
        raise SettingError(f"The target {place} lies in the set itself; name a folder outside.")
    images = read_set(folder)
    if format == "folder":
        export_folder(images, target)
    else:
        export_webdataset(images, target, shard_size=1000)
    order = sorted(images.class_names) if format == "folder" else list(images.class_names)
    if json:
        say_json({"folder": str(place), "images": len(images), "class_names": order})
        return
    say(f"{counted(len(images), 'images')} -> {place}")
    if order != list(images.class_names):
        say(
            "Folders are numbered in the order of their names, and the set's classes are not: "
            "compare classes by name."
        )


def _instead(folder: Path) -> str:
    """Return where finished sets lie: in what `generate` and `run` were told to fill, or beside."""
    patterns = ["synthetic/*", "*/synthetic/*", *(["*"] if folder.name == "synthetic" else [])]
    found = {each for one in patterns for each in folder.glob(f"{one}/manifest.json")}
    if inside := sorted(str(each.parent) for each in found):
        what = "The set in it is" if len(inside) == 1 else "The sets in it are"
        return f" {what} {', '.join(inside)}."
    there = sorted(each.parent.name for each in folder.parent.glob("*/manifest.json"))
    return f" Finished sets beside it: {', '.join(there)}." if there else ""
