"""Synthetic sets in the layouts other tools read: ImageFolder and WebDataset."""

import errno
import glob
import io
import json
import os
import re
import shutil
import tarfile
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from synthmix.errors import DataError, DiskFull, SettingError, counted, shown
from synthmix.store import remove_leftover, replacing
from synthmix.types import ImageSet, Pixels

_COLUMNS = ("prompt", "seed", "index")
_LONGEST = 255  # bytes of a file name in nearly every file system

_RESERVED = re.compile(
    r"(con|prn|aux|nul|(com|lpt)[0-9\xb9\xb2\xb3]|conin\$|conout\$)(\..*)?", re.I
)
"""Names that Windows keeps for devices, whatever follows a dot.

https://learn.microsoft.com/windows/win32/fileio/naming-a-file
"""

_SPLIT = re.compile(
    r"(.*[-._ 0-9])?(train|training|validation|valid|dev|val|test|testing|eval|evaluation)"
    r"([-._ 0-9].*)?"
)
"""Folders that the library `datasets` takes for a split, leaving out the others: its
`data_files.py`, `KEYWORDS_IN_DIR_NAME_BASE_PATTERNS`."""

_VARIABLE = re.compile(r"\$[A-Za-z_{]|%\w+%")
"""What `datasets` may read as a variable of the environment."""


def export_folder(images: ImageSet, target: Path) -> None:
    """Write `target/<class name>/<number:05d>.png`, as `torchvision.datasets.ImageFolder` reads it.

    `number` counts within the class. Every reader of folders numbers classes in the order of their
    names, which may not be that of `class_names`. Raises SettingError where `target` holds files,
    DataError where a class name cannot be a folder's on every system and for every reader.
    """
    names, counts = images.class_names, images.per_class()
    _check_folder_names(names, counts)
    written = [0] * len(names)
    with _new_folder(target) as folder:
        for name in names:
            (folder / name).mkdir()
        for image, label in zip(images.pixels, images.labels.tolist(), strict=True):
            name = _file_name(written[label], counts[label])
            (folder / names[label] / name).write_bytes(_png(image))
            written[label] += 1


def _file_name(number: int, count: int) -> str:
    """Return a name that sorts by number among `count` of them."""
    return f"{number:0{max(5, len(str(count - 1)))}d}.png"


def export_webdataset(images: ImageSet, target: Path, shard_size: int) -> None:
    """Write `target/train-000000.tar`, ... with `<key>.png`, `<key>.cls` and `<key>.json` an image.

    The bytes follow from the images alone. The JSON holds the class name and, where they are known,
    prompt, seed and index. Raises SettingError where `target` holds files.
    """
    if shard_size < 1:
        raise SettingError(f"shard_size must be at least 1, got {shard_size}.")
    with _new_folder(target) as folder:
        for number, start in enumerate(range(0, len(images), shard_size)):
            rows = range(start, min(start + shard_size, len(images)))
            path = folder / f"train-{number:06d}.tar"
            with (
                replacing(path) as part,
                tarfile.open(part, "w", format=tarfile.USTAR_FORMAT) as tar,
            ):
                for row in rows:
                    _add_sample(tar, images, row)


def _add_sample(tar: tarfile.TarFile, images: ImageSet, row: int) -> None:
    label = int(images.labels[row])
    facts = {"class_name": images.class_names[label], **_facts(images, row)}
    _add(tar, f"{row:08d}.png", _png(images.pixels[row]))
    _add(tar, f"{row:08d}.cls", str(label).encode())
    _add(tar, f"{row:08d}.json", json.dumps(facts, sort_keys=True, ensure_ascii=False).encode())


def _facts(images: ImageSet, row: int) -> dict[str, Any]:
    values = {name: images.columns[name][row] for name in _COLUMNS if name in images.columns}
    # JSON does not know the scalars of NumPy
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in values.items()
    }


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)  # time 0, owner 0, mode 644
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _png(image: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _check_folder_names(names: Sequence[str], counts: Sequence[int]) -> None:
    for name, count in zip(names, counts, strict=True):
        reason = (
            _unfit(name) if count else "it has no image, so that its folder would be passed over"
        )
        if reason is not None:
            raise DataError(
                f"Class {shown(name)} cannot be exported as a folder: {reason}. "
                "--format webdataset takes any name."
            )
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(_on_any_disk(name), name)
        if other != name:
            raise DataError(
                f"Classes {shown(other)} and {shown(name)} would share a folder on some systems. "
                "--format webdataset takes any name."
            )


def _unfit(name: str) -> str | None:
    """Return why a folder of this name would not come back whole everywhere, None where it would.

    Linux, macOS and Windows have to hold it; torchvision, `datasets` and `use: folder` to read it.
    """
    if not name.strip(".") or name != name.strip():
        return "a folder's name is no dots alone, and neither begins nor ends with a space"
    if any(each in '<>:"/\\|?*' or unicodedata.category(each) in ("Cc", "Cs") for each in name):
        return "a folder's name holds none of < > : \" / \\ | ? * and no control character"
    if name[0] == "." or name.startswith("__"):
        return "what begins with '.' or '__' is hidden from readers"
    if name[-1] == "." or _RESERVED.fullmatch(name):
        return "Windows has no such name"
    if len(name.encode()) > _LONGEST:
        return (
            f"it has {counted(len(name.encode()), 'bytes')}, and a folder's name at most {_LONGEST}"
        )
    if _VARIABLE.search(name):
        return "the library datasets may put a variable of the environment in its place"
    if _SPLIT.fullmatch(name):
        return "the library datasets takes such a folder for a split and passes the others over"
    return None


def _on_any_disk(name: str) -> str:
    """Return what two names share where a file system tells neither case nor form apart."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield a folder beside `target` that becomes `target` on leaving, or goes after an error."""
    target = Path(os.path.realpath(target))
    _refuse_files(target)
    temporary = _begun(target)
    try:
        yield temporary
        _refuse_files(target)
        if target.exists():
            target.rmdir()
        os.rename(temporary, target)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(
                f"No space left while writing {target}; free some space and export again."
            ) from error
        raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _begun(target: Path) -> Path:
    """Make the hidden folder in which an export is put together; what killed ones left goes."""
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # of a killed process that had our number
    for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        remove_leftover(leftover)
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise SettingError(
            f"The target {target} cannot be made: nothing can be written in {target.parent} "
            f"({error.strerror})."
        ) from error
    return temporary


def _refuse_files(target: Path) -> None:
    # what is still a link leads in a circle
    if target.is_symlink() or (target.exists() and not _is_empty(target)):
        raise SettingError(
            f"The target {target} exists already; name a folder that is empty or not there yet."
        )


def _is_empty(target: Path) -> bool:
    return target.is_dir() and not any(target.iterdir())
