"""Where the folder of a Hugging Face data set is, on disk or fetched from the hub."""

import re
from functools import cache
from pathlib import Path

from synthmix.errors import DataError, MissingPackage
from synthmix.extras import install_extra
from synthmix.files import misfit

_HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")


def located(path: str, name: str | None, revision: str | None) -> tuple[Path, str | None]:
    """Return the data set's folder, and its commit where it came from the hub."""
    folder = Path(path).expanduser()
    if path and folder.is_dir():
        return folder, None
    if path and folder.exists():
        why = misfit(folder, "folder")
        raise DataError(f"path is '{path}', which {why}; name the folder of Parquet files.")
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
    wanted = [f"{name}/*.parquet" if name else "*.parquet", "README.md", "dataset_infos.json"]
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
