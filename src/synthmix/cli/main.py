"""The entry point `synthmix`: how its errors are shown, and what Ctrl-C does.

Signals are listened to before anything heavy is imported, so that an early Ctrl-C is a line too.
"""

import os
import re
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import Any, NoReturn, cast

STOPPING = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)
"""Ctrl-C, a polite kill, and a terminal that closes."""

PATIENCE = 5.0
"""Seconds that a stopped process has to tidy up; further signals are not heard in them."""

_INTERRUPTED = "interrupted; run the same command again to go on."


class Stopped(BaseException):
    """A signal asked for the end; typer would end a KeyboardInterrupt without a word."""


class _Signals:
    """Raises Stopped once, whatever comes and however often."""

    number: int | None = None

    def listen(self) -> None:
        self.number, self._process = None, os.getpid()
        for each in STOPPING:
            # `nohup` had it ignored, and is right
            if signal.getsignal(each) != signal.SIG_IGN or each == signal.SIGINT:
                signal.signal(each, self._stop)
        sys.unraisablehook = self._unraised

    def _stop(self, number: int, frame: FrameType | None) -> None:
        # a forked process, which reads images ahead, is ended by the one that it reads for
        if self.number is not None or os.getpid() != self._process:
            return
        self.number = number
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, lambda *_: self.leave())
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)
        raise Stopped(number)

    def close(self) -> None:
        """Hear nothing more; the interpreter, as it ends, would let a late signal kill it."""
        for each in STOPPING:
            signal.signal(each, signal.SIG_DFL if self.number is None else signal.SIG_IGN)

    def _unraised(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """Leave where Stopped was raised in what swallows errors, such as a `__del__`."""
        if self.number is not None:
            self.leave()
        sys.__unraisablehook__(unraisable)

    def leave(self) -> None:
        """End at once: what is finished is on disk, and workers end with their parent."""
        _tell("Interrupted", _INTERRUPTED)
        os._exit(128 + (self.number or 0))


_SIGNALS = _Signals()


def main() -> NoReturn:
    """Run the command line; what the user can mend is one line on stderr and exit status 2."""
    _SIGNALS.listen()
    warnings.showwarning = _warn
    try:
        _settle_streams()
        status = _run()
        sys.stdout.flush()
    except BaseException:
        # after a signal, any error is a consequence of it
        if _SIGNALS.number is None:
            raise
        _tell("Interrupted", _INTERRUPTED)
        status = 128 + _SIGNALS.number
    _SIGNALS.close()
    sys.exit(status)


def _run() -> int:
    import typer

    from synthmix.cli.app import app
    from synthmix.errors import SynthmixError

    # the root of what typer says of options and arguments, which it does not name in public
    usage_error = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
    try:
        _check_local(sys.argv[1:])
        return int(app(standalone_mode=False) or 0)
    except SynthmixError as error:
        return _tell(type(error).__name__, str(error))
    except usage_error as error:
        if _wants_json():
            _tell_json("UsageError", error.format_message())
        error.show()
        return int(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except (OSError, MemoryError, RuntimeError) as error:
        text = _in_words(error)
        if text is None:
            raise
        return _tell(type(error).__name__, text)


def _check_local(arguments: Sequence[str]) -> None:
    """Raise SettingError for an address: as a path it would be a folder `s3:`."""
    from synthmix.errors import SettingError

    for argument in arguments:
        option, _, value = argument.rpartition("=") if argument.startswith("--") else ("", "", "")
        text = value if option and not option.startswith("--set") else argument
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", text):
            raise SettingError(
                f"'{text}' is an address; paths are local here, object storage is not yet "
                "available: name a file, a folder or a hub id."
            )


def _settle_streams() -> None:
    """Send nowhere what a closed stream would take; escape what a stream's encoding lacks."""
    import atexit
    import io

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
    from synthmix.errors import DamagedCache

    if issubclass(category, DamagedCache):
        sys.stderr.write(f"synthmix: warning: {message}\n")
    else:
        _python_warns(message, category, *where, **more)


def _wants_json() -> bool:
    return "--json" in sys.argv[1:]


def _tell(kind: str, text: str) -> int:
    """Say in one line on stderr, and with --json as an object on stdout, why there is no result."""
    line = " ".join(text.split())
    if _wants_json():
        _tell_json(kind, line)
    try:
        sys.stderr.write(f"synthmix: {line}\n")
        sys.stderr.flush()
    except OSError:  # the terminal has gone
        pass
    return 2


def _tell_json(kind: str, text: str) -> None:
    import json

    try:
        sys.stdout.write(json.dumps({"error": {"type": kind, "message": text}}) + "\n")
        sys.stdout.flush()
    except OSError:
        pass


def _of_file(error: OSError) -> str:
    """Return what is wrong with a file, by a name that the user knows."""
    import errno

    path, reason = os.fsdecode(error.filename), error.strerror
    if os.path.islink(path) and not os.path.exists(path):
        return f"{path} is a link to {os.readlink(path)}, which is not there: mount or make it."
    folder, name = os.path.split(path)
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM) and name.endswith(".tmp"):
        reason = "it is read-only" if error.errno == errno.EROFS else reason
        return f"{folder or '.'} is a folder where nothing can be written ({reason})."
    return f"{path}: {reason}."


def _in_words(error: Exception) -> str | None:
    """Return what the machine refuses: space, memory, a file; None where it is a fault of ours."""
    import errno

    again = "What was finished is kept: run the same command again."
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return f"No space left on the device ({error.filename or 'while writing'}). {again}"
        return _of_file(error) if error.filename else None
    if "home directory" in str(error):  # pathlib's word for `~nobody`
        return "A path begins with ~ and a name that is no user's here."
    # torch has a class of its own for a full GPU and none for a full memory
    words = ("out of memory", "allocate memory", "bad_alloc")
    if isinstance(error, MemoryError) or any(each in str(error) for each in words):
        return f"Out of memory: lower batch sizes, image_size or engine.processes. {again}"
    return None
