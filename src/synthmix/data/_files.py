"""What the sources that read files share: one decoder, and the mark of a list of files."""

import hashlib
import os
import stat
import warnings
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import IO

from PIL import Image, ImageFile, TiffImagePlugin, UnidentifiedImageError

from synthmix.data._metadata import HEAD, READ, bare, format_of, orientation_of
from synthmix.errors import DataError, MissingPackage
from synthmix.extras import install_extra
from synthmix.images import to_rgb
from synthmix.noticed import notice
from synthmix.types import Json, Pixels


def decoded(file: Path | IO[bytes], name: str) -> Pixels:
    """Return an encoded image as uint8 RGB `[H, W, 3]`, upright; of several in one file the first.

    Its content tells the format, and that format's decoder alone is tried. Raises DataError, with
    the image's name, where it is damaged, is of none of `READ` or has more than 8 bits a channel.
    """
    try:
        data = file.read_bytes() if isinstance(file, Path) else file.read()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's doubts either become errors here or are none
            pixels, has_more = _upright(data, name)
    except (MemoryError, MissingPackage):
        raise
    except Exception as error:  # Pillow's decoders raise SyntaxError, struct.error, zlib.error, ...
        reason = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
        raise DataError(f"{name} cannot be read as an image: {reason}.") from error
    if has_more:
        notice(FIRST_OF_MANY, name)
    return pixels


FIRST_OF_MANY = "files of several images (animations, pages), of which the first is taken"


def _upright(data: bytes, name: str) -> tuple[Pixels, bool]:
    """Return the first image, and whether others follow it in the same file."""
    kind = format_of(data[:HEAD])
    if kind not in READ:
        what = f"it is {kind}," if kind else "its content is"
        raise ValueError(f"{what} none of {', '.join(READ)}")
    if kind == "HEIF":
        _check_heif(name)
    found = bare(data, kind)
    with _opened(found.data, kind) as image:
        if 0 in image.size:
            raise ValueError(f"it has {image.width} x {image.height} pixels")
        _check_depth(image)
        _scale_transparency(image)
        pixels = to_rgb(image)
        exif, xmp = image.info.get("exif"), image.info.get("xmp")
        has_more = found.has_more or _is_animated(image)
    if kind in ("AVIF", "WEBP") and (exif or xmp):
        turn = orientation_of(exif or b"", xmp if kind == "WEBP" and xmp else b"")
    else:
        turn = found.orientation
    return _TURNS[turn](pixels), has_more


def _opened(data: bytes, kind: str) -> ImageFile.ImageFile:
    try:
        return Image.open(BytesIO(data), formats=[kind])
    except UnidentifiedImageError:  # its text tells of an object in memory
        raise ValueError(f"it is damaged, or {kind} of a variant that is not read") from None


_TURNS: Mapping[int, Callable[[Pixels], Pixels]] = {
    1: lambda image: image,
    2: lambda image: image[:, ::-1],
    3: lambda image: image[::-1, ::-1],
    4: lambda image: image[::-1],
    5: lambda image: image.transpose(1, 0, 2),
    6: lambda image: image[::-1].transpose(1, 0, 2),
    7: lambda image: image[::-1, ::-1].transpose(1, 0, 2),
    8: lambda image: image.transpose(1, 0, 2)[::-1],
}
"""EXIF's orientation -> what turns an image upright."""


def _check_depth(image: ImageFile.ImageFile) -> None:
    """Raise ValueError where a channel has more than 8 bits.

    Pillow cuts those of colour images down to 8 without a word, by their high bytes, and takes
    numbers with a sign for numbers without one.
    """
    bits = 8
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        bits = max(image.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,)))
        if set(image.tag_v2.get(TiffImagePlugin.SAMPLEFORMAT, (1,))) != {1}:
            raise ValueError("its channels hold no whole numbers from 0; save it with 8 bits each")
    for tile in image.tile:
        how = tile.args if isinstance(tile.args, tuple) else (tile.args,)
        if image.format == "PNG" and ";16" in str(how[0]):
            bits = 16
        if image.format == "PPM" and max(part for part in (*how, 0) if type(part) is int) > 255:
            bits = 16
    if bits > 8:
        raise ValueError(f"it holds {bits} bits a channel; save it with 8")


def _scale_transparency(image: ImageFile.ImageFile) -> None:
    """Bring a PNG's transparent grey of 2 or 4 bits to 8: Pillow scales the pixels alone."""
    how = image.tile[0].args if image.format == "PNG" and image.tile else None
    most = {"L;2": 3, "L;4": 15}.get(str(how))
    if most and "transparency" in image.info:
        image.info["transparency"] = (image.info["transparency"] & most) * 255 // most


def _is_animated(image: Image.Image) -> bool:
    try:
        return bool(getattr(image, "is_animated", False))
    except Exception:  # something that cannot be read follows
        return True


def _check_heif(name: str) -> None:
    """Let Pillow read HEIC; raises MissingPackage where the package for it is not installed."""
    try:
        # imported here: most images are of other formats
        from pillow_heif import register_heif_opener
    except ModuleNotFoundError as error:
        raise MissingPackage(
            f"{name} is a HEIC picture, which needs the package 'pillow-heif'. Install it with: "
            f"{install_extra('heic')}"
        ) from error
    register_heif_opener(thumbnails=False)


def stamp(files: Sequence[Path], root: Path) -> Json:
    """Return what stands for the files' content: how many, and a hash of places, sizes and times.

    Both times, since an unpacked archive may give another content the same size and the same time.
    """
    # two projects may call their folders the same
    digest = hashlib.sha256(os.fsencode(root.resolve()))
    for file in files:
        found = status(file)
        name = file.relative_to(root).as_posix()
        line = (name, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        digest.update(repr(line).encode())
    return {"files": len(files), "stamp": digest.hexdigest()[:16]}


def status(file: Path) -> os.stat_result:
    """Return a file's size and times; raises DataError where it is none that can be read twice."""
    try:
        found = file.stat()
    except OSError as error:
        raise DataError(f"{file} cannot be read ({error.strerror}).") from None
    if not stat.S_ISREG(found.st_mode):  # a pipe would be waited for without an end
        raise DataError(f"{file} is no file that can be read twice; take it away.")
    return found
