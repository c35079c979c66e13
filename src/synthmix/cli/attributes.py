"""synthmix attributes: what people saw on objects, from Visual Genome's attributes.json."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from synthmix.cli._options import Json, Quiet, names_in, say, say_json, table
from synthmix.errors import SettingError, counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synthmix.prompts.clustered_attributes.classes import Place
    from synthmix.prompts.clustered_attributes.visual_genome import Attributes, Progress

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Attributes of objects, for prompts."
)

VisualGenome = Annotated[
    Path, typer.Argument(metavar="IN", help="Visual Genome's attributes.json, also .gz or .zip.")
]
Either = Annotated[
    Path, typer.Argument(metavar="IN", help="Visual Genome's file, or what extract wrote.")
]
Target = Annotated[Path, typer.Argument(metavar="OUT", help="A JSON file that does not exist yet.")]
Lists = Annotated[bool, typer.Option("--lists", help="Write {name: [attribute]}, without counts.")]
Classes = Annotated[
    str, typer.Option("--classes", metavar="NAME...", help="Class names, by spaces or commas.")
]
# an option takes one value: further names arrive as arguments that no help mentions
More = Annotated[list[str] | None, typer.Argument(metavar="", hidden=True)]
Embeddings = Annotated[
    str | None,
    typer.Option(
        "--embeddings", metavar="MODEL", help="A sentence-transformers model for the rest."
    ),
]


@app.callback()
def attributes() -> None:
    """Attributes of objects, for prompts."""


@app.command()
def extract(
    source: VisualGenome,
    target: Target,
    lists: Lists = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Count every object name's attributes, in constant memory."""
    from synthmix.prompts.clustered_attributes import stored, visual_genome

    _check_target(target)
    with _progress("reading", quiet) as progress:
        found = visual_genome.extract(source, progress)
    if lists:
        stored.write_lists(target, found)
    else:
        stored.write_attributes(target, found, source.name)
    told = {
        "file": str(target),
        "images": found.images,
        "objects": found.objects,
        "names": len(found.names),
        "mentions": found.mentions,
        "passed_over": found.passed_over,
    }
    if json:
        say_json(told)
        return
    say(
        f"{target}: {counted(found.images, 'images')}, {counted(found.objects, 'objects')}; "
        f"{counted(found.mentions, 'attributes')} of {counted(len(found.names), 'names')}"
    )
    _say_passed_over(found)


@app.command()
def group(
    source: Either,
    target: Target,
    classes: Classes,
    more: More = None,
    embeddings: Embeddings = None,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Merge the names of each class and sort their attributes into visual groups."""
    from synthmix.prompts.clustered_attributes import classes as named
    from synthmix.prompts.clustered_attributes import stored

    _check_target(target)
    names = names_in([classes, *(more or [])])
    with _progress("reading", quiet) as progress:
        found = stored.read_attributes(source, progress)
    grouped = named.group(found, list(dict.fromkeys(names)), _rest(embeddings))
    stored.write_classes(target, grouped, source.name)
    rows = [
        {
            "class": name,
            "names": len(each.names),
            "mentions": each.mentions,
            "groups": {group: len(counts) for group, counts in each.groups.items()},
            "dropped": len(each.dropped),
            "has_lexicon": named.fallback(name) is not None,
        }
        for name, each in grouped.items()
    ]
    if json:
        say_json({"file": str(target), "classes": rows, "passed_over": found.passed_over})
        return
    cells = [
        [
            name,
            str(len(each.names)),
            f"{each.mentions:,}",
            _listed(each.groups),
            str(len(each.dropped)),
        ]
        for name, each in grouped.items()
    ]
    table(cells, ["class", "names", "mentions", "attributes by group", "dropped"])
    for name, each in grouped.items():
        if not each.groups:
            say(f"{name}: nothing usable; prompts take the lexicon of the package")
    _say_passed_over(found)


def _say_passed_over(found: "Attributes") -> None:
    if found.passed_over:
        listed = ", ".join(counted(count, reason) for reason, count in found.passed_over.items())
        say(f"Passed over: {listed}")


def _listed(groups: "Mapping[str, dict[str, int]]") -> str:
    return ", ".join(f"{name} {len(counts)}" for name, counts in groups.items()) or "none"


def _rest(model: str | None) -> "Place | None":
    if model is None:
        return None
    from synthmix.prompts.clustered_attributes.embeddings import Nearest

    return Nearest(model)


def _check_target(target: Path) -> None:
    if target.exists():
        raise SettingError(f"OUT is {target}, which is there already; name another file.")


@contextmanager
def _progress(verb: str, quiet: bool) -> "Iterator[Progress]":
    """Yield what shows a bar of bytes on stderr, with rate and remaining time."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = quiet or not console.is_terminal
    bars = Progress(TextColumn(verb), *columns, console=console, transient=True, disable=hidden)
    with bars:
        bar = bars.add_task(verb, total=None)

        def show(completed: int, total: int) -> None:
            bars.update(bar, completed=completed, total=total)

        yield show
