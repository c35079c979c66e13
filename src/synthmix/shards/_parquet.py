"""One shard as a parquet file that `datasets` reads as Image and ClassLabel; pyarrow stays here."""

import io
import json
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from synthmix.errors import ArtifactError, counted
from synthmix.images import to_rgb
from synthmix.types import Json, Pixels, Request

Row = dict[str, Any]

_OPTIONS = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "none",  # PNG is compressed already
    "use_dictionary": ["prompt"],
    "write_statistics": False,
    "row_group_size": 100,  # what the Hub's viewer reads at once
}
VALUES = {
    "prompt": "string",
    "cut": "string",
    "seed": "int64",
    "index": "int64",
    "flags": "string",
}
"""Columns after image and label; `cut` is what of the prompt the text encoder did not read, `flags`
what was found, each null where there is nothing."""

MADE_FROM = ("label", "index", "seed", "prompt", "cut")
"""Columns that say which request an image answers."""

_MAY_BE_EMPTY = ("prompt", "cut", "flags")
_PICTURE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def row(
    request: Request, image: Pixels, *, flags: Sequence[str] = (), original: Pixels | None = None
) -> Row:
    """Return the image as lossless PNG with what it was made from and what was found."""
    path = f"{request.label:03d}-{request.index:05d}.png"
    found: Row = {
        "image": {"bytes": _png(image), "path": path},
        "label": request.label,
        "prompt": request.prompt,
        "cut": request.cut,
        "seed": request.seed,
        "index": request.index,
        "flags": "; ".join(flags) or None,
    }
    if original is not None:
        found["original"] = {"bytes": _png(original), "path": path}
    return found


def _png(image: Pixels) -> bytes:
    buffer = io.BytesIO()
    # level 1 is several times as fast as the default for files a few percent larger; after PNG's
    # own filters, runs alone compress photographs as well as the search for repeats, and faster
    Image.fromarray(image).save(buffer, "PNG", compress_level=1, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def write(path: Path, rows: Sequence[Row], class_names: tuple[str, ...]) -> None:
    """Write a shard whose bytes follow from its rows alone."""
    schema = _schema(class_names, has_originals="original" in rows[0])
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, **_OPTIONS)


def _schema(class_names: tuple[str, ...], *, has_originals: bool) -> Any:
    columns: dict[str, Any] = {"image": _PICTURE, "label": pa.int64()}
    features: dict[str, Json] = {
        "image": {"_type": "Image"},
        "label": {"names": list(class_names), "_type": "ClassLabel"},
    }
    if has_originals:
        columns["original"], features["original"] = _PICTURE, {"_type": "Image"}
    for name, kind in VALUES.items():
        columns[name] = pa.type_for_alias(kind)
        features[name] = {"dtype": kind, "_type": "Value"}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    return pa.schema(columns, metadata=metadata)


class ShardFile:
    """A finished shard, read; raises ArtifactError where its bytes are not what was written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _reading(path):
            self._file = pq.ParquetFile(path)
            self._num_images = int(self._file.metadata.num_rows)
            info = json.loads(self._file.schema_arrow.metadata[b"huggingface"])["info"]
            self.class_names = tuple(str(name) for name in info["features"]["label"]["names"])
            if self._num_images < 1:
                raise ValueError("it has no images")

    def __len__(self) -> int:
        return self._num_images

    def columns(self, *names: str) -> dict[str, list[Any]]:
        """Return whole columns by name."""
        with _reading(self.path):
            table = self._file.read(columns=list(names), use_threads=False)
            if any(table[name].null_count for name in names if name not in _MAY_BE_EMPTY):
                raise ValueError("it has empty values")
            return {name: table[name].to_pylist() for name in names}

    def images(self) -> Iterator[Pixels]:
        """Yield the decoded images `[H, W, 3]`, a row group in memory at a time."""
        for encoded in self._encoded():
            with _reading(self.path):
                image = to_rgb(_opened(encoded))
            yield image

    def check_images(self) -> None:
        """Decode every image and compare it with the checksums that PNG files carry."""
        for encoded in self._encoded():
            with _reading(self.path):
                # decoding alone does not compare them
                _opened(encoded).verify()
                to_rgb(_opened(encoded))

    def _encoded(self) -> Iterator[bytes]:
        found = 0
        for group in range(self._file.num_row_groups):
            with _reading(self.path):
                table = self._file.read_row_group(group, columns=["image"], use_threads=False)
                values = [value["bytes"] for value in table["image"].to_pylist()]
            yield from values
            found += len(values)
        with _reading(self.path):
            if found != len(self):
                raise ValueError(f"it has {counted(found, 'images')} instead of {len(self)}")


def _opened(encoded: bytes) -> Image.Image:
    return Image.open(io.BytesIO(encoded), formats=["PNG"])  # the one that `row` writes


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn what broken bytes cause, Pillow's SyntaxError among it, into an ArtifactError."""
    try:
        yield
    except (OSError, ValueError, TypeError, KeyError, SyntaxError, pa.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise ArtifactError(
            f"{path} is damaged ({reason}); the command that made it sets it aside and makes "
            "it anew."
        ) from error
