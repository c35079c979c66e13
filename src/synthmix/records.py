"""What is recorded of an artifact's part: its bytes, and the sha256 of its content."""

import json
from pathlib import Path, PurePosixPath
from typing import Any


def is_record(relative: str, record: Any) -> bool:
    """Whether this can be a part's record; a part lies in its artifact's folder, nowhere else."""
    place = PurePosixPath(relative)
    is_inside = not place.is_absolute() and ".." not in place.parts
    is_told = isinstance(record, dict) and isinstance(record.get("sha256"), str)
    return is_inside and is_told and isinstance(record.get("bytes"), int)


def recorded(path: Path, relative: str) -> dict[str, Any] | None:
    """Return a part's record, None where it is missing or damaged: the part is made anew."""
    if not path.is_file():  # a pipe would be waited for without an end
        return None
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return record if is_record(relative, record) else None
