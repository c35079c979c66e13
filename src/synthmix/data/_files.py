"""What the sources that read files share: one decoder, and the mark of a list of files."""

import hashlib
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from PIL import Image, ImageOps

from synthmix.errors import DataError
from synthmix.images import to_rgb
from synthmix.types import Json, Pixels


def decoded(file: Path | IO[bytes], name: str) -> Pixels:
    """Return an encoded image as uint8 RGB `[H, W, 3]`, upright.

    Raises DataError, with the image's name, where it is damaged or holds 16 bits a channel.
    """
    try:
        with Image.open(file) as image:
            # Pillow cuts 16-bit colour down to 8 without a word; only the raw mode tells
            if image.format == "PNG" and any(";16" in str(tile[3]) for tile in image.tile):
                raise ValueError("it holds 16 bits a channel; save it with 8")
            return to_rgb(ImageOps.exif_transpose(image))
    except MemoryError:
        raise
    except Exception as error:  # Pillow's decoders raise SyntaxError, struct.error, zlib.error, ...
        reason = str(error).partition("\n")[0].rstrip(".")
        raise DataError(f"{name} cannot be read as an image: {reason}.") from error


def stamp(files: Sequence[Path], root: Path) -> Json:
    """Return what stands for the files' content: how many, and a hash of names, sizes and times."""
    digest = hashlib.sha256()
    for file in files:
        found = status(file)
        line = (file.relative_to(root).as_posix(), found.st_size, found.st_mtime_ns)
        digest.update(repr(line).encode())
    return {"files": len(files), "stamp": digest.hexdigest()[:16]}


def status(file: Path) -> os.stat_result:
    """Return a file's size and times; raises DataError where it is none that can be read twice."""
    try:
        found = file.stat()
    except FileNotFoundError:
        raise DataError(f"{file} leads nowhere: it is a link to a file that is gone.") from None
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for without an end
        raise DataError(f"{file} is no file that can be read twice; take it away.")
    return found
