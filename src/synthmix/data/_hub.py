"""Where the Parquet files of a Hugging Face data set are, on disk or on the hub."""

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from synthmix.errors import DataError, MissingPackage
from synthmix.extras import install_extra

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def located(path: str, name: str | None, revision: str | None) -> tuple[Path, str | None]:
    """Return the data set's folder, and its commit where it came from the hub."""
    folder = Path(path).expanduser()
    if path and folder.is_dir():
        return folder, None
    if not _HUB_ID.fullmatch(path):
        raise DataError(f"path is '{path}', which is neither a folder nor a hub id (owner/name).")
    folder = _fetched(path, name, revision)
    return folder, folder.name


@cache  # once a process: every call asks the hub which commit the revision is
def _fetched(path: str, name: str | None, revision: str | None) -> Path:
    try:
        # imported here: local folders must open without this optional package
        from huggingface_hub import snapshot_download
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"The data set '{path}' is on the Hugging Face hub, which needs the package "
            f"'huggingface_hub': {install_extra('hub')}"
        ) from error
    wanted = [f"{name}/*.parquet" if name else "*.parquet", "README.md"]
    try:
        return Path(
            snapshot_download(path, repo_type="dataset", revision=revision, allow_patterns=wanted)
        )
    except (OSError, ValueError) as error:  # the hub's errors, and its client's, are of these
        reason = " ".join(str(error).split())
        at = f" --revision {revision}" if revision else ""
        raise DataError(
            f"path is '{path}': there is no such folder, and it could not be fetched from the "
            f"Hugging Face hub ({reason}). Where there is a network, run: "
            f"hf download {path} --repo-type dataset{at}"
        ) from error


def shards(folder: Path, name: str | None, split: str, splits: Sequence[str]) -> Sequence[Path]:
    """Return the Parquet files of a split, sorted; empty where there are none.

    A file belongs to the split that its name, or its folder's name, starts with; where no file
    names any of the `splits`, all of them are the first one's.
    """
    root = folder / (name or "")
    if not root.is_dir():
        there = sorted(each.name for each in folder.iterdir() if each.is_dir())
        raise DataError(f"name is '{name}', but {folder} has only: {', '.join(there) or 'files'}.")
    found = sorted(file for file in root.rglob("*.parquet") if _is_visible(file, root))
    if any(_belongs(file, each) for file in found for each in splits):
        found = [file for file in found if _belongs(file, split)]
    elif split != splits[0]:
        return []
    _check_one_configuration(found, folder, split)
    return found


def _is_visible(file: Path, root: Path) -> bool:
    return not any(part.startswith(".") for part in file.relative_to(root).parts)


def _belongs(file: Path, split: str) -> bool:
    # "train-00000-of-00002" and "train_0", but neither "trainer" nor "train_extra"
    pattern = re.compile(rf"{re.escape(split)}(?!_?[A-Za-z])")
    return bool(pattern.match(file.stem)) or file.parent.name == split


def _check_one_configuration(files: list[Path], folder: Path, split: str) -> None:
    parents = {file.parent.parent if file.parent.name == split else file.parent for file in files}
    if len(parents) > 1:
        names = ", ".join(sorted(parent.relative_to(folder).as_posix() for parent in parents))
        raise DataError(f"{folder} holds more than one configuration: set name to one of: {names}.")
