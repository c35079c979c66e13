"""Visual Genome's attributes.json, read image by image: the true file is one line of 0.5 GB.

A window of a million characters moves over the file and the standard library's decoder takes one
image after the other out of it, so memory is that of the window and of the counts.
"""

import gzip
import io
import json
import lzma
import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast
from zipfile import BadZipFile, ZipFile

from synthmix.errors import DataError, SettingError, counted
from synthmix.files import misfit

Counts = dict[str, int]
Progress = Callable[[int, int], None]
"""Is told the bytes that are read and their total."""

_WINDOW = 1 << 20
_LOCKED = 1
"""The flag of a member of a zip archive that is encrypted."""

_LONGEST = 16 * _WINDOW
"""Characters of one image's entry; a true one has some thousands."""

_BETWEEN = re.compile(r"\s*")
_HALF = re.compile("[\ud800-\udfff]")
"""Half of a pair that stands for one character: JSON may hold it, UTF-8 may not."""


@dataclass(frozen=True)
class Attributes:
    """How many objects of each name have each attribute; names and attributes are normalised.

    `passed_over` counts what is not as it should be, by reason.
    """

    names: dict[str, Counts]
    images: int = 0
    objects: int = 0
    passed_over: dict[str, int] = field(default_factory=dict)

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

    An object with several names counts for each. Odd entries among sound ones are passed over and
    counted. Raises SettingError for the path, DataError for what is in the file.
    """
    if why := misfit(path):
        raise SettingError(f"{path} {why}; see visualgenome.org for attributes.json.")
    count, first_odd, entries = _Count(), 0, 0
    with _opened(path, progress) as read:
        for entries, image in enumerate(_images(read, path), start=1):
            if not count.add(image):
                first_odd = first_odd or entries
    sound = ((_NO_IMAGE, count.images), (_NO_OBJECT, count.objects), (_NO_TEXT, count.texts))
    if any(count.odd[reason] > number for reason, number in sound):
        raise DataError(
            f"{path}: entry {first_odd or 1} is not one of Visual Genome's attributes.json, "
            "{'attributes': [{'names': [text], 'attributes': [text]}]}."
        )
    if not entries:
        raise DataError(f"{path}: it holds no image.")
    return Attributes(count.names, count.images, count.objects, dict(count.odd))


_NO_IMAGE, _TWICE = "entries that are no image", "images that stand twice"
_NO_OBJECT, _NO_TEXT = "objects without names", "names and attributes that are no text"


class _Count:
    """Counts images one by one, and what is odd in them."""

    def __init__(self) -> None:
        self.names: dict[str, Counts] = {}
        self.images = self.objects = self.texts = 0
        self.odd: Counter[str] = Counter()
        self._normalised_text = _Normalised()
        self._seen: set[str] = set()

    def add(self, image: Any) -> bool:
        """Add an image's objects; returns whether it is one."""
        objects = image.get("attributes") if isinstance(image, dict) else None
        if not isinstance(objects, list):
            self.odd[_NO_IMAGE] += 1
            return False
        number = image.get("image_id", image.get("id"))
        if number is not None and str(number) in self._seen:
            self.odd[_TWICE] += 1
            return False
        self._seen.add(str(number))
        self.images += 1
        for each in objects:
            self._add_object(each)
        return True

    def _add_object(self, each: Any) -> None:
        called = each.get("names", each.get("object_names")) if isinstance(each, dict) else None
        if not isinstance(called, list):
            self.odd[_NO_OBJECT] += 1
            return
        self.objects += 1
        attributes = each.get("attributes")  # four objects of ten have none
        if not attributes:
            return
        found = self._normalised(attributes) - {""}
        for name in self._normalised(called) if found else ():
            counts = self.names.setdefault(name, {})
            for attribute in found:
                counts[attribute] = counts.get(attribute, 0) + 1

    def _normalised(self, given: Any) -> set[str]:
        """Return the texts of a list, those that no file can hold left out."""
        some = given if isinstance(given, list) else [None]
        texts = [each for each in some if isinstance(each, str) and not _HALF.search(each)]
        self.texts += len(texts)
        if len(texts) < len(some):
            self.odd[_NO_TEXT] += len(some) - len(texts)
        return {self._normalised_text[each] for each in texts}


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
    return DataError(f"{path}: it {how} after {counted(number, 'images')}; fetch it again.")


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
    except (EOFError, BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError) as error:
        raise DataError(f"{path}: the archive is cut short or damaged ({error}).") from None
    except OSError as error:
        if error.errno is not None:
            raise
        # what bzip2 says of its own stream
        raise DataError(f"{path}: the archive is cut short or damaged ({error}).") from None
    except NotImplementedError:  # deflate64, as Windows packs large files, and Zstandard
        raise DataError(
            f"{path}: the archive is packed by a method that cannot be read here: unpack it, or "
            "pack it anew as .gz."
        ) from None
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
            inside = [
                each
                for each in archive.namelist()
                if each.lower().endswith(".json") and "__MACOSX" not in each
            ]
            if len(inside) != 1:
                held = ", ".join(inside[:5]) or "none"
                raise DataError(f"{path}: it must hold one JSON file, found: {held}.")
            if archive.getinfo(inside[0]).flag_bits & _LOCKED:
                raise DataError(f"{path}: it is locked with a password: unpack it first.")
            with archive.open(inside[0]) as member:
                yield member, member.tell, archive.getinfo(inside[0]).file_size
    else:
        yield raw, raw.tell, size
