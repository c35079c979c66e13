"""Models on this disk: a folder or the hub's cache, safetensors only, their revision known."""

import hashlib
import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from synthmix.errors import MissingPackage, SettingError
from synthmix.extras import install_extra
from synthmix.files import misfit
from synthmix.model_files import INDEX, WEIGHTS, wanted
from synthmix.store import sha256


@dataclass(frozen=True)
class Kind:
    """One library's models: what makes a folder one of them, and how they are spoken of."""

    index: str
    """The file that makes a folder a model."""

    library: str
    extra: str
    example: str
    """A hub id, shown where a name is none."""


@dataclass(frozen=True)
class Found:
    """A model on this disk."""

    folder: Path
    revision: str
    """The hub's commit, or a fingerprint of a local folder's content."""

    index: dict[str, Any]


def find(model: str, revision: str | None, kind: Kind) -> Found:
    """Return where a hub id or a folder lies; raises SettingError that says what is missing."""
    local = Path(model).expanduser()
    if revision is not None and local.exists():
        raise SettingError(
            f"revision is '{revision}', but model '{model}' is a folder, which has no revisions: "
            "leave it out."
        )
    folder = local if local.exists() else _cached(model, revision, kind)
    index = _index(folder, model, kind)
    known = folder.name if folder != local else _content(folder, _stamp(folder))
    return Found(folder, known, index)


def fetch(model: str, revision: str | None, variant: str | None) -> Path:
    """Download a model's safetensors and settings into the hub's cache; returns the folder."""
    hub = client("diffusers")
    try:
        files = wanted(hub.list_repo_files(model, revision=revision), model, variant)
        found = hub.snapshot_download(model, revision=revision, allow_patterns=files)
    except SettingError:
        raise
    except Exception as error:  # the hub's client has dozens of kinds; all mean "not fetched"
        raise SettingError(_why_not(model, error)) from None
    return Path(found)


def client(extra: str) -> Any:
    """Return the hub's client; raises MissingPackage with the extra that brings it."""
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        raise MissingPackage(
            f"Models by hub id need more packages, a local folder does not: {install_extra(extra)}"
        ) from None
    return huggingface_hub


def _why_not(model: str, error: Exception) -> str:
    kind = type(error).__name__
    page = f"huggingface.co/{model}"
    if kind == "GatedRepoError":
        return (
            f"model '{model}' is gated: accept its licence at {page}, log in with "
            "`hf auth login` (or set HF_TOKEN), and fetch again."
        )
    if kind in ("RepositoryNotFoundError", "RevisionNotFoundError", "HFValidationError"):
        return f"model '{model}' or its revision is not on the hub; see {page}."
    reason = str(error).partition("\n")[0][:120]
    return f"model '{model}' cannot be fetched ({kind}: {reason}). Is there a network here?"


def _cached(model: str, revision: str | None, kind: Kind) -> Path:
    hub = client(kind.extra)
    try:
        found = hub.snapshot_download(model, revision=revision, local_files_only=True)
    except Exception as error:  # missing, or no valid id: either way there is nothing here
        # no owner of the hub's has a folder here that only lacks this one
        is_near = "/" in model and (Path(model).parent).is_dir()
        looks_like_path = is_near or model.startswith((".", "/", "~")) or model.count("/") != 1
        if looks_like_path or type(error).__name__ == "HFValidationError":
            raise SettingError(
                f"model is '{model}': there is no such folder, and a hub id looks like "
                f"{kind.example}."
            ) from None
        which = f" at revision '{revision}'" if revision else ""
        cache = os.environ.get("HF_HOME", "~/.cache/huggingface")
        option = f" --revision {revision}" if revision else ""
        raise SettingError(
            f"model '{model}'{which} is not on this machine (looked in {cache}). Fetch it where "
            f"there is a network: synthmix weights fetch {model}{option}"
        ) from None
    return Path(found)


def _index(folder: Path, model: str, kind: Kind) -> dict[str, Any]:
    path = folder / kind.index
    if not path.is_file():
        raise SettingError(f"model is '{model}', but {_what_else(folder, kind)}.")
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        raise SettingError(f"model is '{model}', but {path} is not valid JSON.") from None
    if not isinstance(index, dict):
        raise SettingError(f"model is '{model}', but {path} is no list of a pipeline's parts.")
    return index


def _what_else(folder: Path, kind: Kind) -> str:
    if why := misfit(folder, "folder"):
        return f"that {why}: a model is the folder that {kind.library} wrote"
    if not any(folder.iterdir()):
        return "that folder is empty"
    if kind.index == INDEX and (folder / "config.json").is_file():
        return f"that is one component of a pipeline: give the folder that holds {kind.index}"
    return f"that folder holds no {kind.index}: {kind.library} did not write it"


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    suffixes = (".json", ".txt", ".model", ".jinja", WEIGHTS)
    facts = [
        (str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in suffixes
    ]
    return tuple(facts)


@lru_cache(maxsize=8)
def _content(folder: Path, stamp: tuple[tuple[str, int, int], ...]) -> str:
    digest = hashlib.sha256()
    for name, _, _ in stamp:
        digest.update(f"{name} {sha256(folder / name)}\n".encode())
    return f"content {digest.hexdigest()[:16]}"
