"""Which files of a folder are pictures, what is passed over, and why."""

import os
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from synthmix.data import PassedOver
from synthmix.data._metadata import HEAD, READ, format_of
from synthmix.errors import DataError, counted
from synthmix.extras import install_extra
from synthmix.noticed import EXAMPLES, legible

_HEIC = {".heic", ".heif", ".hif"}
ENDINGS = {
    *(".apng", ".avif", ".bmp", ".dib", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".mpo", ".pbm"),
    *(".pgm", ".pjp", ".pjpeg", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"),
}
"""Endings of the formats that are read, beside those of HEIC."""

_HIDDEN = {
    *("thumbs.db", "ehthumbs.db", "desktop.ini", "$recycle.bin", "recycler"),  # Windows
    *("system volume information", "__macosx", "icon\r", "lost+found"),
    *("@eadir", "@recycle", "@recently-snapshot", "#recycle", "#snapshot"),  # network storage
}
"""Names, in small letters, of what systems leave in folders and hide, beside those with a dot."""


def is_hidden(name: str) -> bool:
    """Whether a file or folder of this name is one that its system does not show."""
    return name.startswith(".") or name.lower() in _HIDDEN


def entries(folder: Path) -> Sequence[os.DirEntry[str]]:
    """Return what a folder holds, sorted by name.

    Raises DataError where it cannot be listed, and for a link in it that leads nowhere.
    """
    try:
        with os.scandir(folder) as listed:
            found = sorted(listed, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(f"{folder} cannot be listed ({error.strerror}).") from error
    for entry in found:
        if entry.is_symlink() and not is_hidden(entry.name) and not os.path.exists(entry.path):
            raise DataError(f"{entry.path} leads nowhere: it is a link to what is not there.")
    return found


def folders(path: Path) -> Sequence[str]:
    """Return the names of the folders in a folder that are not hidden, sorted; links count."""
    if not path.is_dir():
        return []
    return [each.name for each in entries(path) if each.is_dir() and not is_hidden(each.name)]


class Walk:
    """Looks through the class folders of one root and keeps account of what it passes over."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._passed: dict[str, list[str]] = {}
        self._by_ending: dict[str, list[str]] = {}
        # a link to one of these would take everything for one class
        above = (root.resolve(), *root.resolve().parents)
        self._above = {_identity(os.stat(folder)) for folder in above}
        self._first: dict[tuple[int, int], Path] = {}
        self._shared: list[str] = []
        self._endings = ENDINGS | (_HEIC if find_spec("pillow_heif") else set())

    def pictures(self, name: str) -> Sequence[Path]:
        """Return the pictures of a class folder and of the folders in it, sorted by path."""
        return sorted(self._below(self._root / name, name, set(self._above)))

    def pass_over(self, reason: str, path: str) -> None:
        """Keep account of a file or folder, by its path below the root, that is not taken."""
        self._passed.setdefault(reason, []).append(path)

    def passed_over(self) -> tuple[PassedOver, ...]:
        """Return what was passed over until now."""
        by_count = sorted(self._by_ending, key=lambda ending: -len(self._by_ending[ending]))
        others = [name for ending in by_count for name in self._by_ending[ending]]
        kinds = [legible(ending) or "none" for ending in by_count[:5]] + ["..."] * (
            len(by_count) > 5
        )
        passed = {**self._passed, f"files of other kinds (endings: {', '.join(kinds)})": others}
        return tuple(
            PassedOver(reason, len(names), tuple(map(legible, names[:EXAMPLES])))
            for reason, names in passed.items()
            if names
        )

    def notes(self) -> tuple[str, ...]:
        """Return what of it is probably not meant."""
        found = [*self._shared]
        for ending, names in self._by_ending.items():
            kinds = {name: _kind(self._root / name) for name in names[:EXAMPLES]}
            name, kind = next(((n, k) for n, k in kinds.items() if k), ("", ""))
            if kind:
                name, ending = legible(name), legible(ending)
                are = "is" if len(names) == 1 else "are"
                found.append(
                    f"{counted(len(names), 'files')} ending in '{ending}' {are} passed over, but "
                    f"'{name}' is a {kind} picture: {_remedy(kind)}."
                )
        return tuple(found)

    def _below(self, folder: Path, class_name: str, seen: set[tuple[int, int]]) -> Iterator[Path]:
        """Yield the pictures below a folder, each real folder once for a class."""
        identity = _identity(os.stat(folder))
        if identity in seen:
            self.pass_over(
                "folders that are read already, found again through links", self._of(folder)
            )
            return
        seen.add(identity)
        first = self._first.setdefault(identity, folder.relative_to(self._root))
        if first.parts[0] != class_name:
            self._shared.append(
                f"one folder's pictures are in two classes, by a link: as "
                f"'{legible(first.as_posix())}' and as '{legible(self._of(folder))}'"
            )
        for entry in entries(folder):
            path = Path(entry.path)
            if is_hidden(entry.name):
                kind = "folders" if entry.is_dir() else "files"
                self.pass_over(f"hidden {kind}", self._of(path))
            elif entry.is_dir():
                yield from self._below(path, class_name, seen)
            elif self._is_picture(path):
                yield path
            else:
                self._by_ending.setdefault(_ending(path), []).append(self._of(path))

    def _is_picture(self, path: Path) -> bool:
        ending = _ending(path)
        return ending in self._endings or (not ending and _kind(path) in READ)

    def _of(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _ending(path: Path) -> str:
    return os.path.splitext(path.name)[1].strip().lower()


def _kind(path: Path) -> str | None:
    """Return the format that a file's content shows, None where it is no picture."""
    if not path.is_file():  # a pipe would be waited for without an end
        return None
    try:
        with path.open("rb") as file:
            return format_of(file.read(HEAD))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}).") from error


def _remedy(kind: str) -> str:
    if kind == "HEIF" and not find_spec("pillow_heif"):
        return f"HEIC is read once this is installed: {install_extra('heic')}"
    if kind in READ:
        return "give such files an ending of their format"
    return f"this format is not read; save them as one of {', '.join(READ)}"
