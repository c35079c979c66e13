"""Files of prompts: JSONL and Parquet with all that is known, JSON with the texts by class."""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from synthmix.errors import DataError, SettingError
from synthmix.store import canonical, replacing
from synthmix.types import Prompt

Row = dict[str, Any]


def check_name(path: Path) -> None:
    """Raise SettingError where no format goes with a file's name."""
    if path.suffix.lower() not in _WRITERS:
        raise SettingError(f"OUT must end in {', '.join(_WRITERS)}, got '{path.name}'.")


def write_prompts(path: Path, class_names: Sequence[str], prompts: Sequence[Prompt]) -> None:
    """Write prompts in the format of the file's name; the strategy `file` reads every one."""
    rows = [
        {
            "class": class_names[each.label],
            "index": each.index,
            "prompt": each.text,
            "strategy": each.strategy,
            "source": each.source,
        }
        for each in prompts
    ]
    with replacing(path) as temporary:
        _WRITERS[path.suffix.lower()](temporary, rows)


def parquet_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a Parquet file as dictionaries; raises DataError where it is none.

    Where the file names the classes that its numbers stand for, the names stand in the rows.
    """
    # here, because texts in other formats need no pyarrow, which takes a while to import
    import pyarrow as pa
    import pyarrow.parquet as pq

    from synthmix.data.classes import declared
    from synthmix.data.columns import features

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not a valid Parquet file ({reason}).") from None
    known = features(table.schema, path)
    told = {
        name: declared(known.get(name), f"{path}: Parquet metadata") for name in table.schema.names
    }
    for row in table.to_pylist():
        yield {name: _named(value, told[name], name, path) for name, value in row.items()}


def _named(value: Any, names: Sequence[str] | None, column: str, path: Path) -> Any:
    """Return the class that a number stands for; what is none, or has no name, as it is."""
    if names is None or not isinstance(value, int):
        return value
    if not 0 <= value < len(names):
        raise DataError(
            f"{path}: '{column}' is {value}, but the file's {len(names)} class names allow 0 to "
            f"{len(names) - 1}."
        )
    return names[value]


def _write_jsonl(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _write_json(path: Path, rows: Sequence[Row]) -> None:
    texts: dict[str, dict[str, str]] = {}
    for row in rows:
        texts.setdefault(row["class"], {})[str(row["index"])] = row["prompt"]
    path.write_text(json.dumps(texts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_parquet(path: Path, rows: Sequence[Row]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    # what a prompt was made from has another shape in each strategy, and may be of any depth
    flat = [{**row, "source": canonical(row["source"])} for row in rows]
    pq.write_table(pa.Table.from_pylist(flat), path)


_WRITERS: dict[str, Callable[[Path, Sequence[Row]], None]] = {
    ".jsonl": _write_jsonl,
    ".parquet": _write_parquet,
    ".json": _write_json,
}
