"""Which columns of a Parquet file hold images and labels, and what the classes are called."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import yaml

from synthmix.errors import DataError
from synthmix.types import Json

_IMAGES = ("image", "img")
_LABELS = ("label", "labels", "fine_label", "class")

Features = Mapping[str, Json]
"""Column name -> its Hugging Face feature, as the Parquet metadata spell it."""


def features(schema: Any, folder: Path, name: str | None) -> Features:
    """Return the features from the Parquet metadata, else from README.md, else none.

    Raises DataError where they are there and are not what the hub writes.
    """
    text = (schema.metadata or {}).get(b"huggingface")
    card = folder / "README.md"
    if text is None and not card.is_file():
        return {}
    try:
        return _from_card(card, name) if text is None else _from_metadata(text)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        where = f"{card}: its front matter" if text is None else f"{folder}: Parquet metadata"
        raise DataError(
            f"{where} does not describe columns as the hub does ({type(error).__name__}: {error}); "
            "mend it or take it away."
        ) from error


def _from_metadata(text: bytes) -> Features:
    found: Features = json.loads(text).get("info", {}).get("features") or {}
    for each in found.values():
        each.get("_type")  # of anything but an object this is the error to tell
    return found


def _from_card(card: Path, name: str | None) -> Features:
    parts = card.read_text(encoding="utf-8").split("---", 2)
    if parts[0].strip() or len(parts) < 3:
        return {}
    try:
        front = yaml.safe_load(parts[1])
    except yaml.YAMLError as error:
        line = str(error).partition("\n")[0]
        raise DataError(f"{card}: its front matter is not valid YAML: {line}.") from error
    infos = front.get("dataset_info", []) if isinstance(front, dict) else []
    infos = [infos] if isinstance(infos, dict) else infos
    chosen = [info for info in infos if name is None or info.get("config_name", name) == name]
    declared = chosen[0].get("features", []) if chosen else []
    return {each["name"]: _feature(each.get("dtype")) for each in declared}


def _feature(dtype: Json) -> Json:
    """Return a card's feature as the Parquet metadata spell it."""
    if dtype == "image":
        return {"_type": "Image"}
    if isinstance(dtype, dict) and "class_label" in dtype:
        names = dtype["class_label"].get("names", {})
        if isinstance(names, dict):  # {'0': airplane, '1': automobile, ...}
            names = [names[key] for key in sorted(names, key=int)]
        return {"_type": "ClassLabel", "names": [str(each) for each in names]}
    return {}


def class_names(known: Features, column: str) -> tuple[str, ...] | None:
    """Return the names of a ClassLabel column, None where the features hold none."""
    names = (known.get(column) or {}).get("names")
    return tuple(names) if names else None


def image_column(schema: Any, known: Features, asked: str | None, where: Path) -> str:
    """Return the column of encoded images: the one asked for, or the one that is found."""
    column = _column(schema, known, asked, "image", where)
    kind = schema.field(column).type
    if not (_is_binary(kind) or _holds_bytes(kind)):
        raise DataError(f"{where}: image_column '{column}' is {kind}; it must hold encoded images.")
    return column


def label_column(schema: Any, known: Features, asked: str | None, where: Path) -> str:
    """Return the column of classes: the one asked for, or the one that is found."""
    column = _column(schema, known, asked, "label", where)
    kind = schema.field(column).type
    if not (pa.types.is_integer(kind) or is_text(kind)):
        raise DataError(f"{where}: label_column '{column}' is {kind}; it must be integer or text.")
    return column


def is_text(kind: Any) -> bool:
    """Whether a column of this type holds text, plain or dictionary-encoded."""
    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _column(schema: Any, known: Features, asked: str | None, role: str, where: Path) -> str:
    there = schema.names
    if asked is not None:
        if asked not in there:
            raise DataError(f"{where} has no {role}_column '{asked}', only: {', '.join(there)}.")
        return asked
    usual, feature = (_IMAGES, "Image") if role == "image" else (_LABELS, "ClassLabel")
    typed = [each for each in there if (known.get(each) or {}).get("_type") == feature]
    found = _first(usual, there) or (typed[0] if len(typed) == 1 else None)
    if found is None:
        raise DataError(f"{where}: set {role}_column to one of: {', '.join(there)}.")
    return found


def _first(wanted: Iterable[str], there: Iterable[str]) -> str | None:
    return next((each for each in wanted if each in there), None)


def _is_binary(kind: Any) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _holds_bytes(kind: Any) -> bool:
    return bool(pa.types.is_struct(kind)) and any(
        field.name == "bytes" and _is_binary(field.type) for field in kind
    )
