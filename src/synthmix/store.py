"""Artifacts: folders whose name says what they hold and whose manifest says that it is all there.

An artifact is `<name>-<fingerprint>`. Its parts are written to a temporary name, flushed and
renamed; each leaves a record under `progress/`, so a killed run resumes with the first part that
has none. `manifest.json`, written last, gathers the records: its presence means complete. Clocks
and hosts go to `timing.json`, outside every checksum.
"""

import errno
import glob
import hashlib
import itertools
import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from synthmix.errors import ArtifactError, DiskFull
from synthmix.records import is_record, recorded
from synthmix.types import Json

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def cache_folder() -> Path:
    """Return `$SYNTHMIX_CACHE`, else `synthmix` in the XDG cache folder."""
    own = os.environ.get("SYNTHMIX_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(own) if own else Path(shared) / "synthmix").expanduser()


def canonical(value: Json) -> str:
    """Return JSON text that is equal for equal values: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def fingerprint(value: Json) -> str:
    """Return 16 hexadecimal digits of the sha256 of the value's canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]


def sha256(path: Path) -> str:
    """Return the sha256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _umask()  # read once: reading means setting it, which other threads would notice


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on leaving, flush it to disk and rename it to `path`.

    A reader therefore finds the old file, the new one or none, never half of one. Raises DiskFull
    where the device has no space left.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with out_of_space(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
                remove_leftover(leftover)
            yield temporary
            # some writers make files that only their owner may read
            temporary.chmod(0o666 & ~_UMASK)
            _flush(temporary)
            os.replace(temporary, path)
            _flush(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def out_of_space(path: Path) -> Iterator[None]:
    """Turn what a full device says while `path` is written into DiskFull."""
    try:
        yield
    except Exception as error:
        if _errno(error) in _FULL:
            raise DiskFull(
                f"No space left while writing {path}. What was finished is kept: "
                "free some space and run the same command again."
            ) from error
        raise


def _errno(error: BaseException | None) -> int | None:
    """Return the system's number of what went wrong, here or in what led here.

    safetensors has it in its text alone; torch raises another error over the system's.
    """
    while error is not None and not isinstance(error, OSError):
        told = re.search(r"\(os error (\d+)\)", str(error))
        if told:
            return int(told[1])
        error = error.__context__
    return None if error is None else error.errno


def remove_leftover(temporary: Path) -> None:
    """Remove what a killed process was writing; its name ends in that process's number."""
    pid = temporary.name.split(".")[-2]
    if pid.isdigit() and _is_running(int(pid)):
        return
    if temporary.is_dir():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        temporary.unlink(missing_ok=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's
        return True
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Json) -> None:
    """Write indented JSON with sorted keys, atomically."""
    with replacing(path) as temporary:
        temporary.write_text(json_text(value), encoding="utf-8")


def json_text(value: Json) -> str:
    """Return the text that `write_json` writes."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return text + "\n"


def read_json(path: Path) -> Any:
    """Read JSON; raises ArtifactError where the file is cut short."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{path} is not valid JSON: {error}") from None


class Artifact:
    """One folder of the store: `parent/<name>-<fingerprint of settings>`."""

    def __init__(self, parent: Path, name: str, settings: Json) -> None:
        self.parent = parent
        self.name = name
        self.settings = settings
        self._reported = 0.0
        self._since, self._spent = time.monotonic(), 0.0

    def __repr__(self) -> str:
        return f"Artifact({self.path})"

    @cached_property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for the settings."""
        return fingerprint(self.settings)

    @cached_property
    def path(self) -> Path:
        """The artifact's folder."""
        return self.parent / f"{self.name}-{self.fingerprint}"

    @property
    def manifest_path(self) -> Path:
        """The file whose presence means complete."""
        return self.path / "manifest.json"

    @property
    def is_complete(self) -> bool:
        """Whether the manifest has been written."""
        return self.manifest_path.exists()

    def manifest(self) -> dict[str, Any]:
        """Return the manifest: settings, facts and, for each part, its bytes and sha256.

        Raises ArtifactError where it is not one that `seal` wrote for these settings.
        """
        path = self.manifest_path
        try:
            manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            is_ours = all(itertools.starmap(is_record, manifest["parts"].items()))
            is_ours &= fingerprint(manifest["settings"]) == self.fingerprint
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            is_ours = False
        if not is_ours:
            raise ArtifactError(
                f"{path} is damaged: take it away and run the same command again, which makes "
                "anew what it vouched for."
            )
        return manifest

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the artifact for this process; another process waits until it is let go."""
        # imported here because `--help` and `list` need no lock
        from filelock import FileLock

        folder = self.parent / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f"{self.path.name}.lock"):
            yield

    @contextmanager
    def part(self, relative: str) -> Iterator[Path]:
        """Yield a temporary path for one part; on leaving it is renamed and recorded."""
        with replacing(self.path / relative) as temporary:
            yield temporary
            record = {"bytes": temporary.stat().st_size, "sha256": sha256(temporary)}
        write_json(self._record(relative), record)

    def records(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each finished part, by its relative path."""
        if self.is_complete:
            parts: dict[str, dict[str, Any]] = self.manifest()["parts"]
            return parts
        folder = self.path / "progress" / "parts"
        found = sorted(path for path in folder.rglob("*.json") if not path.name.startswith("."))
        names = [str(path.relative_to(folder))[: -len(".json")] for path in found]
        read = {name: recorded(self._record(name), name) for name in names}
        return {name: record for name, record in read.items() if record is not None}

    def has(self, relative: str) -> bool:
        """Whether this part is finished, recorded and still there."""
        if not (self.path / relative).exists():
            return False
        # a sealed artifact has its records in the manifest alone
        if self.is_complete:
            return relative in self.records()
        return recorded(self._record(relative), relative) is not None

    def damaged(self) -> list[str]:
        """List the finished parts that are missing or whose bytes have changed."""
        return [name for name, record in self.records().items() if not self._is_sound(name, record)]

    def is_sound(self, relative: str) -> bool:
        """Whether a finished part is there with the bytes that were recorded."""
        record = self.records().get(relative)
        return record is not None and self._is_sound(relative, record)

    def scratch(self, relative: str) -> Path:
        """Return a path for work in progress; everything there goes when the artifact is sealed."""
        path = self.path / "progress" / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def report(self, completed: int, total: int) -> None:
        """Leave the progress of a long task where another process can read it."""
        now = time.monotonic()
        if now - self._reported < 0.3 and completed < total:
            return
        self._reported = now
        path = self.scratch("progress.json")
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        temporary.write_text(json.dumps([completed, total, round(self.spent(), 3)]))
        os.replace(temporary, path)

    def begin(self) -> None:
        """Start the clock of `spent` at what killed processes had spent on this artifact."""
        found = self._last_report()
        self._since, self._spent = time.monotonic(), 0.0 if found is None else found[2]

    def spent(self) -> float:
        """Return the seconds of work on this artifact until now, those before a kill included."""
        return self._spent + time.monotonic() - self._since

    def progress(self) -> tuple[int, int] | None:
        """Return `(completed, total)` of a task in progress, None where nothing is known."""
        found = self._last_report()
        return None if found is None else found[:2]

    def _last_report(self) -> tuple[int, int, float] | None:
        try:
            completed, total, seconds = read_json(self.path / "progress" / "progress.json")
            return int(completed), int(total), float(seconds)
        except (OSError, ArtifactError, TypeError, ValueError):
            return None

    def seal(self, **facts: Json) -> None:
        """Write the manifest; from here on the artifact is complete."""
        record = {"settings": self.settings, "fingerprint": self.fingerprint, **facts}
        write_json(self.manifest_path, {**record, "parts": self.records()})
        self.tidy()

    def tidy(self) -> None:
        """Remove what killed processes left: temporary files, and progress of what is complete."""
        for each in self.path.rglob(".*.tmp"):
            remove_leftover(each)
        if self.is_complete:
            shutil.rmtree(self.path / "progress", ignore_errors=True)

    def reopen(self) -> None:
        """Turn a sealed artifact back into one in progress, its parts kept."""
        for relative, record in self.records().items():
            write_json(self._record(relative), record)
        self.manifest_path.unlink(missing_ok=True)

    def rename_part(self, old: str, new: str) -> None:
        """Give a finished part of an artifact in progress another name."""
        write_json(self._record(new), read_json(self._record(old)))
        os.replace(self.path / old, self.path / new)
        self._record(old).unlink()

    def set_aside(self, relative: str) -> Path:
        """Move a damaged part to `damaged/`, so that it is made anew and nothing is lost."""
        if self.is_complete:
            self.reopen()
        source = self.path / relative
        folder = self.path / "damaged"
        folder.mkdir(parents=True, exist_ok=True)
        number = sum(1 for _ in folder.iterdir())
        target = folder / f"{number:03d}-{source.name}"
        if source.exists():
            os.replace(source, target)
        self._record(relative).unlink(missing_ok=True)
        return target

    def drop(self, relative: str) -> None:
        """Forget a part of an artifact in progress: unfinished, or contained in another one.

        Killed between the two steps, it leaves a record without a file, which is no part.
        """
        (self.path / relative).unlink(missing_ok=True)
        self._record(relative).unlink(missing_ok=True)

    def _record(self, relative: str) -> Path:
        return self.path / "progress" / "parts" / f"{relative}.json"

    def _is_sound(self, relative: str, record: Mapping[str, Any]) -> bool:
        path = self.path / relative
        if not path.exists() or path.stat().st_size != record["bytes"]:
            return False
        return sha256(path) == str(record["sha256"])
