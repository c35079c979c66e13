"""Options that several commands share, and how they speak."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from synthmix.errors import SettingError, printable

if TYPE_CHECKING:
    from synthmix.study import Study
    from synthmix.study.watch import Watch

StudyFile = Annotated[Path, typer.Argument(metavar="STUDY", help="A study file (*.yaml).")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, for scripts.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Set = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="Change a setting, e.g. training.steps=100."),
]


def load_study(path: Path, changes: list[str]) -> "Study":
    """Read a study file with some settings changed."""
    from synthmix.study.file import read, resolve

    return resolve(changed(read(path), changes))


def changed(asked: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """Return the keys of a study with `KEY=VALUE` changes put in; values are read as YAML."""
    from synthmix.study._yaml import parse

    for change in changes:
        key, equals, value = change.partition("=")
        if not equals:
            raise SettingError(f"--set takes KEY=VALUE, for example seeds=5; got '{change}'.")
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

    from synthmix.study.watch import Quiet, Terminal

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
    from synthmix.report.results import load_file
    from synthmix.report.terminal import lines

    for line in lines(load_file(path)):
        say(line)


def say_folders(folders: list[str], json: bool) -> None:
    """Print the folders of what was made: one a line, or as JSON."""
    if json:
        say_json(folders)
        return
    for folder in folders:
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
