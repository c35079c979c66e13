"""What all tasks share: a workspace a process, an artifact held while it is made, its time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from synthmix.errors import ArtifactError
from synthmix.hardware import determinism
from synthmix.shards import repair
from synthmix.store import Artifact, canonical, read_json, write_json
from synthmix.study.config.file import Study
from synthmix.study.inputs.workspace import Workspace

_WORKSPACES: dict[str, Workspace] = {}


def workspace_of(study: Study) -> Workspace:
    """Return this process's workspace for a study, opened once."""
    opened = {where: taken.fingerprint for where, taken in study.opened.items()}
    key = canonical([study.fingerprint, str(study.output), study.machines, opened])
    return _WORKSPACES.setdefault(key, Workspace(study))


@contextmanager
def at_work(artifact: Artifact, study: Study, *, deterministic: bool = True) -> Iterator[list[str]]:
    """Hold the artifact, set damaged parts aside, fix the threads, and keep the time it took."""
    with artifact.locked(), determinism(study.recipe.threads, deterministic=deterministic):
        if artifact.path.exists():
            repair(artifact)
        artifact.begin()
        was_complete = artifact.is_complete
        damaged: list[str] = []
        yield damaged
        damaged += [f"{artifact.path / each}" for each in artifact.found_damaged]
        if not was_complete:
            _add_time(artifact, artifact.spent())


def _add_time(artifact: Artifact, seconds: float) -> None:
    before = seconds_of(artifact.path) or 0.0
    write_json(artifact.path / "timing.json", {"seconds": round(before + seconds, 3)})


def seconds_of(folder: Path) -> float | None:
    """Return the seconds an artifact took; None where they are not known or cannot be read."""
    try:
        return float(read_json(folder / "timing.json")["seconds"])
    except (OSError, ArtifactError, KeyError, TypeError, ValueError):
        return None  # a duration is no result: nothing stops without it
