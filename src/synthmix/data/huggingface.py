"""A Hugging Face image data set: a hub id, or a local folder with Parquet files."""

import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
from pyarrow import compute, parquet

from synthmix.data import ImageSource, Listing, Split
from synthmix.data._arrow import check_no_arrow
from synthmix.data._card import Card, read_card
from synthmix.data._files import decoded, stamp, status
from synthmix.data._hub import located
from synthmix.data._shards import (
    Records,
    check_all_there,
    check_num_rows,
    check_record,
    files_in,
    of_split,
    passed,
)
from synthmix.data.classes import Meaning, Names, declared, joined, numbering
from synthmix.data.columns import features, image_column, is_text, label_column
from synthmix.errors import DataError
from synthmix.names import composed
from synthmix.types import Pixels

_ROWS = 256  # rows in memory at a time
_BUFFER = 1 << 20  # bytes; without a buffer a whole column chunk is read at once


@dataclass(frozen=True)
class _Shard:
    """A Parquet file, and how it is read."""

    file: Path
    num_rows: int
    image: str
    label: str
    is_text: bool
    names: Names | None
    """What the numbers in its label column stand for, as it or the card says."""


@dataclass(frozen=True)
class _Table:
    """A split: its files, and what each of their labels means."""

    listing: Listing
    records: Records | None
    shards: Sequence[tuple[_Shard, Meaning]]


@dataclass(frozen=True, kw_only=True)
class Huggingface(ImageSource):
    """Images and labels from Parquet files in the layouts of the Hugging Face hub.

    Columns and class names are found in the files' metadata or the folder's README.md; classes
    given as text are numbered in sorted order. Each file's numbers mean what it calls them, and
    the files and rows must be those that file names and README.md promise. Local folders need no
    network.
    """

    output_revision: ClassVar[int] = 2

    path: str
    """Hub id (owner/name), or a local folder with Parquet files."""

    name: str | None = None
    """Configuration: as README.md describes it, or the sub-folder of that name."""

    revision: str | None = None
    """Branch, tag or commit on the hub; its default branch where not given."""

    image_column: str | None = None
    """Column with the encoded images; found where not given."""

    label_column: str | None = None
    """Column with the classes; found where not given."""

    train_split: str = "train"
    """Name of the training split, with which its files' names start, or which they hold."""

    test_split: str = "test"
    """Name of the test split, with which its files' names start, or which they hold."""

    class_names: tuple[str, ...] | None = None
    """Names of the classes; the data set's own where not given, renamed in place where others."""

    def list(self, split: Split) -> Listing:
        return self._table(split).listing

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        table = self._table(split)
        for shard, meaning in table.shards:
            check_record(shard.file, table.records)
            row = 0
            for batch in _batches(shard.file, [shard.image, shard.label]):
                pairs = zip(batch.column(shard.image), batch.column(shard.label), strict=True)
                for image, label in pairs:
                    number = meaning.number(label.as_py(), f"{shard.file}: row {row}")
                    yield _decoded(image.as_py(), f"{shard.file}, row {row},"), number
                    row += 1

    def names(self, split: Split, rows: Sequence[int]) -> Sequence[str]:
        shards = [shard for shard, _ in self._table(split).shards]
        firsts = list(accumulate((shard.num_rows for shard in shards), initial=0))
        of = [bisect_right(firsts, row) - 1 for row in rows]
        return [
            f"{shards[k].file.name}, row {row - firsts[k]}" for k, row in zip(of, rows, strict=True)
        ]

    def place(self, split: Split) -> str:
        folder = Path(self.path).expanduser()
        return os.path.abspath(folder) if folder.is_dir() else self.path

    def _table(self, split: Split) -> _Table:
        folder, commit = located(self.path, self.name, self.revision)
        if commit is None and not any(folder.rglob("*.parquet")):
            check_no_arrow(folder)
        card = read_card(folder, self.name)
        there = files_in(folder, self.name, card)
        splits = {"train": self.train_split, "test": self.test_split}
        asked = (*splits.values(),)
        of = {key: of_split(there, card, name, asked) for key, name in splits.items()}
        files = of[split]
        check_all_there(there, card, files, splits[split], asked)
        shards = self._shards(files, card)
        if not shards:
            raise DataError(f"{folder}: the files of the split '{splits[split]}' hold no row.")
        num_rows = sum(shard.num_rows for shard in shards)
        check_num_rows(card, splits[split], num_rows, folder)
        try:
            others = self._shards(of["test" if split == "train" else "train"], card)
        except DataError:  # told where that split is asked for
            others = []
        both = (shards, others) if split == "train" else (others, shards)
        names, number_of = self._classes(*both, card, folder)
        meanings = [Meaning(shard.names, number_of) for shard in shards]

        left = [
            file for file in there.parquet if file not in of["train"] and file not in of["test"]
        ]
        passed_over = [passed("Parquet files of other splits", left, folder)] if left else []
        content = stamp(files, folder)
        if commit:
            content = {"commit": commit, "files": [f.relative_to(folder).as_posix() for f in files]}
        notes = () if card.fault is None else (f"{card.fault}; it was left unread.",)
        listing = Listing(names, num_rows, content, (*passed_over, *there.passed_over), notes)
        return _Table(listing, there.records, list(zip(shards, meanings, strict=True)))

    def _shards(self, files: Sequence[Path], card: Card) -> Sequence[_Shard]:
        """Return how each file is read, those without rows left out; all have the same columns."""
        found: list[_Shard] = []
        for file in files:
            with _opened(file) as opened:
                schema, num_rows = opened.schema_arrow, int(opened.metadata.num_rows)
            if num_rows == 0:  # nothing in it has a type that could be wrong
                continue
            own = features(schema, file)
            known = {**card.features, **own}
            image_asked = found[0].image if found else self.image_column
            label_asked = found[0].label if found else self.label_column
            image = image_column(schema, known, image_asked, file)
            label = label_column(schema, known, label_asked, file)
            names = declared(own.get(label), f"{file}: Parquet metadata")
            told = declared(card.features.get(label), str(card.path))
            if None not in (names, told) and names != told and self.class_names is None:
                raise DataError(
                    f"{file} calls its classes {_shown(names)}, {card.path.name} calls them "
                    f"{_shown(told)}: mend {card.path.name}, or give class_names."
                )
            text = is_text(schema.field(label).type)
            found.append(_Shard(file, num_rows, image, label, text, names or told))
        return found

    def _classes(
        self, train: Sequence[_Shard], test: Sequence[_Shard], card: Card, folder: Path
    ) -> tuple[Names, dict[str, int]]:
        """Return the classes of both splits, and the number of each name that a file uses."""
        shards = [*train, *test]
        own = joined(shard.names for shard in shards if shard.names)
        nameless = [shard for shard in shards if not (shard.is_text or shard.names)]
        names = self.class_names
        if names is None:
            texts = [_values(each) for each in shards if each.is_text and not each.names]
            names = joined([own, tuple(sorted(set().union(*texts)))])
        if not names:
            why = f" ({card.fault})" if card.fault else ""
            raise DataError(
                f"{folder} names no classes{why}: give class_names: [first, second, ...] "
                f"for the numbers in the column '{shards[0].label}'."
            )
        number_of = numbering(own, names)
        is_in_order = all(number_of.get(name) == k for k, name in enumerate(own))
        if nameless and not (self.class_names is not None and is_in_order):
            raise DataError(
                f"{nameless[0].file}: nothing names the numbers in its column "
                f"'{nameless[0].label}', while other files name theirs: save it with names, or "
                "give class_names in the order of the numbers."
            )
        return names, number_of


def _shown(names: Names | None) -> str:
    return ", ".join(f"'{name}'" for name in (names or ())[:8])


def _values(shard: _Shard) -> set[str]:
    """Return the classes that a text column holds."""
    values: set[str] = set()
    for batch in _batches(shard.file, [shard.label]):
        values.update(compute.unique(batch.column(shard.label)).to_pylist())
    return {composed(value) for value in values if value}


@contextmanager
def _opened(file: Path) -> Iterator[Any]:
    """Open a Parquet file; raises DataError, with its name, where it is damaged."""
    status(file)  # a pipe would be waited for without an end
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
