"""Entries of the cache: used where they are whole, made anew where they are not.

Reading an entry whole takes twenty times as long as opening it. So what was read stays known for a
day by what the file system says of each file: device, inode, size and times, of which the last
changes with any write. What a disk loses without a write is noticed a day later at most.
"""

import os
import shutil
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from synthmix.errors import ArtifactError, DamagedCache, DiskFull, SettingError
from synthmix.store import Artifact, is_altered, read_json, signed, version_of, write_json

DAY = 24 * 60 * 60.0
"""Seconds for which a file that nobody touched is taken to be as it was."""

SETTLED = 2.0
"""Seconds after which another write gets another time, whatever the file system's clock."""

_KNOWN: dict[Path, dict[str, Any]] = {}  # what a cache that is read-only cannot keep


def ensure(artifact: Artifact, make: Callable[[], None]) -> None:
    """Have `make` fill and seal an entry unless it is there whole; a damaged one is told of.

    Another process that wants the same entry waits. Nothing is written where the entry is whole,
    else raises SettingError for a cache that cannot be written to.
    """
    if is_whole(artifact):
        return
    _check_writable(artifact.parent)
    with artifact.locked():
        if not is_whole(artifact):  # another process may have made it meanwhile
            _begin(artifact)
            make()


def is_whole(artifact: Artifact) -> bool:
    """Whether the artifact is complete and each of its parts has the bytes that were recorded.

    Not so where the manifest has no digest: what it tells could have been altered.
    """
    if not artifact.is_complete or "digest" not in artifact.manifest():
        return False
    try:
        found = _found(artifact)
        now = time.time()
        if _is_known(artifact, found, now):
            return True
        if artifact.damaged():
            return False
    except OSError:  # a part is gone, or cannot be read
        return False
    last = max(max(version[-2:]) for version in found["versions"].values())
    if last < (now - SETTLED) * 1e9:
        _keep(artifact, {**found, "at": now})
    return True


def _found(artifact: Artifact) -> dict[str, Any]:
    versions = {name: list(version_of(artifact.path / name)) for name in artifact.records()}
    return {"manifest": artifact.manifest()["digest"], "versions": versions}


def _is_known(artifact: Artifact, found: dict[str, Any], now: float) -> bool:
    known = _KNOWN.get(artifact.path) or _kept(artifact)
    if known is None or any(known.get(name) != value for name, value in found.items()):
        return False
    _KNOWN[artifact.path] = known
    return bool(0 <= now - known["at"] < DAY)


def _path(artifact: Artifact) -> Path:
    return artifact.path / "checked.json"


def _kept(artifact: Artifact) -> dict[str, Any] | None:
    try:
        kept = read_json(_path(artifact))
    except (OSError, ArtifactError):
        return None
    is_ours = isinstance(kept, dict) and "digest" in kept and not is_altered(kept)
    return kept if is_ours else None


def _keep(artifact: Artifact, known: dict[str, Any]) -> None:
    _KNOWN[artifact.path] = known
    with suppress(OSError, DiskFull):  # it is read again next time
        write_json(_path(artifact), signed(known))


def _begin(artifact: Artifact) -> None:
    """Take away what is left of an entry, and say so where it had been finished."""
    if os.path.lexists(artifact.manifest_path):
        told = f"{artifact.path} is damaged, or of an early version: it is made anew."
        warnings.warn(told, DamagedCache, stacklevel=3)
    if artifact.path.is_dir():
        shutil.rmtree(artifact.path)
    else:
        artifact.path.unlink(missing_ok=True)


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = None if os.access(folder, os.W_OK | os.X_OK) else "it is read-only"
    except OSError as error:
        reason = error.strerror
    if reason is not None:
        raise SettingError(
            f"The cache is '{folder}', where nothing can be written ({reason}); set SYNTHMIX_CACHE "
            "to another folder."
        )
