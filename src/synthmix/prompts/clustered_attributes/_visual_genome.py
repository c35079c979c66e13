"""Visual Genome's attributes.json, read image by image: the true file is one line of 0.5 GB.

A window of a million characters moves over the file and the standard library's decoder takes one
image after the other out of it, so memory is that of the window and of the counts.
"""

import gzip
import io
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast
from zipfile import BadZipFile, ZipFile

from synthmix.errors import DataError, SettingError

Counts = dict[str, int]
Progress = Callable[[int, int], None]
"""Is told the bytes that are read and their total."""

_WINDOW = 1 << 20
_LONGEST = 16 * _WINDOW
"""Characters of one image's entry; a true one has some thousands."""

_BETWEEN = re.compile(r"\s*")


@dataclass(frozen=True)
class Attributes:
    """How many objects of each name have each attribute; names and attributes are normalised."""

    names: dict[str, Counts]
    images: int = 0
    objects: int = 0

    @property
    def mentions(self) -> int:
        """Number of attributes over all objects."""
        return sum(sum(counts.values()) for counts in self.names.values())


class _Normalised(dict[str, str]):
    """Lower case and single spaces, worked out once a text."""

    def __missing__(self, text: str) -> str:
        self[text] = found = " ".join(text.lower().split())
        return found


def silent(completed: int, total: int) -> None:
    """Show no progress."""


def extract(path: Path, progress: Progress = silent) -> Attributes:
    """Count the attributes of every object name; reads JSON, .gz and .zip, v1.0 and v1.2.

    An object with several names counts for each. Raises SettingError for the path, DataError for
    what is in the file.
    """
    if not path.is_file():
        raise SettingError(f"There is no file {path}; see visualgenome.org for attributes.json.")
    names: dict[str, Counts] = {}
    images = objects = 0
    texts = _Normalised()
    with _opened(path, progress) as read:
        for images, image in enumerate(_images(read, path), start=1):
            try:
                objects += _count(image, names, texts)
            except (KeyError, TypeError, AttributeError):
                raise DataError(
                    f"{path}: entry {images} is not one of Visual Genome's attributes.json, "
                    "{'attributes': [{'names': [text], 'attributes': [text]}]}."
                ) from None
    if not images:
        raise DataError(f"{path}: it holds no image.")
    return Attributes(names, images, objects)


def _count(image: Any, names: dict[str, Counts], texts: _Normalised) -> int:
    """Add an image's objects to the counts and return their number."""
    objects = _list(image["attributes"])
    for each in objects:
        called = _list(each["names"] if "names" in each else each["object_names"])
        attributes = each.get("attributes")  # four objects of ten have none
        if not attributes:
            continue
        found = {texts[text] for text in _list(attributes)}
        found.discard("")
        for name in {texts[text] for text in called} if found else ():
            counts = names.setdefault(name, {})
            for attribute in found:
                counts[attribute] = counts.get(attribute, 0) + 1
    return len(objects)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _images(read: Callable[[], str], path: Path) -> Iterator[Any]:
    """Yield the elements of the one list that the text is."""
    decode = json.JSONDecoder().raw_decode
    text, number = read(), 0
    while text and not text.strip():
        text = read()
    at = _skip(text, 0)
    if text[at : at + 1] != "[":
        raise DataError(f"{path}: it must be a list of images, got {text[at : at + 40]!r}.")
    at, due = at + 1, "]"
    while True:
        at = _skip(text, at)
        if at < len(text) and text[at] == "]":
            return
        if at < len(text) and text[at] == "," == due:
            at, due = at + 1, ""
            continue
        try:
            if due == ",":
                raise ValueError
            image, at = decode(text, at)
        except (ValueError, RecursionError):
            is_wrong = len(text) - at > _LONGEST or (due == "," and at < len(text))
            more = "" if is_wrong else read()
            if not more:
                raise _broken(path, number, is_cut=not is_wrong) from None
            text, at = text[at:] + more, 0
            continue
        number, due = number + 1, ","
        yield image


def _skip(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    assert found is not None
    return found.end()


def _broken(path: Path, number: int, *, is_cut: bool) -> DataError:
    how = "is cut short or damaged" if is_cut else "is not valid JSON"
    return DataError(f"{path}: it {how} after {number:,} images; fetch it again.")


@contextmanager
def _opened(path: Path, progress: Progress) -> Iterator[Callable[[], str]]:
    """Yield what reads the next piece of text; the file's first bytes tell what it is."""
    try:
        with path.open("rb") as raw:
            first = raw.read(4)
            raw.seek(0)
            with _unpacked(raw, first, path) as (binary, place, total):
                text = io.TextIOWrapper(binary, encoding="utf-8-sig")

                def read() -> str:
                    progress(place(), total)
                    return text.read(_WINDOW)

                yield read
                progress(total, total)
    except (EOFError, BadZipFile, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{path}: the archive is cut short or damaged ({error}).") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: it must be UTF-8, but {error}.") from None


@contextmanager
def _unpacked(
    raw: IO[bytes], first: bytes, path: Path
) -> Iterator[tuple[IO[bytes], Callable[[], int], int]]:
    """Yield the unpacked bytes with how far they are read and how far that goes."""
    size = path.stat().st_size
    if first.startswith(b"\x1f\x8b"):
        with gzip.GzipFile(fileobj=raw) as unpacked:
            yield cast("IO[bytes]", unpacked), raw.tell, size
    elif first.startswith(b"PK"):
        with ZipFile(raw) as archive:
            inside = [n for n in archive.namelist() if n.endswith(".json") and "__MACOSX" not in n]
            if len(inside) != 1:
                held = ", ".join(inside) or "none"
                raise DataError(f"{path}: it must hold one JSON file, found: {held}.")
            with archive.open(inside[0]) as member:
                yield member, member.tell, archive.getinfo(inside[0]).file_size
    else:
        yield raw, raw.tell, size
