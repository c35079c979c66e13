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
    """Yield the rows of a Parquet file as dictionaries; raises DataError where it is none."""
    # here, because texts in other formats need no pyarrow, which takes a while to import
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
        named = _class_names(table.schema)
    except (OSError, pa.ArrowException, ValueError, AttributeError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: not a valid Parquet file ({reason}).") from None
    for row in table.to_pylist():
        # a number means what the file itself calls it
        for column, names in named.items():
            if isinstance(row[column], int):
                if not 0 <= row[column] < len(names):
                    raise DataError(
                        f"{path}: '{column}' is {row[column]}, but the file's {len(names)} class "
                        f"names allow 0 to {len(names) - 1}."
                    )
                row[column] = names[row[column]]
        yield row


def _class_names(schema: Any) -> dict[str, list[str]]:
    """Return the names of each column that a Parquet file's metadata call a ClassLabel."""
    told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
    found = told.get("info", {}).get("features") or {}
    return {
        name: [str(each) for each in feature["names"]]
        for name, feature in found.items()
        if name in schema.names and isinstance(feature, dict) and feature.get("names")
    }


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
