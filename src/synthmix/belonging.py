"""Which study the files of an output belong to: each is held against `resolved.json` beside it.

A file that was copied from another study's output is sound in itself: its own digest is right.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from synthmix.errors import ArtifactError
from synthmix.store import is_altered, read_json, signed
from synthmix.types import Json

_SHARED = ("name", "mixing", "training")
"""Settings that results store as `resolved.json` does."""

_MARKS = ("digest", "study_fingerprint")
"""What `resolved.json` holds besides settings."""


@dataclass(frozen=True)
class Owner:
    """A study as its files name it; early files have no fingerprint."""

    name: str
    fingerprint: str | None

    def __str__(self) -> str:
        return f"'{self.name}'" + (f" ({self.fingerprint})" if self.fingerprint else "")


_LINE = b"# study: "
"""What begins the line of a `study.yaml` that says which study it is of."""

_HEAD = 5  # lines among which it is


def kept(settings: Mapping[str, Json], fingerprint: str) -> dict[str, Json]:
    """Return `resolved.json`: a study's settings, and what stands for it."""
    return signed({**settings, "study_fingerprint": fingerprint})


def line(fingerprint: str) -> bytes:
    """Return the comment by which a `study.yaml` says which study it is of."""
    return _LINE + fingerprint.encode() + b"\n"


def settings_in(held: Mapping[str, Json]) -> dict[str, Json]:
    """Return the settings alone that a `resolved.json` holds."""
    return {name: value for name, value in held.items() if name not in _MARKS}


def check_results(path: Path, results: Mapping[str, Json]) -> None:
    """Raise ArtifactError where results are not those of the study whose settings lie beside them.

    Nothing is said where these settings are not there, or are damaged themselves.
    """
    held = _held(path.parent)
    if held is None:
        return
    mine = Owner(str(results.get("name")), _text(results.get("study_fingerprint")))
    settings = (results.get("real") or {}).get("settings")
    is_ours = all(results.get(key) == held.get(key) for key in _SHARED)
    is_ours &= settings is None or settings == held.get("real")
    if not _is_of(mine, held, is_ours):
        raise ArtifactError(
            f"{path} belongs to the study {mine}, not to {_owner(held)}, whose resolved.json lies "
            f"beside it: `synthmix evaluate --replace {path.parent}` writes it anew and keeps this "
            "one."
        )


def check_beside(path: Path, fingerprint: Json) -> None:
    """Raise ArtifactError where a file beside `results.json` has the fingerprint of another study.

    Early files have none, None or another value than text.
    """
    held, mine = _held(path.parent), _text(fingerprint)
    theirs = None if held is None else _text(held.get("study_fingerprint"))
    if mine is not None and theirs is not None and mine != theirs:
        raise ArtifactError(
            f"{path} belongs to another study ({mine}) than resolved.json beside it ({theirs}): "
            f"`synthmix evaluate {path.parent}` writes it anew."
        )


def check_study(path: Path) -> None:
    """Raise ArtifactError where `study.yaml` is another study's than `resolved.json` beside it."""
    held = _held(path.parent)
    theirs = None if held is None else _text(held.get("study_fingerprint"))
    if held is None or theirs is None or not path.is_file():
        return
    told = [each for each in path.read_bytes().splitlines()[:_HEAD] if each.startswith(_LINE)]
    if told and told[0] != line(theirs).rstrip():
        raise ArtifactError(
            f"{path} is not the study file of {_owner(held)}, whose resolved.json lies beside it: "
            "`synthmix run` with the study's own file writes both anew."
        )


def _is_of(mine: Owner, held: Mapping[str, Json], is_alike: bool) -> bool:
    theirs = _text(held.get("study_fingerprint"))
    return is_alike if theirs is None or mine.fingerprint is None else mine.fingerprint == theirs


def _held(folder: Path) -> Mapping[str, Json] | None:
    try:
        held = read_json(folder / "resolved.json")
    except (OSError, ArtifactError):
        return None
    return held if isinstance(held, dict) and not is_altered(held) else None


def _owner(held: Mapping[str, Json]) -> Owner:
    return Owner(str(held.get("name")), _text(held.get("study_fingerprint")))


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None
