"""The entry point `synthmix`: its commands, and how errors are shown."""

import atexit
import errno
import io
import os
import signal
import sys
import warnings
from types import FrameType
from typing import Annotated, Any

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
    status,
    train,
    weights,
)
from synthmix.cli import list as list_command
from synthmix.errors import DamagedCache, SynthmixError

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


class _Stopped(BaseException):
    """Ctrl-C or SIGTERM; typer would end a KeyboardInterrupt without a word."""


def main() -> None:
    """Run the command line; what the user can mend is one line on stderr and exit status 2."""
    _settle_streams()
    warnings.showwarning = _warn
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app()
    except SynthmixError as error:
        _end(str(error), 2)
    except _Stopped as error:
        _end("interrupted; run the same command again to go on.", 128 + int(error.args[0]))
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except (OSError, MemoryError, RuntimeError) as error:
        text = _in_words(error)
        if text is None:
            raise
        _end(text, 2)


def _settle_streams() -> None:
    """Send nowhere what a closed stream would take; escape what a stream's encoding lacks."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            nowhere = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
            atexit.register(nowhere.close)
            setattr(sys, name, nowhere)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


_python_warns = warnings.showwarning


def _warn(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
    """Print a warning of ours in one line, and another's as Python does."""
    if category is DamagedCache:
        print(f"synthmix: warning: {message}", file=sys.stderr)  # noqa: T201
    else:
        _python_warns(message, category, *where, **more)


def _stop(number: int, frame: FrameType | None) -> None:
    raise _Stopped(number)


def _end(text: str, status: int) -> None:
    line = " ".join(text.split())
    print(f"synthmix: {line}", file=sys.stderr)  # noqa: T201
    sys.exit(status)


def _in_words(error: Exception) -> str | None:
    """Return what the machine refuses: space, memory, a file; None where it is a fault of ours."""
    again = "What was finished is kept: run the same command again."
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"No space left on the device ({error.filename or 'while writing'}). {again}"
        return f"{error.filename}: {error.strerror}." if error.filename else None
    # torch has a class of its own for a full GPU and none for a full memory
    words = ("out of memory", "allocate memory", "bad_alloc")
    if isinstance(error, MemoryError) or any(each in str(error) for each in words):
        return f"Out of memory: lower batch sizes, image_size or engine.processes. {again}"
    return None
