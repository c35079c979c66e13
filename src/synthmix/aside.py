"""Names for what is put aside instead of being lost."""

from pathlib import Path


def unused(path: Path, first: int = 2) -> Path:
    """Return the path, or where something is there already, `STEM-N` with the first N unused."""
    found, number = path, first
    while found.exists():
        found, number = path.with_name(f"{path.stem}-{number}{path.suffix}"), number + 1
    return found
