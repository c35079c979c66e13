"""The commands of `synthmix`, and the options before them."""

from typing import Annotated

import typer

from synthmix import __version__
from synthmix.cli import (
    attributes,
    doctor,
    evaluate,
    export,
    generate,
    plan,
    prompts,
    report,
    run,
    schema,
    status,
    train,
    weights,
)
from synthmix.cli import list as list_command

app = typer.Typer(
    name="synthmix",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="How much do synthetic images help my classifier, at which mix, from which generator?",
    epilog="First run: synthmix run studies/quickstart.yaml",
)

COMMANDS = (
    *(run, plan, status, generate, train, evaluate, report, export, list_command, schema),
    doctor,
)
for command in COMMANDS:
    app.command(command.__name__.rpartition(".")[2])(command.command)
app.add_typer(attributes.app, name="attributes")
app.add_typer(prompts.app, name="prompts")
app.add_typer(weights.app, name="weights")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"synthmix {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """How much do synthetic images help my classifier, at which mix, from which generator?"""
