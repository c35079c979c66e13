"""Prompts from a file: JSON, JSONL, CSV or Parquet, texts by class name."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from synthmix.errors import DataError, SettingError, shown, suggestion
from synthmix.files import misfit
from synthmix.names import distinct, matched
from synthmix.prompts import PromptStrategy
from synthmix.prompts.written import parquet_rows
from synthmix.store import sha256
from synthmix.types import Json, Prompt

Entry = tuple[str, Any, str]
"""Class name, text as it was read, and where it was read."""

# keys of JSONL and columns of CSV and Parquet: either name will do
_CLASS = ("class", "label")
_TEXT = ("prompt", "text")


@dataclass(frozen=True, kw_only=True)
class File(PromptStrategy):
    """Takes each class's prompts in the file's order.

    Fewer than `per_class` are cycled: the images of equal texts differ by their seeds. More are
    left over. Raises SettingError for the path, DataError for what is in the file.
    """

    speaks_names: ClassVar[bool] = False

    path: str
    """JSON {class: [text]} or {class: {index: text}}; else rows with class and prompt (text)."""

    def content(self) -> Json:
        path = Path(self.path).expanduser()
        if why := misfit(path):
            raise SettingError(f"path is '{self.path}', which {why}; name a file of prompts.")
        return sha256(path)

    def check(self, class_names: tuple[str, ...]) -> None:
        path = Path(self.path).expanduser()
        _by_class(_read(path), class_names, path)

    def write(self, class_names: tuple[str, ...], per_class: int, *, seed: int) -> Iterator[Prompt]:
        path = Path(self.path).expanduser()
        texts = _by_class(_read(path), class_names, path)
        for index in range(per_class):
            for label, name in enumerate(class_names):
                number = index % len(texts[name])
                source = {"file": path.name, "number": number}
                yield Prompt(label, index, texts[name][number], self.name, source)


def prompts_in(
    path: Path, class_names: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], list[Prompt]]:
    """Return a file's classes, in its order where none are given, and every prompt of it."""
    if why := misfit(path):
        raise SettingError(f"{path} {why}; name a file of prompts.")
    entries = list(_read(path))
    names = distinct(class_names or dict.fromkeys(name for name, _, _ in entries))
    counts = dict.fromkeys(names, 0)
    found = []
    if not entries:
        raise DataError(f"{path}: there is no prompt in it.")
    for given, text, where in entries:
        name = matched(given, names)
        if name not in counts:
            raise DataError(
                f"{where}: {shown(name)} is none of the classes. {suggestion(name, names)}"
            )
        if not _is_text(text):
            raise DataError(f"{where}: the prompt of class '{name}' must be a text, got {text!r}.")
        place = {"file": path.name, "number": counts[name]}
        found.append(Prompt(names.index(name), counts[name], text, "file", place))
        counts[name] += 1
    for name, count in counts.items():
        if not count:
            raise DataError(f"{path}: class '{name}' has no prompt; every class needs one.")
    return names, found


def _by_class(
    entries: Iterable[Entry], class_names: tuple[str, ...], path: Path
) -> dict[str, list[str]]:
    texts: dict[str, list[str]] = {name: [] for name in class_names}
    for given, text, where in entries:
        name = matched(given, class_names)
        if name not in texts:
            raise DataError(
                f"{where}: unknown class {shown(name)}. {suggestion(name, class_names)}"
            )
        if not _is_text(text) or not text.strip():
            raise DataError(f"{where}: the prompt of class '{name}' must be a text, got {text!r}.")
        texts[name].append(text)
    for name, found in texts.items():
        if not found:
            raise DataError(f"{path}: class '{name}' has no prompt; every class needs one.")
    return texts


def _is_text(value: Any) -> bool:
    """Whether this is a text that any program can read: half of a surrogate pair is none."""
    return isinstance(value, str) and not any("\ud800" <= each <= "\udfff" for each in value)


def _read(path: Path) -> Iterator[Entry]:
    readers = {".json": _read_json, ".jsonl": _read_jsonl, ".csv": _read_csv}
    if why := misfit(path):
        raise SettingError(f"path: {path} {why}; name a file of prompts.")
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    if path.suffix.lower() not in readers:
        raise SettingError(f"path must end in {', '.join(readers)}, .parquet, got {path.name!r}.")
    try:
        # "utf-8-sig": spreadsheets begin their files with a byte order mark
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        raise DataError(f"{path} line {line}: it must be UTF-8, and is not.") from None
    return readers[path.suffix.lower()](text, path)


def _read_json(text: str, path: Path) -> Iterator[Entry]:
    content = _parsed(text, path, 1)
    if not isinstance(content, dict):
        raise DataError(f"{path}: it must be {{class: [text]}}, got a {type(content).__name__}.")
    for name, texts in content.items():
        if not texts:
            raise DataError(f"{path}: class '{name}' has no prompt; every class needs one.")
        for value in _in_order(texts, f"{path}: class '{name}'"):
            yield name, value, str(path)


def _in_order(texts: Any, where: str) -> list[Any]:
    if isinstance(texts, list):
        return texts
    if not isinstance(texts, dict):
        raise DataError(f"{where}: it must be [text] or {{index: text}}, got {texts!r}.")
    for index in texts:
        if not index.isdecimal() or len(index) > 18:
            raise DataError(f"{where}: an index must be a number, got '{index[:40]}'.")
    return [texts[index] for index in sorted(texts, key=int)]


def _read_jsonl(text: str, path: Path) -> Iterator[Entry]:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            row = _parsed(line, path, number)
            if not isinstance(row, dict):
                raise DataError(
                    f"{path} line {number}: it must be an object, got {line.strip()!r}."
                )
            yield _entry(row, f"{path} line {number}")


def _read_csv(text: str, path: Path) -> Iterator[Entry]:
    _check_commas(text.partition("\n")[0], path)
    # strict: a quote that is never closed would swallow the rows behind it
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        header = list(reader.fieldnames or ())
        for name in header:
            if header.count(name) > 1:
                raise DataError(f"{path} line 1: column '{name}' stands twice.")
        for row in reader:
            where = f"{path} line {reader.line_num}"
            if None in row:
                raise DataError(
                    f"{where}: more columns than the header's {len(header)}; a text with commas "
                    "needs quotes."
                )
            yield _entry(row, where)
    except csv.Error as error:
        raise DataError(f"{path} line {reader.line_num}: not valid CSV: {error}.") from None


def _check_commas(header: str, path: Path) -> None:
    """Raise DataError where something else than commas stands between the columns."""
    for mark, name in ((",", ""), ("\t", "tabs"), (";", "semicolons"), ("|", "bars")):
        columns = {each.strip(' "\r') for each in header.split(mark)}
        if columns.isdisjoint({*_CLASS, *_TEXT}):
            continue
        if name and len(columns) > 1:
            raise DataError(
                f"{path} line 1: its columns are separated by {name} ({mark!r}), not by commas; "
                "save it as comma-separated values (CSV)."
            )
        return


def _read_parquet(path: Path) -> Iterator[Entry]:
    for number, row in enumerate(parquet_rows(path), start=1):
        yield _entry(row, f"{path} row {number}")


def _parsed(text: str, path: Path, first_line: int) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_unique)
    except _Repeated as error:
        raise DataError(f"{path}: the key {error.args[0]!r} stands twice in one object.") from None
    except RecursionError:
        raise DataError(f"{path}: its values are nested too deeply for prompts.") from None
    except json.JSONDecodeError as error:
        line = first_line + error.lineno - 1
        raise DataError(f"{path} line {line}: not valid JSON: {error.msg}.") from None
    except ValueError as error:  # a number of more digits than Python reads
        raise DataError(f"{path} line {first_line}: not valid JSON: {error}.") from None


class _Repeated(Exception):
    """A key stands twice: of its two values JSON would keep the last, in silence."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Repeated(next(key for key in keys if keys.count(key) > 1))
    return found


def _entry(row: Mapping[str, Any], where: str) -> Entry:
    name = _value(row, _CLASS, where)
    if not isinstance(name, (str, int)) or isinstance(name, bool) or not str(name).strip():
        raise DataError(f"{where}: the class must be a name, got {name!r}.")
    return str(name), _value(row, _TEXT, where), where


def _value(row: Mapping[str, Any], keys: tuple[str, str], where: str) -> Any:
    there = [key for key in keys if key in row]
    # an empty cell is what a table has where its other column is meant
    filled = [key for key in there if row[key] not in (None, "")]
    if len(filled) > 1 and str(row[filled[0]]) != str(row[filled[1]]):
        said = " and ".join(f"{key} {shown(str(row[key]))}" for key in filled)
        raise DataError(f"{where}: it has {said}, which mean the same here; keep one of them.")
    if there:
        return row[(filled or there)[0]]
    raise DataError(
        f"{where}: it needs '{keys[0]}' or '{keys[1]}', got {', '.join(map(str, row))}."
    )
