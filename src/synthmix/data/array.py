"""Arrays in a NumPy `.npz` file: images and labels that are already decoded."""

import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray
from PIL import Image

from synthmix.data import ImageSource, Listing, Split
from synthmix.data._files import check_labels, stamp
from synthmix.errors import DataError, NoSuchSplit, SettingError
from synthmix.images import to_rgb
from synthmix.types import Labels, Pixels

_IMAGES = ("images", "pixels", "x")
_LABELS = ("labels", "y")
_CHANNELS = (1, 3, 4)
_DAMAGE = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error)


@dataclass(frozen=True, kw_only=True)
class Array(ImageSource):
    """uint8 arrays `[N, H, W]`, `[N, H, W, C]` or `[N, C, H, W]` with 1, 3 or 4 channels.

    A file holds `images` (or `pixels`, `x`), `labels` (or `y`) and perhaps `class_names`; where
    one file holds both splits, the names end in `_train` and `_test`. Where the first and the
    last axis of an image could both be its channels, the last one is.
    """

    path: str | None = None
    """File with the training split, or with both splits."""

    train_path: str | None = None
    """File with the training split, where `path` is not given."""

    test_path: str | None = None
    """File with the test split, where `path` does not hold it."""

    class_names: tuple[str, ...] | None = None
    """Names of the classes in label order; the file's own where not given."""

    def __post_init__(self) -> None:
        if (self.path is None) == (self.train_path is None):
            raise SettingError(
                f"path is {self.path!r} and train_path is {self.train_path!r}; give one of the two."
            )

    def list(self, split: Split) -> Listing:
        path = self._file(split)
        with _opened(path) as file:
            images, labels = self._keys(file, split, path)
            shape, _ = _header(file, images, path)
            names = self._names(file, path)
            _labels(file, labels, shape[0], names, path)
        return Listing(names, shape[0], stamp([path], path.parent))

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        path = self._file(split)
        with _opened(path) as file:
            images, key = self._keys(file, split, path)
            _header(file, images, path)
            pixels = _channels_last(_loaded(file, images, path))
            labels = _labels(file, key, len(pixels), self._names(file, path), path)
        for image, label in zip(pixels, labels, strict=True):
            yield to_rgb(Image.fromarray(image)), int(label)

    def names(self, split: Split, rows: Sequence[int]) -> Sequence[str]:
        return [f"{self._file(split).name}, row {row} ({split})" for row in rows]

    def _file(self, split: Split) -> Path:
        own = self.test_path if split == "test" else self.train_path
        path = own or self.path
        if path is None:
            raise NoSuchSplit(f"{self.train_path} has no test split: give test_path.")
        file = Path(path).expanduser()
        if not file.is_file():
            setting = f"{split}_path" if own else "path"
            raise DataError(f"{setting} is '{path}', but there is no such file.")
        return file

    def _keys(self, file: Any, split: Split, path: Path) -> tuple[str, str]:
        """Return the names of this split's images and labels in the file."""
        there = frozenset(file.files)
        suffix = f"_{split}" if any(name.endswith(("_train", "_test")) for name in there) else ""
        if split == "test" and not suffix and self.test_path is None:
            raise NoSuchSplit(f"{path} has no test split: give test_path, or x_test and y_test.")
        return _key(there, _IMAGES, suffix, path), _key(there, _LABELS, suffix, path)

    def _names(self, file: Any, path: Path) -> tuple[str, ...]:
        if self.class_names is not None:
            return self.class_names
        if "class_names" not in file:
            raise DataError(f"{path} has no class names: give class_names: [first, second, ...].")
        found = np.atleast_1d(_loaded(file, "class_names", path)).tolist()
        names = [each.decode() if isinstance(each, bytes) else str(each) for each in found]
        if not all(name.strip() for name in names):
            raise DataError(f"{path}: class_names holds an empty name: {names}.")
        return tuple(names)


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
    return found[0]


def _header(file: Any, key: str, path: Path) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return an image array's shape and type without reading its values, once found valid."""
    try:
        with file.zip.open(f"{key}.npy") as member:
            is_first = npy.read_magic(member) == (1, 0)
            read = npy.read_array_header_1_0 if is_first else npy.read_array_header_2_0
            shape, _, dtype = read(member)
    except _DAMAGE as error:
        raise DataError(f"{path}: '{key}' cannot be read: {error}.") from error
    if dtype != np.uint8:
        raise DataError(f"{path}: '{key}' is {dtype}; it must be uint8, from 0 to 255.")
    if not (len(shape) == 3 or (len(shape) == 4 and {shape[1], shape[3]} & set(_CHANNELS))):
        wanted = "[N, H, W], [N, H, W, C] or [N, C, H, W] with C 1, 3 or 4"
        raise DataError(f"{path}: '{key}' has the shape {list(shape)}; it must be {wanted}.")
    return shape, dtype


def _loaded(file: Any, key: str, path: Path) -> NDArray[Any]:
    try:
        array: NDArray[Any] = file[key]
    except _DAMAGE as error:
        raise DataError(f"{path}: '{key}' cannot be read: {error}.") from error
    return array


def _channels_last(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return grey images as `[N, H, W]`, others as `[N, H, W, C]`."""
    if pixels.ndim == 4 and pixels.shape[3] not in _CHANNELS:
        pixels = pixels.transpose(0, 2, 3, 1)
    return pixels[..., 0] if pixels.ndim == 4 and pixels.shape[3] == 1 else pixels


def _labels(
    file: Any, key: str, num_images: int, class_names: tuple[str, ...], path: Path
) -> Labels:
    labels = _loaded(file, key, path)
    if labels.shape not in [(num_images,), (num_images, 1)]:
        raise DataError(
            f"{path}: '{key}' has the shape {list(labels.shape)}, for {num_images} images."
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise DataError(f"{path}: '{key}' is {labels.dtype}; it must hold integers from 0.")
    labels = labels.reshape(num_images).astype(np.int64)
    check_labels(labels, class_names, f"{path}: '{key}'")
    return labels
