"""The entry point `synthmix`: its commands, and how errors are shown."""

import sys
from typing import Annotated

import typer

from synthmix import __version__
from synthmix.cli import (
    doctor,
    evaluate,
    export,
    generate,
    plan,
    report,
    run,
    status,
    train,
)
from synthmix.cli import list as list_command
from synthmix.errors import SynthmixError

app = typer.Typer(
    name="synthmix",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="How much do synthetic images help my classifier, at which mix, from which generator?",
    epilog="First run: synthmix run studies/quickstart.yaml",
)

for command in (run, plan, status, generate, train, evaluate, report, export, list_command, doctor):
    app.command(command.__name__.rpartition(".")[2])(command.command)


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


def main() -> None:
    """Run the command line; a SynthmixError is one line on stderr and exit status 2."""
    try:
        app()
    except SynthmixError as error:
        print(f"synthmix: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
    except KeyboardInterrupt:
        print(  # noqa: T201
            "\nsynthmix: interrupted; run the same command again to go on.", file=sys.stderr
        )
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
