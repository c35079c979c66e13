"""A folder of images, one sub-folder per class (the ImageFolder layout)."""

import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from synthmix.data import ImageSource, Listing, Split
from synthmix.data._arrow import check_no_arrow
from synthmix.data._files import decoded, stamp
from synthmix.data._walk import ENDINGS, Walk, entries, folders, is_hidden
from synthmix.errors import DataError, NoSuchSplit, counted, shown
from synthmix.files import misfit
from synthmix.names import composed
from synthmix.noticed import legible
from synthmix.types import Pixels

_SPLIT = re.compile(
    r"(train|test|val|dev|eval)(s|ing|id|idation|uation)?([ _-]?(set|split|data|images))?",
    re.IGNORECASE,
)
"""What folders of splits are called."""

_SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Folder(ImageSource):
    """Image files under `<class>/`, or under `train/<class>/` and `test/<class>/`.

    AVIF, BMP, GIF, JPEG, PNG, PNM, TIFF, WebP, and HEIC with the extra `heic`: files of their
    endings or without one, the format told by the content; of several images in one file the first.
    Classes are sorted by name, the files of a class by path. Links are followed; hidden files
    and folders are passed over.
    """

    path: str
    """Folder that holds the class folders, or `train/` and `test/` that hold them."""

    test_path: str | None = None
    """Folder that holds the class folders of the test split; `test/` under `path` if not given."""

    def list(self, split: Split) -> Listing:
        root = self._root(split)
        walk, files = _walked(root)
        self._pass_over_beside(walk, root)
        content = stamp([file for found in files.values() for file in found], root)
        notes = (*walk.notes(), *_of_layout(root, files))
        return Listing(tuple(files), content["files"], content, walk.passed_over(), notes)

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        for label, found in enumerate(_walked(self._root(split))[1].values()):
            for file in found:
                yield decoded(file, str(file)), label

    def names(self, split: Split, rows: Sequence[int]) -> Sequence[str]:
        root = self._root(split)
        files = [file for found in _walked(root)[1].values() for file in found]
        return [files[row].relative_to(root.parent).as_posix() for row in rows]

    def place(self, split: Split) -> str:
        return os.path.abspath(self._root(split).parent)

    def _root(self, split: Split) -> Path:
        """Return the folder whose sub-folders are the classes of this split."""
        path = _existing(self.path, "path")
        root = self._find(path, split)
        other = path / "train" if _holds_splits(path) else path
        if split == "test" and other.is_dir():
            _check_same_classes(root, other)
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
            found = folders(path)
            # of several others, which one is meant is for the user to say
            is_one = sum(map(_is_split, found)) == 1
            kind = NoSuchSplit if is_one else DataError
            raise kind(
                f"{path} has no folder '{split}'; found: {', '.join(found)}.{_meant(path, split)}"
            )
        return path / split

    def _pass_over_beside(self, walk: Walk, root: Path) -> None:
        """Keep account of what lies beside the class folders, and beside the splits."""
        for entry in entries(root):
            if is_hidden(entry.name):
                walk.pass_over(f"hidden {'folders' if entry.is_dir() else 'files'}", entry.name)
            elif not entry.is_dir():
                walk.pass_over("files beside the class folders", entry.name)
        path = Path(self.path).expanduser()
        if root.parent == path and _holds_splits(path):
            used = {"train"} if self.test_path else {"train", "test"}
            for name in folders(path):
                if name not in used:
                    walk.pass_over(f"folders beside {' and '.join(sorted(used))}", f"../{name}")


def _existing(path: str, setting: str) -> Path:
    folder = Path(path).expanduser()
    why = misfit(folder, "folder") if path else "names nothing"
    if why:
        raise DataError(f"{setting} is '{path}', which {why}; name a folder of images.")
    check_no_arrow(folder)
    return folder


def _meant(path: Path, split: str) -> str:
    """Say which folder was meant for a split's, where one is called nearly so."""
    near = [name for name in folders(path) if name.lower().startswith(split) and _is_split(name)]
    return f" Call {shown(near[0])} '{split}'." if near else ""


def _is_split(name: str) -> bool:
    return _SPLIT.fullmatch(name) is not None


def _holds_splits(path: Path) -> bool:
    # a class may be called "train"; only a split has folders inside
    return any(folders(path / split) for split in ("train", "test"))


def _walked(root: Path) -> tuple[Walk, Mapping[str, Sequence[Path]]]:
    """Return every class's image files; raises DataError where there are none."""
    names = folders(root)
    if not names:
        raise DataError(f"{root} has no class folders: put each class's images in a folder of it.")
    walk = Walk(root)
    files = {name: walk.pictures(name) for name in names}
    for name, found in files.items():
        if not found:
            raise DataError(_of_empty(root / name, walk))
    _check_layout(root, files)
    return walk, files


def _of_empty(folder: Path, walk: Walk) -> str:
    said = f"Class '{folder.name}' is empty: {folder} holds no file of {', '.join(sorted(ENDINGS))}"
    mine = [note for note in walk.notes() if f"'{folder.name}/" in note]
    passed = f" ({'; '.join(note.rstrip('.') for note in mine)})" if mine else ""
    return f"{said}{passed}."


def _check_layout(root: Path, files: Mapping[str, Sequence[Path]]) -> None:
    """Raise DataError where the folders that would be classes hold the classes themselves."""
    names = list(files)
    nested = [name for name in names if not _has_own(root / name, files[name])]
    if len(names) == 1 and nested:
        raise DataError(
            f"{root} holds one folder alone, '{names[0]}', which would be the only class: "
            f"name {root / names[0]} where the folders in it are the classes."
        )
    splits = list(filter(_is_split, names))
    if (len(names) > 1 and splits == names) or len(set(splits) & set(nested)) > 1:
        raise DataError(
            f"{root} holds no classes but what look like splits: {', '.join(splits)}. Give one of "
            "them as path and another as test_path, or call them train and test."
        )


def _has_own(folder: Path, files: Sequence[Path]) -> bool:
    """Whether pictures lie in the class folder itself, not in folders of it alone."""
    return any(file.parent == folder for file in files)


def _of_layout(root: Path, files: Mapping[str, Sequence[Path]]) -> Iterator[str]:
    """Yield where the folders may not be meant as they are taken."""
    inner = {name: _inner(root / name, found) for name, found in files.items()}
    single = [f"{name}/{next(iter(found))}" for name, found in inner.items() if len(found) == 1]
    single = [each for each in single if not each.endswith("/")]
    if single:
        yield (
            f"{len(single)} of {counted(len(files), 'class folders')} hold their pictures in one "
            "folder inside "
            f"alone ({_some(single)}): is the folder above meant?"
        )
    yield from _of_same_folders(inner)
    split = sorted({each for found in inner.values() for each in found if _is_split(each)})
    if split:
        yield f"class folders hold folders {_some(split)}; the pictures of all of them are taken"
    odd = [name for name in files if _is_split(name)]
    if odd:
        yield f"classes are called {_some(odd)}, as splits are"
    beside = [entry.name for entry in entries(root) if not entry.is_dir()]
    beside = [name for name in beside if os.path.splitext(name)[1].lower() in ENDINGS]
    beside = [name for name in beside if not is_hidden(name)]
    if beside:
        lost = counted(len(beside), "pictures lie beside the class folders")
        yield f"{lost}, in no class: {_some(beside)}"


def _of_same_folders(inner: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield that the classes may lie a level below: each folder holds some that others hold."""
    counts = Counter(chain.from_iterable(inner.values()))
    same = {name for name, count in counts.items() if count > 1}
    has_own = "" in counts
    if has_own or len(same) < 2 or not all(found & same for found in inner.values()):
        return
    if any(map(_is_split, same)):  # told as such
        return
    names = _some(sorted(same))
    first = next(iter(inner))
    name = min(inner[first] & same)
    yield (
        f"class folders hold the same folders, {names}, and no picture beside them: "
        f"{_some([*inner])} are taken for the classes; where {names} are the classes, put "
        f"'{legible(first)}/{legible(name)}' at '{legible(name)}/{legible(first)}', and so on"
    )


def _inner(folder: Path, files: Sequence[Path]) -> set[str]:
    """Return the folders of a class in which its pictures lie, '' for the class folder itself."""
    parts = (file.relative_to(folder).parts for file in files)
    return {each[0] if len(each) > 1 else "" for each in parts}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(f"'{legible(name)}'" for name in names[:_SHOWN]) + more


def _check_same_classes(test: Path, train: Path) -> None:
    here, there = (set(map(composed, folders(path))) for path in (test, train))
    if here != there:
        names = ", ".join(map(shown, sorted(here ^ there)))
        raise DataError(f"{test} and {train} differ in their class folders: {names}.")
