"""synthmix prompts: writing prompts, and looking at them before images are drawn from them."""

from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from synthmix.cli._options import Json, Quiet, names_in, say, say_json, table
from synthmix.errors import DataError, counted

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Files of prompts.")

Texts = Annotated[Path, typer.Argument(metavar="FILE", help="JSON, JSONL, CSV or Parquet.")]
Classes = Annotated[
    str | None, typer.Option("--classes", help="Class names, comma-separated; else the file's.")
]
Model = Annotated[
    str | None, typer.Option("--model", help="A pipeline whose text encoders' limits count.")
]
Revision = Annotated[str | None, typer.Option("--revision", help="Branch, tag or commit of it.")]
Chunks = Annotated[
    int, typer.Option("--chunks", min=1, max=8, help="Parts a prompt is split into: prompt_chunks.")
]

Strategy = Annotated[str, typer.Argument(metavar="STRATEGY", help="See `synthmix list prompts`.")]
Target = Annotated[Path, typer.Argument(metavar="OUT", help="OUT.jsonl, OUT.parquet or OUT.json.")]
Names = Annotated[
    str, typer.Option("--classes", metavar="NAME...", help="Class names, by spaces or commas.")
]
# an option takes one value: further names arrive as arguments that no help mentions
More = Annotated[list[str] | None, typer.Argument(metavar="NAME", hidden=True)]
PerClass = Annotated[int, typer.Option("--per-class", min=1, help="Prompts of each class.")]
Seed = Annotated[int, typer.Option("--seed", help="Another seed, other texts.")]
Settings = Annotated[
    list[str],
    typer.Option("--set", metavar="KEY=VALUE", help="A setting of the strategy."),
]
Embeddings = Annotated[
    str | None,
    typer.Option("--embeddings", metavar="MODEL", help="Compare by a sentence-transformers model."),
]
Samples = Annotated[int, typer.Option("--samples", min=0, help="Prompts shown of each class.")]


@app.callback()
def prompts() -> None:
    """Files of prompts."""


@app.command()
def write(
    strategy: Strategy,
    target: Target,
    classes: Names,
    more: More = None,
    per_class: PerClass = 100,
    settings: Settings = [],  # noqa: B006
    seed: Seed = 0,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Write prompts of a strategy to a file; interrupted, run the same command again."""
    from synthmix.cli._writing import write_file

    names = names_in([classes, *(more or [])])
    told = write_file(
        strategy,
        target,
        tuple(dict.fromkeys(names)),
        per_class,
        settings=settings,
        seed=seed,
        quiet=quiet or json,
    )
    if json:
        say_json(told)
        return
    say(
        f"{target}: {counted(told['prompts'], 'prompts')} of "
        f"{counted(len(told['per_class']), 'classes')}"
    )
    for line in told["told"]:
        say(line)


@app.command()
def lint(
    file: Texts,
    classes: Classes = None,
    model: Model = None,
    revision: Revision = None,
    chunks: Chunks = 1,
    json: Json = False,
) -> None:
    """Tell what is wrong with a file's prompts; status 2 where one cannot be used."""
    from synthmix.prompts.file import prompts_in
    from synthmix.prompts.lint import lint as findings

    names, found_prompts = prompts_in(file, tuple(names_in([classes])) if classes else None)
    found = findings(found_prompts, names, _encoders(model, revision, chunks))
    if json:
        say_json([vars(each) for each in found])
    else:
        for each in found:
            say(str(each))
        say(_summary(found, len(found_prompts)))
        if model is None:
            say("Lengths were not compared with a text encoder's limit: --model MODEL does that.")
    errors = sum(each.level == "error" for each in found)
    if errors:
        raise DataError(
            f"{file}: {errors} of {counted(len(found_prompts), 'prompts')} cannot be used."
        )


@app.command()
def show(
    file: Texts,
    classes: Classes = None,
    model: Model = None,
    embeddings: Embeddings = None,
    samples: Samples = 3,
    json: Json = False,
) -> None:
    """Show some prompts of each class, and numbers of how much they differ."""
    from synthmix.prompts.diversity import diversity, embedded
    from synthmix.prompts.file import prompts_in

    names, prompts = prompts_in(file, tuple(names_in([classes])) if classes else None)
    embed = embedded(embeddings) if embeddings else None
    found = diversity(prompts, names, _encoders(model, None, 1), embed)
    if json:
        say_json(found)
        return
    for label, name in enumerate(names):
        say(f"{name}:")
        for text in [each.text for each in prompts if each.label == label][:samples]:
            say(f"  {text}")
    say("")
    table([[name, *_cells(each)] for name, each in found.items()], _HEAD)


_HEAD = [
    *("class", "prompts", "distinct", "distinct-1", "distinct-2", "similarity", "Vendi"),
    *("attributes", "groups", "words", "cut"),
]


def _cells(found: dict[str, Any]) -> list[str]:
    words = found["words"]
    similarity = found["similarity"]
    return [
        str(found["prompts"]),
        str(found["distinct"]),
        f"{found['distinct_1']:.3f}",
        f"{found['distinct_2']:.3f}",
        "-" if similarity is None else f"{similarity:.3f}",
        f"{found['vendi']:.1f}",
        str(found["attributes"]),
        f"{100 * found['attribute_groups']:.0f} %",
        f"{words['min']}-{words['max']}, mean {words['mean']:.1f}",
        ", ".join(f"{number} {name}" for name, number in found["cut"].items()) or "-",
    ]


def _summary(found: list[Any], total: int) -> str:
    kinds = Counter(f"{each.kind}" for each in found)
    listed = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    noun = "prompt" if total == 1 else "prompts"
    return f"{total} {noun}: {listed or 'nothing found'}"


def _encoders(model: str | None, revision: str | None, chunks: int) -> Any:
    if model is None:
        return ()
    from synthmix.study.config.file import GENERATORS

    asked = {"model": model, "revision": revision, "prompt_chunks": chunks}
    return GENERATORS.build("diffusers", asked).text_encoders()
