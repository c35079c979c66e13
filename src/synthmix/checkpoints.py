"""Checkpoints: written with a sha256 of theirs, and gone on from where it still fits."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from synthmix.errors import ArtifactError
from synthmix.store import Artifact, read_json, replacing, sha256, write_json

Work = TypeVar("Work")


def save(write: Callable[[Path], None], artifact: Artifact, name: str) -> None:
    """Replace the checkpoint `name` of an artifact in progress by what `write` writes to a path.

    The sha256 of the old and of the new one stand beside it before the two change places: whenever
    a process is killed, one of them fits.
    """
    path = artifact.scratch(name)
    with replacing(path) as temporary:
        write(temporary)
        before = [sha256(path)] if path.is_file() else []
        write_json(_sums(path), [*before, sha256(temporary)])


def resumed(
    make: Callable[[], Work], load: Callable[[Work, Path], None], artifact: Artifact, name: str
) -> Work:
    """Return what `make` makes, as the checkpoint `name` left it where there is one.

    A checkpoint whose bytes have changed, or that is another's, costs the work since the beginning
    and no more: the artifact sets it aside, which its task tells of, and the work is made anew.
    """
    work, path = make(), artifact.scratch(name)
    if not path.exists():
        return work
    try:
        if sha256(path) not in read_json(_sums(path)):
            raise ArtifactError(f"{path} is damaged.")
        load(work, path)
    except Exception:  # whatever a reader is led to by what it reads
        relative = str(path.relative_to(artifact.path))
        artifact.set_aside(relative)
        artifact.found_damaged.append(relative)
        return make()
    return work


def _sums(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256.json")
