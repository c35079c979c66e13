"""Which columns of a Parquet file hold images and labels, and what their metadata tell of them."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from synthmix.data._card import NOT_DESCRIBED, Features
from synthmix.errors import DataError

_IMAGES = ("image", "img")
_LABELS = ("label", "labels", "fine_label", "class")


def features(schema: Any, file: Path) -> Features:
    """Return the features that a Parquet file's own metadata tell, none where they tell nothing.

    Raises DataError where they are there and are not what the hub writes.
    """
    text = (schema.metadata or {}).get(b"huggingface")
    try:
        found: Features = {} if text is None else json.loads(text).get("info", {}).get("features")
        for each in (found or {}).values():
            each.get("_type")  # of anything but an object this is the error to tell
    except NOT_DESCRIBED as error:
        raise DataError(
            f"{file}: Parquet metadata does not describe columns as the hub does "
            f"({type(error).__name__}: {error}); save it again."
        ) from error
    return found or {}


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
    is_kind = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    return any(each(inner) for each in is_kind)


def _column(schema: Any, known: Features, asked: str | None, role: str, where: Path) -> str:
    there = schema.names
    if asked is not None:
        if there.count(asked) != 1:
            number = "no" if asked not in there else "more than one"
            raise DataError(
                f"{where} has {number} {role}_column '{asked}', only: {', '.join(there)}."
            )
        return asked
    usual, feature = (_IMAGES, "Image") if role == "image" else (_LABELS, "ClassLabel")
    usually = [each for each in usual if each in there]
    if len(usually) > 1:
        raise DataError(
            f"{where}: {' and '.join(map(repr, usually))} may each be the {role} column; "
            f"set {role}_column to the one that is meant."
        )
    typed = [each for each in there if (known.get(each) or {}).get("_type") == feature]
    found = (usually or typed)[0] if len(usually or typed) == 1 else None
    if found is None or there.count(found) > 1:
        raise DataError(f"{where}: set {role}_column to one of: {', '.join(there)}.")
    return found


def _is_binary(kind: Any) -> bool:
    is_kind = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view)
    return any(each(kind) for each in is_kind)


def _holds_bytes(kind: Any) -> bool:
    return bool(pa.types.is_struct(kind)) and any(
        field.name == "bytes" and _is_binary(field.type) for field in kind
    )
