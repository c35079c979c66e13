"""Artifacts: folders whose name says what they hold and whose manifest says that it is all there.

An artifact is `<name>-<fingerprint>`. Its parts are written to a temporary name, flushed and
renamed; each leaves a record under `progress/`, so a killed run resumes with the first part that
has none. `manifest.json`, written last, gathers the records: a sound one means complete. Clocks
and hosts go to `timing.json`, outside every checksum.
"""

import errno
import glob
import hashlib
import itertools
import json
import os
import platform
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from synthmix.aside import unused
from synthmix.errors import ArtifactError, DiskFull, Unfinished
from synthmix.files import misfit
from synthmix.records import is_record, recorded
from synthmix.types import Json

_FULL = {
    errno.ENOSPC: "No space left while writing",
    errno.EDQUOT: "The disk quota is used up while writing",
    errno.EFBIG: "Larger than a file may be here (`ulimit -f`, or the file system):",
}


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


def signed(value: Mapping[str, Json]) -> dict[str, Json]:
    """Return a JSON object with the fingerprint of all else in it under `digest`."""
    rest = {name: each for name, each in value.items() if name != "digest"}
    return {**rest, "digest": fingerprint(rest)}


def is_altered(value: Any) -> bool:
    """Whether a JSON object is another than the one that `signed` made; early ones have none."""
    try:
        return "digest" in value and signed(value) != value
    except (TypeError, ValueError, RecursionError):
        return True


def sha256(path: Path) -> str:
    """Return the sha256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def version_of(path: Path) -> tuple[int, ...]:
    """Return what a file system changes whenever a file is written to or replaced."""
    status = path.stat()
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


_UMASK = _umask()  # read once: reading means setting it, which other threads would notice


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path; on leaving, flush it to disk and rename it to `path`.

    A reader therefore finds the old file, the new one or none, never half of one. A folder that
    stands in its place is renamed, `NAME.aside`. Raises DiskFull where there is no space left.
    """
    # two containers may have the same process number, and one machine's name
    temporary = path.with_name(f".{path.name}.{_HERE}-{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with out_of_space(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
                remove_leftover(leftover)
            yield temporary
            # some writers make files that only their owner may read
            temporary.chmod(0o666 & ~_UMASK)
            _flush(temporary)
            if path.is_dir():
                os.replace(path, unused(path.with_name(f"{path.name}.aside")))
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
        found = _errno(error)
        if found in _FULL:
            mend = "raise that limit" if found == errno.EFBIG else "free some space"
            raise DiskFull(
                f"{_FULL[found]} {path}. What was finished is kept: {mend} and run the same "
                "command again."
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


_HERE = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
_TEMPORARY = re.compile(r"\.(?:([0-9a-f]{8})-)?(\d+)(?:-[0-9a-f]{8})?\.tmp")
_DAY = 24 * 60 * 60.0


def remove_leftover(temporary: Path) -> None:
    """Remove what a killed process was writing, or what nothing has written to for a day.

    Its name tells machine and process; only this machine's processes can be asked for.
    """
    named = _TEMPORARY.search(temporary.name)
    is_ours = named is not None and named[1] in (None, _HERE)
    try:
        is_old = time.time() - temporary.stat().st_mtime > _DAY
    except FileNotFoundError:
        return
    if not (is_old or (named is not None and is_ours and not _is_running(int(named[2])))):
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
    """Read JSON; raises ArtifactError where the file holds none, or a folder is in its place."""
    if path.exists() and (why := misfit(path)):
        raise ArtifactError(f"{path} {why}; take it away.")
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
        self.found_damaged: list[str] = []
        """What was put aside since the artifact was named, by its relative path."""
        self._reported = 0.0
        self._sealed: tuple[tuple[int, ...], dict[str, Any] | None] | None = None
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
        """Whether there is a manifest, and it is the one that was written."""
        return self._read_manifest() is not None

    def manifest(self) -> dict[str, Any]:
        """Return the manifest: settings, facts and, for each part, its bytes and sha256.

        Raises ArtifactError where it is lost or not the one that `seal` wrote for these settings,
        Unfinished where it is yet to be written.
        """
        manifest = self._read_manifest()
        if manifest is not None:
            return manifest
        if os.path.lexists(self.manifest_path) or self._was_sealed():
            raise ArtifactError(
                f"{self.manifest_path} is damaged or gone: `synthmix run` with the same study "
                "makes anew what it vouched for."
            )
        raise Unfinished(f"{self.path.name} is not finished; finish it with `synthmix run STUDY`.")

    def _was_sealed(self) -> bool:
        """Whether there are files, and none of the records that they have until they are sealed."""
        is_begun = self.path.is_dir() and any(self.path.iterdir())
        return is_begun and not (self.path / "progress").exists()

    def _read_manifest(self) -> dict[str, Any] | None:
        path = self.manifest_path
        try:
            version = version_of(path)
            if self._sealed is None or self._sealed[0] != version:
                self._sealed = version, self._checked_manifest(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        return self._sealed[1]

    def _checked_manifest(self, path: Path) -> dict[str, Any] | None:
        try:
            manifest: dict[str, Any] = read_json(path)
            is_ours = all(itertools.starmap(is_record, manifest["parts"].items()))
            is_ours &= fingerprint(manifest["settings"]) == self.fingerprint
            is_ours &= isinstance(manifest.get("num_images", 0), int)
        except (ArtifactError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None
        return manifest if is_ours and not is_altered(manifest) else None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the artifact for this process; another process waits until it is let go."""
        # imported here because `--help` and `list` need no lock
        from filelock import FileLock

        folder = self.parent / ".locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = folder / f"{self.path.name}.lock"
        if lock.is_dir():
            os.replace(lock, unused(lock.with_name(f"{lock.name}.aside")))
        with FileLock(lock):
            yield

    @contextmanager
    def part(self, relative: str) -> Iterator[Path]:
        """Yield a temporary path for one part; on leaving it is renamed and recorded."""
        with replacing(self.path / relative) as temporary:
            yield temporary
            record = _record_of(temporary)
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
        """List the finished parts that are missing or whose bytes have changed.

        Where the manifest is the damaged one, nothing vouches for the parts and it stands alone.
        """
        if os.path.lexists(self.manifest_path) and not self.is_complete:
            return [self.manifest_path.name]
        return [name for name, record in self.records().items() if not self._is_sound(name, record)]

    @property
    def is_damaged(self) -> bool:
        """Whether it was finished, and manifest or a part is gone or of another length.

        No part is read for that: a flipped bit is found by `damaged`.
        """
        if self.is_complete:
            return not all(itertools.starmap(self._fits, self.records().items()))
        return os.path.lexists(self.manifest_path) or self._was_sealed()

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
        write_json(self.manifest_path, signed({**record, "parts": self.records()}))
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
        """Move what is damaged to `damaged/`, so that it is made anew and nothing is lost."""
        if self.is_complete:
            self.reopen()
        source = self.path / relative
        folder = self.path / "damaged"
        folder.mkdir(parents=True, exist_ok=True)
        taken = {each.name.partition("-")[0] for each in folder.iterdir()}
        number = next(n for n in itertools.count() if f"{n:03d}" not in taken)
        target = folder / f"{number:03d}-{source.name}"
        if os.path.lexists(source):
            os.replace(source, target)
        self._record(relative).unlink(missing_ok=True)
        return target

    def take_over(self, relative: str) -> None:
        """Record a file that is there already; the caller has made sure that it is this part."""
        write_json(self._record(relative), _record_of(self.path / relative))

    def drop(self, relative: str) -> None:
        """Forget a part of an artifact in progress: unfinished, or contained in another one.

        Killed between the two steps, it leaves a record without a file, which is no part.
        """
        (self.path / relative).unlink(missing_ok=True)
        self._record(relative).unlink(missing_ok=True)

    def _record(self, relative: str) -> Path:
        return self.path / "progress" / "parts" / f"{relative}.json"

    def _is_sound(self, relative: str, record: Mapping[str, Any]) -> bool:
        return self._fits(relative, record) and sha256(self.path / relative) == record["sha256"]

    def _fits(self, relative: str, record: Mapping[str, Any]) -> bool:
        path = self.path / relative
        return path.is_file() and bool(path.stat().st_size == record["bytes"])


def stored_artifact(path: Path) -> Artifact:
    """Return the artifact that a folder holds, by its name alone: what it depends on is not asked.

    Its manifest is still held against that name.
    """
    name, _, mark = path.name.rpartition("-")
    found = Artifact(path.parent, name, None)
    found.fingerprint = mark
    return found


def _record_of(path: Path) -> dict[str, Json]:
    return {"bytes": path.stat().st_size, "sha256": sha256(path)}
