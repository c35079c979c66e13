"""Which Parquet files are a split's, and whether all of them are there."""

import filecmp
import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from itertools import islice, starmap
from pathlib import Path, PurePosixPath
from typing import Any

from synthmix.data import PassedOver
from synthmix.data._card import Card
from synthmix.data._files import status
from synthmix.data._splits import above, name_any, of_name, spelled
from synthmix.errors import DataError, NoSuchSplit, shown
from synthmix.records import is_record
from synthmix.store import read_json, sha256

_OF_TOTAL = re.compile(r".*-(?P<number>[0-9]{1,9})-of-(?P<total>[0-9]{1,9})(?![0-9]).*")
_HIDDEN = (".", "__")  # `datasets` reads neither .cache and ._train.parquet nor __MACOSX
_DESCRIPTIONS = ("README.md", "dataset_infos.json", "manifest.json")

Records = Mapping[Path, Mapping[str, Any]]
"""Bytes and sha256 of each Parquet file of a set that was made here."""


@dataclass(frozen=True)
class Files:
    """What lies in the folder of a data set."""

    folder: Path
    root: Path
    """The folder, or that of the configuration in it."""

    parquet: Sequence[Path]
    records: Records | None
    """Of a set made here, whose manifest alone says what belongs to it; None for any other."""

    passed_over: tuple[PassedOver, ...]
    """Hidden, of other kinds, or not recorded."""


def files_in(folder: Path, name: str | None, card: Card) -> Files:
    """Return the files of a configuration; raises DataError where there is no such folder."""
    below = card.folder or ("" if card.patterns is not None else name or "")
    if card.is_named and not (folder / below).is_dir():
        below = ""  # a configuration need not have a folder of its name
    root = folder / below
    if not root.is_dir() or not root.is_relative_to(folder) or ".." in Path(below).parts:
        there = sorted(each.name for each in folder.iterdir() if each.is_dir())
        raise DataError(f"name is '{name}', but {folder} has only: {', '.join(there) or 'files'}.")
    parquet, hidden, others = _walked(root)
    records = _records(folder)
    strangers = [each for each in parquet if records is not None and each not in records]
    kinds = ", ".join(sorted({each.suffix or each.name for each in others})[:8])
    found = {
        "hidden entries": hidden,
        f"files of other kinds ({kinds})": others,
        "Parquet files that manifest.json does not record": strangers,
    }
    return Files(
        folder,
        root,
        [each for each in parquet if each not in strangers],
        records,
        tuple(passed(reason, files, folder) for reason, files in found.items() if files),
    )


def passed(reason: str, files: Sequence[Path], folder: Path) -> PassedOver:
    """Return what is told of files that are not taken."""
    return PassedOver(reason, len(files), tuple(_relative(each, folder) for each in files[:3]))


def of_split(there: Files, card: Card, split: str, splits: Sequence[str]) -> Sequence[Path]:
    """Return a split's files in order, of which some may be missing; empty where it has none.

    Where the card lists files, these are they. Else a file belongs to the split that its path
    names; where no file names any split, all are the first of `splits`'.
    """
    if card.patterns is not None:
        below = PurePosixPath(card.folder)
        patterns = [(below / each).parts for each in card.patterns.get(split, ())]
        relative = {file: file.relative_to(there.folder).parts for file in there.parquet}
        return [f for f in there.parquet if any(_matches(relative[f], each) for each in patterns)]
    files = {file.relative_to(there.root): file for file in there.parquet}
    found: Sequence[Path] = list(files)
    if name_any(found, splits):
        found = of_name(found, split, splits)
    elif split != splits[0]:
        return []
    parents = {above(file, split, splits) for file in found}
    if len(parents) > 1:
        names = ", ".join(sorted(_relative(there.root / each, there.folder) for each in parents))
        raise DataError(
            f"{there.folder} holds more than one configuration: set name to one of: {names}."
        )
    return [files[each] for each in found]


def check_all_there(
    there: Files, card: Card, files: Sequence[Path], split: str, splits: Sequence[str]
) -> None:
    """Raise an error where a split's files are not those that names, card and manifest promise.

    NoSuchSplit where there are none, nothing promises any, and one other split alone is there;
    DataError for all else.
    """
    for file, record in (there.records or {}).items():
        if not file.is_file() or file.stat().st_size != record["bytes"]:
            raise DataError(
                f"{file} is missing or not as long as manifest.json records; run the command that "
                "made this set again."
            )
    if not files:
        raise _absent(there, card, split, splits)
    _check_numbers(there.folder, files, split)


def check_num_rows(card: Card, split: str, num_rows: int, folder: Path) -> None:
    """Raise DataError where a split has other rows than the card counts, as `datasets` does."""
    told = card.num_rows.get(split, num_rows)
    if told != num_rows:
        raise DataError(
            f"{folder}: {card.path.name} tells of {told:,} rows in '{split}', its files hold "
            f"{num_rows:,}; fetch all of them and no others, or mend {card.path.name}."
        )


def check_record(file: Path, records: Records | None) -> None:
    """Raise DataError where a file of a set made here has other bytes than were recorded."""
    record = (records or {}).get(file)
    if record is not None and sha256(file) != record["sha256"]:
        raise DataError(
            f"{file} has other bytes than manifest.json records; run the command that made this "
            "set again."
        )


def _absent(there: Files, card: Card, split: str, splits: Sequence[str]) -> DataError:
    """Return the error that says why a split has no file."""
    if not there.parquet:
        return DataError(f"path is '{there.folder}', a folder without Parquet files.")
    only = _listed(there.parquet, there.folder)
    if split in (card.patterns or ()) or card.num_rows.get(split):
        return DataError(
            f"{there.folder}: {card.path.name} tells of a split '{split}', but no Parquet file of "
            f"it is there, only: {only}. Fetch it."
        )
    files = [each.relative_to(there.root) for each in there.parquet]
    if card.patterns is None and not name_any(files, splits):
        return NoSuchSplit(
            f"{there.folder} has no Parquet file of the split '{split}', only: {only}, whose names "
            f"tell no split. Start the names of its files with '{split}'."
        )
    others = spelled(files) if card.patterns is None else list(card.patterns)
    # of several others, which one is meant is for the user to say
    kind = NoSuchSplit if len(others) == 1 else DataError
    return kind(
        f"{there.folder} has no Parquet file of the split '{split}', only: "
        f"{', '.join(map(shown, others))}. Set train_split and test_split to these."
    )


def _check_numbers(folder: Path, files: Sequence[Path], split: str) -> None:
    """Raise DataError where numbered files are not each of 0 to their total, once."""
    found = {file: _OF_TOTAL.fullmatch(file.stem) for file in files}
    told = {f: (int(each["number"]), int(each["total"])) for f, each in found.items() if each}
    if not told and any(file.stem == "0000" for file in files):  # as the hub converts data sets
        counted = {file: int(file.stem) for file in files if re.fullmatch("[0-9]{4,9}", file.stem)}
        told = {file: (number, max(counted.values()) + 1) for file, number in counted.items()}
    if not told:
        _refuse_copies(files)
        return
    total = max(each for _, each in told.values())
    if len(told) < len(files) or any(each != total for _, each in told.values()):
        raise DataError(
            f"{folder}: the files of '{split}' are of several savings: {_listed(files, folder)}; "
            "take away those that are left from another."
        )
    numbers = Counter(number for number, _ in told.values())
    twice = [file for file, (number, _) in told.items() if numbers[number] > 1]
    if twice:
        raise DataError(
            f"{folder}: the files of '{split}' hold a number twice: {_listed(twice, folder)}; "
            "take away those that are left from another saving."
        )
    if len(numbers) != total or max(numbers) >= total:
        missing = islice((str(each) for each in range(total) if each not in numbers), 4)
        raise DataError(
            f"{folder}: of the {total} files of '{split}' {len(numbers)} are there "
            f"({_listed(files, folder)}); missing, first of all: {', '.join(missing) or 'none'}. "
            "Fetch them, or rename the others where they are all that is wanted."
        )


def _refuse_copies(files: Sequence[Path]) -> None:
    by_size: dict[int, list[Path]] = {}
    for file in files:
        same = by_size.setdefault(status(file).st_size, [])
        twin = next((each for each in same if filecmp.cmp(each, file, shallow=False)), None)
        if twin is not None:
            raise DataError(f"{twin} and {file.name} hold the same bytes; take one away.")
        same.append(file)


def _walked(root: Path) -> tuple[list[Path], list[Path], list[Path]]:
    """Return Parquet files, hidden files and folders, and other files below; links are followed."""
    parquet: list[Path] = []
    hidden: list[Path] = []
    others: list[Path] = []
    seen = set()
    for place, folders, names in os.walk(root, followlinks=True):
        if os.path.realpath(place) in seen:  # a link to what it lies in
            folders.clear()
            continue
        seen.add(os.path.realpath(place))
        hidden += [Path(place, each) for each in (*folders, *names) if each.startswith(_HIDDEN)]
        folders[:] = [each for each in folders if not each.startswith(_HIDDEN)]
        for file in (Path(place, each) for each in names if not each.startswith(_HIDDEN)):
            if file.suffix.lower() == ".parquet":
                parquet.append(file)
            elif file.name not in _DESCRIPTIONS:
                others.append(file)
    return sorted(parquet), sorted(hidden), sorted(others)


def _records(folder: Path) -> Records | None:
    path = folder / "manifest.json"
    manifest = read_json(path) if path.is_file() else None
    parts = manifest.get("parts") if isinstance(manifest, dict) else None
    if manifest is None or not isinstance(parts, dict) or "fingerprint" not in manifest:
        return None  # a file of another program
    if not all(starmap(is_record, parts.items())):
        raise DataError(f"{path} is damaged; run the command that made this set again.")
    return {folder / name: each for name, each in parts.items() if name.endswith(".parquet")}


@cache
def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a path is one of a pattern, in which `**` stands for any folders."""
    if not parts or not pattern:
        return not parts and not pattern
    if pattern[0] == "**":
        return pattern[1:] == () or any(_matches(parts[k:], pattern[1:]) for k in range(len(parts)))
    return fnmatchcase(parts[0], pattern[0]) and _matches(parts[1:], pattern[1:])


def _listed(files: Sequence[Path], folder: Path) -> str:
    names = [_relative(file, folder) for file in files[:8]]
    return ", ".join(names) + (f" and {len(files) - 8} more" if len(files) > 8 else "")


def _relative(file: Path, folder: Path) -> str:
    return file.relative_to(folder).as_posix()
