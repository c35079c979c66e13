"""Append-only files of prompts: each is on disk the moment it is accepted, and stays as it is."""

import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from synthmix.errors import ArtifactError, SettingError
from synthmix.files import misfit
from synthmix.store import canonical, is_altered, out_of_space, signed
from synthmix.types import Json, Prompt


class Ledger:
    """Prompts by label and index, one JSON object a line; in memory alone where `path` is None.

    The first line says what the texts depend on; a file that was begun with something else is
    refused with SettingError. A line is flushed to disk before `accept` returns, so a killed
    process loses no accepted text; the unfinished line it may leave is cut off when the file is
    opened again. Accepting is safe from several threads; a file belongs to one process at a time.
    """

    def __init__(
        self, path: Path | None = None, depends_on: Mapping[str, Json] | None = None
    ) -> None:
        self.path = path
        self._found: dict[tuple[int, int], Prompt] = {}
        self._lock = threading.Lock()
        self._head = canonical({"depends_on": depends_on})
        if path is not None and path.exists():
            if why := misfit(path):
                raise SettingError(f"{path} {why}; take it away.")
            self._read(path)

    def get(self, label: int, index: int) -> Prompt | None:
        """Return the prompt that was accepted for this place, None where none was."""
        return self._found.get((label, index))

    def of_label(self, label: int) -> list[Prompt]:
        """Return a class's prompts in the order of their indices."""
        return [self._found[key] for key in sorted(self._found) if key[0] == label]

    def accept(self, prompt: Prompt) -> None:
        """Keep a prompt; raises ValueError where its place is taken: nothing is rewritten."""
        with self._lock:
            key = (prompt.label, prompt.index)
            if key in self._found:
                raise ValueError(f"there is a prompt for label {key[0]}, index {key[1]} already")
            if self.path is not None:
                self._append(self.path, canonical(signed(asdict(prompt))))
            self._found[key] = prompt

    def _append(self, path: Path, line: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        start = "" if path.exists() and path.stat().st_size else f"{self._head}\n"
        with out_of_space(path), path.open("ab") as file:
            file.write(f"{start}{line}\n".encode())
            file.flush()
            os.fsync(file.fileno())

    def _read(self, path: Path) -> None:
        content = path.read_bytes()
        whole = content.rfind(b"\n") + 1
        if whole < len(content):  # a line whose process was killed before it was accepted
            os.truncate(path, whole)
        head, *lines = content[:whole].split(b"\n")[:-1] or [b""]
        if not whole:
            return
        if head.decode("utf-8", "replace") != self._head:
            raise SettingError(
                f"{path} was begun with other classes, settings or another seed (or its first line "
                "is damaged): finish it with the command it was begun with, or move it away."
            )
        for number, line in enumerate(lines, start=2):
            prompt = _prompt(line, f"{path} line {number}")
            self._found[prompt.label, prompt.index] = prompt


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Hold a ledger's file for this process; another waits until it is let go."""
    # imported here because `--help` and `list` need no lock
    from filelock import FileLock

    lock = path.with_name(f".{path.name}.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    # a folder in which nothing can be made is an error here, and would be waited for there
    lock.touch()
    with FileLock(lock):
        yield
        lock.unlink(missing_ok=True)


def _prompt(line: bytes, where: str) -> Prompt:
    try:
        found: dict[str, Any] = json.loads(line)
        if is_altered(found):
            raise ValueError("it is not what was written")
        return Prompt(**{name: value for name, value in found.items() if name != "digest"})
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ArtifactError(
            f"{where} is damaged: {error}. Remove this line to have its text written anew."
        ) from None
