"""Arrays in a NumPy `.npz` file: images and labels that are already decoded."""

import os
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any, ClassVar, get_args

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from synthmix.data import ImageSource, Listing, PassedOver, Split
from synthmix.data._files import stamp
from synthmix.data.classes import Meaning, Names, declared, numbering
from synthmix.errors import DataError, NoSuchSplit, SettingError, counted
from synthmix.files import misfit
from synthmix.images import to_rgb
from synthmix.noticed import EXAMPLES, notice
from synthmix.types import Labels, Pixels

_IMAGES = ("images", "pixels", "x")
_LABELS = ("labels", "y")
_CHANNELS = (1, 3, 4)
# encrypted, packed by another method, nested without end, larger than memory, ...
_DAMAGE = (
    *(OSError, ValueError, TypeError, EOFError, KeyError, SyntaxError, RuntimeError, MemoryError),
    *(OverflowError, zipfile.BadZipFile, zlib.error),
)
_MOST_NAMES = 64 << 20  # bytes

BLACK = "arrays of images without a value above 1, where white is 255"


@dataclass(frozen=True, kw_only=True)
class Array(ImageSource):
    """uint8 arrays `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]` with 1, 3 or 4 channels.

    A file holds `images` (or `pixels`, `x`), `labels` (or `y`) and perhaps `class_names`; where
    one file holds both splits, the names end in `_train` and `_test`. Where the first and the
    last axis of an image could both be its channels, the last one is.
    """

    output_revision: ClassVar[int] = 2

    path: str | None = None
    """File with the training split, or with both splits."""

    train_path: str | None = None
    """File with the training split, where `path` is not given."""

    test_path: str | None = None
    """File with the test split, where `path` does not hold it."""

    class_names: tuple[str, ...] | None = None
    """Names of the classes; the file's own where not given, renamed in place where others."""

    def __post_init__(self) -> None:
        if (self.path is None) == (self.train_path is None):
            raise SettingError(
                f"path is {self.path!r} and train_path is {self.train_path!r}; give one of the two."
            )

    def list(self, split: Split) -> Listing:
        path = self._file(split)
        with _opened(path) as file:
            images, labels = self._keys(file, split, path)
            shape, _ = _images_header(file, images, path)
            names, meaning = self._names(file, path)
            _labels(file, labels, shape[0], meaning, path)
            passed_over = self._passed_over(file, path)
        notes = []
        if len(shape) == 4 and shape[1] in _CHANNELS and shape[3] in _CHANNELS:
            notes.append(f"{path}: of '{images}', {list(shape)}, the last axis is the channels.")
        return Listing(names, shape[0], stamp([path], path.parent), passed_over, tuple(notes))

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        path = self._file(split)
        with _opened(path) as file:
            images, key = self._keys(file, split, path)
            shape, _ = _images_header(file, images, path)
            labels = _labels(file, key, shape[0], self._names(file, path)[1], path)
            pixels = _rows(file, images, path)
            brightest = 0
            for image, label in zip(pixels, labels, strict=True):
                brightest = max(brightest, int(image.max()))
                yield to_rgb(Image.fromarray(_channels_last(image))), int(label)
        if brightest <= 1:  # as where numbers from 0 to 1 were cast to uint8
            notice(BLACK, f"'{images}' of {path.name}")

    def names(self, split: Split, rows: Sequence[int]) -> Sequence[str]:
        return [f"{self._file(split).name}, row {row} ({split})" for row in rows]

    def place(self, split: Split) -> str:
        return os.path.abspath(self._file(split).parent)

    def _file(self, split: Split) -> Path:
        own = self.test_path if split == "test" else self.train_path
        path = own or self.path
        if path is None:
            raise NoSuchSplit(f"{self.train_path} has no test split: give test_path.")
        file = Path(path).expanduser()
        if why := misfit(file):
            setting = f"{split}_path" if own else "path"
            raise DataError(f"{setting} is '{path}', which {why}; name a .npz file.")
        return file

    def _keys(self, file: Any, split: Split, path: Path) -> tuple[str, str]:
        """Return the names of this split's images and labels in the file."""
        there = frozenset(file.files)
        suffix = f"_{split}" if any(name.endswith(("_train", "_test")) for name in there) else ""
        if split == "test" and not suffix and self.test_path is None:
            raise NoSuchSplit(f"{path} has no test split: give test_path, or x_test and y_test.")
        return _key(there, _IMAGES, suffix, path), _key(there, _LABELS, suffix, path)

    def _passed_over(self, file: Any, path: Path) -> tuple[PassedOver, ...]:
        """Return what is told of arrays that neither split takes."""
        used = {"class_names"}
        for split in get_args(Split):
            with suppress(DataError):  # this file need not hold the other split
                used.update(self._keys(file, split, path))
        left = sorted(set(file.files) - used)
        told = PassedOver("arrays of other names", len(left), tuple(left[:EXAMPLES]))
        return (told,) if left else ()

    def _names(self, file: Any, path: Path) -> tuple[Names, Meaning]:
        """Return the classes, and what the file's labels mean: as it names them, if it does."""
        if "class_names" not in file:
            if self.class_names is None:
                raise DataError(
                    f"{path} has no class names: give class_names: [first, second, ...]."
                )
            return self.class_names, Meaning(None, numbering((), self.class_names))
        shape, kind = _header(file, "class_names", path)
        if kind.kind not in "USiu" or len(shape) > 1 or kind.itemsize * prod(shape) > _MOST_NAMES:
            raise DataError(
                f"{path}: class_names is {kind} {list(shape)}; it must be one row of texts."
            )
        found = np.atleast_1d(_loaded(file, "class_names", path)).tolist()
        try:
            names = [each.decode() if isinstance(each, bytes) else str(each) for each in found]
        except UnicodeDecodeError as error:
            raise DataError(
                f"{path}: class_names is not UTF-8 ({error}); save it as text."
            ) from error
        own = declared({"names": names}, f"{path}: class_names") or ()
        given = self.class_names or own
        return given, Meaning(own, numbering(own, given))


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    with ExitStack() as stack:
        try:
            # NumPy leaves a damaged file open where it is given the path
            stream = stack.enter_context(path.open("rb"))
            file = np.load(stream, allow_pickle=False)
        except _DAMAGE as error:
            raise DataError(f"{path} cannot be read as an .npz file: {error}.") from error
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise DataError(f"{path} is a single array; save images and labels with numpy.savez.")
        yield stack.enter_context(file)


def _key(there: Collection[str], names: tuple[str, ...], suffix: str, path: Path) -> str:
    known = [f"{name}{suffix}" for name in names]
    found = [name for name in known if name in there]
    if not found:
        wanted = " or ".join(f"'{name}'" for name in known)
        raise DataError(f"{path} holds no {wanted}, only: {', '.join(sorted(there))}.")
    if len(found) > 1:
        raise DataError(f"{path} holds '{found[0]}' and '{found[1]}'; take one of the two away.")
    return found[0]


def _images_header(file: Any, key: str, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return an image array's shape and type without reading its values, once found valid."""
    shape, dtype = _header(file, key, path)
    if dtype != np.uint8:
        raise DataError(f"{path}: '{key}' is {dtype}; it must be uint8, from 0 to 255.")
    is_shaped = len(shape) == 3 or (len(shape) == 4 and {shape[1], shape[3]} & set(_CHANNELS))
    if not is_shaped or 0 in shape[1:]:
        wanted = "[N, H, W], [N, H, W, C] or [N, C, H, W] with C 1, 3 or 4"
        raise DataError(f"{path}: '{key}' has the shape {list(shape)}; it must be {wanted}.")
    if not shape[0]:
        raise DataError(f"{path}: '{key}' holds no image.")
    return shape, dtype


def _header(file: Any, key: str, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return an array's shape and type; raises DataError where other bytes follow than they say."""
    with _member(file, key, path) as (member, shape, _, dtype):
        told, there = dtype.itemsize * prod(shape), file.zip.getinfo(f"{key}.npy").file_size
        if told != there - member.tell() and not dtype.hasobject:
            raise DataError(
                f"{path}: '{key}' has {counted(there - member.tell(), 'bytes')} instead of {told}."
            )
    return shape, dtype


@contextmanager
def _member(
    file: Any, key: str, path: Path
) -> Iterator[tuple[IO[bytes], tuple[int, ...], bool, np.dtype[Any]]]:
    """Open an array behind its header, with its shape, whether columns come first, and its type."""
    try:
        with file.zip.open(f"{key}.npy") as member:
            is_first = npy.read_magic(member) == (1, 0)
            read = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
            yield member, *read(member)
    except _DAMAGE as error:
        raise DataError(f"{path}: '{key}' cannot be read: {error}.") from error


def _rows(file: Any, key: str, path: Path) -> Iterator[NDArray[np.uint8]]:
    """Yield the images one by one: an archive may unpack to more than the memory holds."""
    with _member(file, key, path) as (member, shape, is_fortran, _):
        if is_fortran:
            yield from _loaded(file, key, path)
            return
        for _ in range(shape[0]):
            yield np.frombuffer(member.read(prod(shape[1:])), np.uint8).reshape(shape[1:])
        member.read(1)  # at its end the archive's checksum is compared


def _loaded(file: Any, key: str, path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = file[key]
    except _DAMAGE as error:
        raise DataError(f"{path}: '{key}' cannot be read: {error}.") from error
    return array


def _channels_last(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a grey image as `[H, W]`, any other as `[H, W, C]`."""
    if image.ndim == 3 and image.shape[2] not in _CHANNELS:
        image = image.transpose(1, 2, 0)
    return np.ascontiguousarray(image[..., 0] if image.ndim == 3 and image.shape[2] == 1 else image)


def _labels(file: Any, key: str, num_images: int, meaning: Meaning, path: Path) -> Labels:
    shape, _ = _header(file, key, path)
    if shape not in [(num_images,), (num_images, 1)]:
        raise DataError(
            f"{path}: '{key}' has the shape {list(shape)}, for {counted(num_images, 'images')}."
        )
    labels = _loaded(file, key, path)  # an object array is refused here, in NumPy's words
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{path}: '{key}' is {labels.dtype}; it must hold integers from 0.")
    numbers = {  # of each label once: there may be millions
        label: meaning.number(label, f"{path}: '{key}': row {np.argmax(labels == label)}")
        for label in np.unique(labels).tolist()
    }
    return np.array([numbers[label] for label in labels.reshape(num_images).tolist()], np.int64)
