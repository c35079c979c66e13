"""A folder of images, one sub-folder per class (the ImageFolder layout)."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthmix.data import ImageSource, Listing, Split
from synthmix.data._files import decoded, stamp
from synthmix.errors import DataError, NoSuchSplit
from synthmix.types import Pixels

_EXTENSIONS = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True, kw_only=True)
class Folder(ImageSource):
    """Image files under `<class>/`, or under `train/<class>/` and `test/<class>/`.

    BMP, GIF, JPEG, PGM, PNG, PPM, TIFF and WebP; of an animation the first image. Classes are
    sorted by name, the files of a class by path. Hidden files are passed over.
    """

    path: str
    """Folder that holds the class folders, or `train/` and `test/` that hold them."""

    test_path: str | None = None
    """Folder that holds the class folders of the test split; `test/` under `path` if not given."""

    def list(self, split: Split) -> Listing:
        root = self._root(split)
        files = _files(root)
        content = stamp([file for found in files.values() for file in found], root)
        return Listing(tuple(files), content["files"], content)

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        for label, found in enumerate(_files(self._root(split)).values()):
            for file in found:
                yield decoded(file, str(file)), label

    def names(self, split: Split, rows: Sequence[int]) -> Sequence[str]:
        root = self._root(split)
        files = [file for found in _files(root).values() for file in found]
        return [files[row].relative_to(root.parent).as_posix() for row in rows]

    def _root(self, split: Split) -> Path:
        """Return the folder whose sub-folders are the classes of this split."""
        path = _existing(self.path, "path")
        root = self._find(path, split)
        other = path / "train" if _holds_splits(path) else path
        if split == "test" and other.is_dir():
            _same_classes(root, other)
        return root

    def _find(self, path: Path, split: Split) -> Path:
        if split == "test" and self.test_path is not None:
            return _existing(self.test_path, "test_path")
        if not _holds_splits(path):
            if split == "train":
                return path
            raise NoSuchSplit(
                f"{path} has no test split: give test_path, or train/ and test/ in it."
            )
        if not (path / split).is_dir():
            raise NoSuchSplit(
                f"{path} has no folder '{split}'; found: {', '.join(_folders(path))}."
            )
        return path / split


def _existing(path: str, setting: str) -> Path:
    folder = Path(path).expanduser()
    if not path or not folder.is_dir():
        raise DataError(f"{setting} is '{path}', but there is no such folder.")
    return folder


def _holds_splits(path: Path) -> bool:
    # a class may be called "train"; only a split has folders inside
    return any(_folders(path / split) for split in ("train", "test"))


def _folders(path: Path) -> Sequence[str]:
    if not path.is_dir():
        return []
    return sorted(each.name for each in path.iterdir() if each.is_dir() and each.name[0] != ".")


def _files(root: Path) -> Mapping[str, Sequence[Path]]:
    """Return every class's image files; raises DataError where there are none."""
    names = _folders(root)
    if not names:
        raise DataError(f"{root} has no class folders: put each class's images in a folder of it.")
    files = {name: _images(root / name) for name in names}
    for name, found in files.items():
        if not found:
            kinds = ", ".join(sorted(_EXTENSIONS))
            raise DataError(f"Class '{name}' is empty: {root / name} holds no file of {kinds}.")
    return files


def _images(folder: Path) -> Sequence[Path]:
    return sorted(
        Path(parent, name)
        for parent, _, names in os.walk(folder)
        for name in names
        if name[0] != "." and os.path.splitext(name)[1].lower() in _EXTENSIONS
    )


def _same_classes(test: Path, train: Path) -> None:
    here, there = set(_folders(test)), set(_folders(train))
    if here != there:
        names = ", ".join(f"'{name}'" for name in sorted(here ^ there))
        raise DataError(f"{test} and {train} differ in their class folders: {names}.")
