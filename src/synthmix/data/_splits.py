"""What the names of files and folders say of the splits they hold, by the rules of `datasets`."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from synthmix.errors import DataError

_KEYWORDS = (
    ("train", "training"),
    ("validation", "valid", "val", "dev"),
    ("test", "testing", "eval", "evaluation"),
)
WORDS = frozenset(word for group in _KEYWORDS for word in group)
"""What splits are called, in small letters."""

_BETWEEN_WORDS = re.compile(r"[\W\d_]+|(?<=[a-z])(?=[A-Z])")
_NUMBERED = re.compile(r"(?P<split>\w+(?:\.\w+)*)-[0-9]+-of-[0-9]+.*")


def name_any(files: Sequence[Path], splits: Sequence[str]) -> bool:
    """Whether the path of any file, below the data set's folder, names a split."""
    return any(_exact(file, splits) or _meant(file.parts, splits) for file in files)


def of_name(files: Sequence[Path], split: str, splits: Sequence[str]) -> Sequence[Path]:
    """Return the files whose paths, below the data set's folder, name a split.

    Such a file's name starts with the split, or a folder has its name; where there is none, a word
    for the split stands anywhere in the path. Raises DataError where a file names two splits.
    """
    found = [file for file in files if split in _exact(file, splits)]
    if not found:
        found = [
            file
            for file in files
            if not _exact(file, splits) and split in _meant(file.parts, splits)
        ]
    for file in found:
        exact = _exact(file, splits)
        told = exact | _meant([_rest(file, splits)] if exact else file.parts, splits)
        if len(told) > 1:
            both = " and ".join(f"'{each}'" for each in sorted(told))
            raise DataError(
                f"{file.as_posix()} names the splits {both}: rename it so that it names one of "
                "them, or name the files of each split in README.md."
            )
    return found


def spelled(files: Iterable[Path]) -> Sequence[str]:
    """Return the splits that the paths name, as the settings of a source may name them."""
    found = set()
    for file in files:
        numbered = _NUMBERED.fullmatch(file.stem)
        words = [word for part in file.with_suffix("").parts for word in _words(part)]
        found.add(
            numbered["split"] if numbered else next(iter(words), file.stem.rstrip("-_. 0123456789"))
        )
    return sorted(found - {""})


def above(file: Path, split: str, splits: Sequence[str]) -> Path:
    """Return the folder that holds a split's files: above the one that is named after it."""
    for k, part in enumerate(file.parts[:-1]):
        if part == split or split in _meant([part], splits):
            return Path(*file.parts[:k])
    return file.parent


def _exact(file: Path, splits: Sequence[str]) -> set[str]:
    """Return which of the splits asked for a file's name starts with, or a folder is called."""
    start = _start(file, splits)
    return {each for each in splits if each in file.parts[:-1] or each == start}


def _start(file: Path, splits: Sequence[str]) -> str:
    # "train-00000-of-00002" and "train_0", but neither "trainer" nor "train_extra"
    starts = [each for each in splits if re.match(rf"{re.escape(each)}(?!_?[A-Za-z])", file.stem)]
    return max(starts, key=len, default="")


def _rest(file: Path, splits: Sequence[str]) -> str:
    return file.stem[len(_start(file, splits)) :]


def _meant(parts: Iterable[str], splits: Sequence[str]) -> set[str]:
    """Return the splits that words in these names stand for, by the name asked for where it is."""
    found = set()
    for word in (word for part in parts for word in _words(part)):
        group = next(each for each in _KEYWORDS if word in each)
        asked = [each for each in splits if each.lower() in group]
        found.add(asked[0] if len(set(asked)) == 1 else word if word in asked else group[0])
    return found


def _words(name: str) -> list[str]:
    return [each.lower() for each in _BETWEEN_WORDS.split(name) if each.lower() in WORDS]
