"""Synthetic sets in the layouts other tools read: ImageFolder and WebDataset."""

import errno
import io
import json
import os
import re
import shutil
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from synthmix.errors import DataError, DiskFull, SettingError
from synthmix.store import replacing
from synthmix.types import ImageSet, Pixels

_UNSAFE = re.compile(r'[<>:"|?*\x00-\x1f\x7f]')  # refused by one file system or another
_COLUMNS = ("prompt", "seed", "index")


def export_folder(images: ImageSet, target: Path) -> None:
    """Write `target/<class name>/<number:05d>.png`, as `torchvision.datasets.ImageFolder` reads it.

    `number` counts within the class. ImageFolder numbers the classes by the alphabet, not as
    `class_names` does. Raises SettingError where `target` holds files, DataError where a class name
    cannot be a folder's.
    """
    folders = _folder_names(images.class_names)
    counts = [0] * len(folders)
    with _new_folder(target) as folder:
        for image, label in zip(images.pixels, images.labels.tolist(), strict=True):
            path = folder / folders[label] / f"{counts[label]:05d}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(_png(image))
            counts[label] += 1


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


def _folder_names(class_names: tuple[str, ...]) -> list[str]:
    names = [_folder_name(name) for name in class_names]
    for first, name in enumerate(names):
        for second in range(first + 1, len(names)):
            if name.lower() == names[second].lower():  # one folder on macOS and Windows
                raise DataError(
                    f"Classes '{class_names[first]}' and '{class_names[second]}' would share the "
                    f"folder '{name}'; give one of them another name."
                )
    return names


def _folder_name(name: str) -> str:
    safe = _UNSAFE.sub("_", name).strip(" ")
    if "/" in name or "\\" in name or not safe.strip("."):
        raise DataError(
            f"Class '{name}' cannot be a folder's name: it must not be empty, dots alone, "
            "or contain / or \\."
        )
    return safe.rstrip(".")


@contextmanager
def _new_folder(target: Path) -> Iterator[Path]:
    """Yield a folder beside `target` that becomes `target` on leaving, or goes after an error."""
    target = target.absolute()
    _refuse_files(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
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


def _refuse_files(target: Path) -> None:
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise SettingError(
            f"The target {target} exists already; name a folder that is empty or not there yet."
        )
