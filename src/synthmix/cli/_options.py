"""Options that several commands share, and how they speak."""

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.errors import DataError, SettingError, printable
from synthmix.names import composed

if TYPE_CHECKING:
    from synthmix.study import Study
    from synthmix.study.running.progress import Watch

StudyFile = Annotated[
    Path, typer.Argument(metavar="STUDY", help="A study file (*.yaml), or a results folder.")
]
ResultsFolder = Annotated[
    Path,
    typer.Argument(metavar="DIR", help="A results folder, or its study file (*.yaml)."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for scripts.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
All = Annotated[bool, typer.Option("--all", help="Show every run in a row of its own.")]
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. training.steps=100."),
]


def load_study(path: Path, changes: list[str]) -> "Study":
    """Read a study file, or what a results folder keeps of it, with some settings changed."""
    from synthmix.belonging import check_study
    from synthmix.study.config.file import read, resolve

    path = _folder_of(path)
    kept = path / "study.yaml"
    check_study(kept)
    asked = {**read(kept), "output": str(path)} if kept.is_file() else read(path)
    return resolve(changed(asked, changes))


def results_folder(path: Path) -> Path:
    """Return a results folder: the one that is named, or the output of a study file."""
    path = _folder_of(path)
    if path.is_dir():
        return path
    if not path.exists():
        raise DataError(
            f"There is neither a results folder nor a study file '{path}': name either, for "
            "example results/NAME or NAME.yaml."
        )
    study = load_study(path, [])
    from synthmix.study.planning.preflight import earlier_study

    other = earlier_study(study)
    if other is not None:
        raise DataError(f"{other}, not what {path} asks for: run it, or name the folder itself.")
    return study.output


def _folder_of(path: Path) -> Path:
    """Return the results folder in which a file lies that is no study file, else the path."""
    if path.suffix.lower() in (".yaml", ".yml") or not path.is_file():
        return path
    return next((each for each in path.parents if (each / "resolved.json").is_file()), path)


def changed(asked: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """Return the keys of a study with `KEY=VALUE` changes put in; values are read as YAML."""
    from synthmix.study.config.parsing import parse

    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise SettingError(f"--set takes KEY=VALUE, for example seeds=5; got '{change}'.")
        if not value.strip():
            raise SettingError(
                f"--set {key}= gives no value; write one after the equals sign, or leave --set "
                f"{key} out (null gives the default)."
            )
        _put(asked, key.split("."), parse(value, f"--set {key}"), key)
    return asked


def _put(asked: dict[str, Any], path: list[str], value: Any, key: str) -> None:
    for part in path[:-1]:
        asked = asked.setdefault(part, {})
        if not isinstance(asked, dict):
            raise SettingError(f"--set {key}: '{part}' is a value, not a group of settings.")
    asked[path[-1]] = value


def watch(quiet: bool) -> "Watch":
    """Return what shows progress on stderr, or only what happens to a user's files."""
    from rich.console import Console

    from synthmix.study.running.progress import Quiet, Terminal

    return (Quiet if quiet else Terminal)(Console(stderr=True))


def say(text: str) -> None:
    """Print one line on stdout; nothing in it steers the terminal."""
    sys.stdout.write(printable(text) + "\n")


def say_json(value: Any) -> None:
    """Print a value as JSON on stdout."""
    # what the encoding lacks is written as JSON escapes it, so that it stays JSON
    is_unicode = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    sys.stdout.write(json.dumps(value, indent=1, ensure_ascii=not is_unicode) + "\n")


def say_verdict(path: Path) -> None:
    """Print the verdict that a file of results holds."""
    from synthmix.report.terminal import lines
    from synthmix.results.typed import load_file

    for line in lines(load_file(path)):
        say(line)


def say_folders(folders: list[str], json: bool) -> None:
    """Print the folders of what was made, each from the root: one a line, or as JSON."""
    absolute = [str(Path(folder).absolute()) for folder in folders]
    if json:
        say_json(absolute)
        return
    for folder in absolute:
        say(folder)


def table(rows: list[list[str]], head: list[str]) -> None:
    """Print aligned columns on stdout; the same text in a terminal and in a pipe."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    for row in [head, *rows]:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        say(line.rstrip())


def duration(seconds: float | None) -> str:
    """Return seconds as text for people: `45 s`, `12 min`, `3.5 h`."""
    if seconds is None:
        return "not yet measured here"
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def size(num_bytes: float) -> str:
    """Return bytes as text for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if num_bytes < 1000:
            return f"{num_bytes:.0f} {unit}"
        num_bytes /= 1000
    return f"{num_bytes:.1f} TB"


def names_in(given: list[str]) -> list[str]:
    """Return class names given by spaces or commas; one with a comma in it has quotes of its own.

    As in a line of CSV: `--classes 'cat,"tench, Tinca tinca"'`.
    """
    try:
        rows = [csv.reader([each], skipinitialspace=True, strict=True) for each in given if each]
        names = [
            composed(name.strip()) for row in rows for line in row for name in line if name.strip()
        ]
    except csv.Error as error:
        raise SettingError(f"--classes is {' '.join(given)!r}: {error}.") from None
    if not names:
        raise SettingError("--classes is empty; name at least one class, as in --classes cat,dog.")
    return names
