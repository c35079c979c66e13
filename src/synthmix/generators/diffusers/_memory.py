"""A bound on a process's memory, so that too large a batch is an error and not its end."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_RESERVE = 0.05  # of the memory, for what else runs


@contextmanager
def within_memory(device: str) -> Iterator[None]:
    """Refuse memory that the machine does not have, as a GPU does; for processors of Linux alone.

    Linux promises what it does not have and then kills whoever uses it.
    """
    available = _available() if device == "cpu" else None
    if available is None:
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = _used() + available
    if before[0] != resource.RLIM_INFINITY:
        most = min(most, before[0])
    resource.setrlimit(resource.RLIMIT_DATA, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _available() -> int | None:
    """Return the bytes that may still be used; None where this is not known."""
    if not sys.platform.startswith("linux"):
        return None
    facts = _facts(Path("/proc/meminfo"))
    left = facts["MemAvailable"] - int(_RESERVE * facts["MemTotal"])
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        left = min(left, limit - int((group / "memory.current").read_text()))
    except (OSError, ValueError):
        pass  # no group, or one without a limit
    return max(left, 0)


def _used() -> int:
    return _facts(Path("/proc/self/status"))["VmData"]


def _facts(path: Path) -> dict[str, int]:
    """Return the lines `name: number kB` of a file, in bytes."""
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) * 1024 for row in rows if row[2:] == ["kB"]}
