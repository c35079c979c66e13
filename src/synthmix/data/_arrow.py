"""Folders of Arrow files, which `datasets` leaves by `save_to_disk` and as its cache."""

from collections.abc import Iterator
from pathlib import Path

from synthmix.errors import DataError


def check_no_arrow(folder: Path) -> None:
    """Raise DataError, with the line that converts them, where a folder holds Arrow files."""
    found = next(_arrow_files(folder), None)
    if found is None:
        return
    where, split = folder, ""
    if found.parent != folder and (folder / "dataset_dict.json").is_file():
        split = f"['{found.parent.name}']"
    else:
        where = found.parent
    if (found.parent / "state.json").is_file():
        what = "is what datasets.save_to_disk wrote"
        line = f"datasets.load_from_disk('{where}'){split}"
    else:
        what = "is a cache of datasets"
        line = f"datasets.Dataset.from_file('{found}')"
    name = found.parent.name if split else "train"
    raise DataError(
        f"{folder} {what}, and Arrow files are not read. Convert each split in Python, "
        f"{line}.to_parquet('DIR/{name}.parquet'), and give use: huggingface, path: DIR."
    )


def _arrow_files(folder: Path) -> Iterator[Path]:
    """Yield the Arrow files of a folder, or those of the splits in it, train before others."""
    yield from sorted(folder.glob("*.arrow"))
    # without that file the folders in it may be classes of very many images
    if (folder / "dataset_dict.json").is_file():
        for split in (folder / "train", *sorted(folder.glob("*/"))):
            yield from sorted(split.glob("*.arrow"))
