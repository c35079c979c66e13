"""A Hugging Face image data set: a hub id, or a local folder with Parquet files."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import compute, parquet

from synthmix.data import ImageSource, Listing, Split
from synthmix.data._columns import class_names, features, image_column, is_text, label_column
from synthmix.data._files import check_labels, decoded, stamp
from synthmix.data._hub import located, shards
from synthmix.errors import DataError, NoSuchSplit
from synthmix.types import Labels, Pixels

_ROWS = 256  # rows in memory at a time
_BUFFER = 1 << 20  # bytes; without a buffer a whole column chunk is read at once


@dataclass(frozen=True)
class _Table:
    """The Parquet files of a split and how they are read."""

    folder: Path
    commit: str | None
    files: Sequence[Path]
    image: str
    label: str
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Huggingface(ImageSource):
    """Images and labels from Parquet files in the layouts of the Hugging Face hub.

    Columns and class names are found in the files' metadata or the folder's README.md; classes
    given as text are numbered in sorted order. Local folders need no network.
    """

    path: str
    """Hub id (owner/name), or a local folder with Parquet files."""

    name: str | None = None
    """Configuration: the sub-folder of that name, where there are several."""

    revision: str | None = None
    """Branch, tag or commit on the hub; its default branch where not given."""

    image_column: str | None = None
    """Column with the encoded images; found where not given."""

    label_column: str | None = None
    """Column with the classes; found where not given."""

    train_split: str = "train"
    """Name of the training split, with which its files' names start."""

    test_split: str = "test"
    """Name of the test split, with which its files' names start."""

    class_names: tuple[str, ...] | None = None
    """Names of the classes in label order; the data set's own where not given."""

    def list(self, split: Split) -> Listing:
        table = self._table(split)
        total = 0
        for file in table.files:
            with _opened(file) as opened:
                total += opened.metadata.num_rows
        names = [file.relative_to(table.folder).as_posix() for file in table.files]
        at_hub = {"commit": table.commit, "files": names}
        return Listing(
            table.names, total, at_hub if table.commit else stamp(table.files, table.folder)
        )

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        table = self._table(split)
        for file in table.files:
            row = 0
            for batch in _batches(file, [table.image, table.label]):
                where = f"{file}, from row {row}"
                labels = _numbered(batch.column(table.label), table.names, where)
                for image, label in zip(batch.column(table.image), labels, strict=True):
                    yield _decoded(image.as_py(), f"{file}, row {row},"), int(label)
                    row += 1

    def names(self, split: Split, rows: Sequence[int]) -> Sequence[str]:
        files = self._table(split).files
        counts = []
        for file in files:
            with _opened(file) as opened:
                counts.append(opened.metadata.num_rows)
        ends = np.cumsum(counts)
        of = np.searchsorted(ends, rows, "right")
        firsts = ends - counts
        return [f"{files[k].name}, row {row - firsts[k]}" for k, row in zip(of, rows, strict=True)]

    def _table(self, split: Split) -> _Table:
        folder, commit = located(self.path, self.name, self.revision)
        files = self._files(folder, self.test_split if split == "test" else self.train_split)
        with _opened(files[0]) as opened:
            schema = opened.schema_arrow
        known = features(schema, folder, self.name)
        image = image_column(schema, known, self.image_column, files[0])
        label = label_column(schema, known, self.label_column, files[0])
        names = self.class_names or class_names(known, label)
        if names is None and is_text(schema.field(label).type):
            names = self._values(folder, label)
        if names is None:
            raise DataError(
                f"{folder} names no classes: give class_names: [first, second, ...] "
                f"for the numbers in the column '{label}'."
            )
        return _Table(folder, commit, files, image, label, names)

    def _files(self, folder: Path, split: str) -> Sequence[Path]:
        splits = (self.train_split, self.test_split)
        files = shards(folder, self.name, split, splits)
        if not files:
            there = sorted(
                file.relative_to(folder).as_posix() for file in folder.rglob("*.parquet")
            )
            if not there:
                raise DataError(f"path is '{self.path}', a folder without Parquet files.")
            raise NoSuchSplit(
                f"{folder} has no Parquet file of the split '{split}', only: "
                f"{', '.join(there[:8])}. Set train_split and test_split to these."
            )
        return files

    def _values(self, folder: Path, column: str) -> tuple[str, ...]:
        """Return the sorted values of a text column over both splits, which number it alike."""
        splits = (self.train_split, self.test_split)
        values: set[str] = set()
        for split in splits:
            for file in shards(folder, self.name, split, splits):
                for batch in _batches(file, [column]):
                    values.update(compute.unique(batch.column(column)).to_pylist())
        return tuple(sorted(value for value in values if value is not None))


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Open a Parquet file; raises DataError, with its name, where it is damaged."""
    try:
        with parquet.ParquetFile(file, buffer_size=_BUFFER, pre_buffer=False) as opened:
            yield opened
    except (pa.ArrowException, OSError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{file} cannot be read as a Parquet file: {reason}") from error


def _batches(file: Path, columns: Sequence[str]) -> Iterator[Any]:
    with _opened(file) as opened:
        yield from opened.iter_batches(batch_size=_ROWS, columns=columns, use_threads=False)


def _decoded(image: Any, name: str) -> Pixels:
    encoded = image.get("bytes") if isinstance(image, dict) else image
    if encoded is None:
        raise DataError(f"{name} holds no image bytes; save the data set with its images embedded.")
    return decoded(BytesIO(encoded), name)


def _numbered(column: Any, names: tuple[str, ...], where: str) -> Labels:
    """Return labels as numbers; raises DataError where one is absent or unknown."""
    if column.null_count:
        raise DataError(f"{where}: a label is missing.")
    if not is_text(column.type):
        labels: Labels = column.to_numpy(zero_copy_only=False).astype(np.int64)
        check_labels(labels, names, where)
        return labels
    numbers = {name: number for number, name in enumerate(names)}
    values = column.to_pylist()
    unknown = sorted(set(values) - set(names))
    if unknown:
        raise DataError(f"{where}: class '{unknown[0]}' is not among class_names.")
    return np.array([numbers[value] for value in values], dtype=np.int64)
