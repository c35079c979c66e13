"""Names decide, not positions: pictures whose brightness tells what they show."""

import json
import unicodedata
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from synthmix.data.huggingface import Huggingface
from synthmix.errors import DataError

FIRST, SECOND = "train-00000-of-00002.parquet", "train-00001-of-00002.parquet"
COAL, SNOW = ("coal", "snow"), ("snow", "coal")


def picture(value: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (4, 4), (value, value, value)).save(file, "PNG")
    return file.getvalue()


def write(path: Path, names: tuple[str, ...] | None, *, kind: Any = None, **more: Any) -> None:
    """Write coal, snow, coal, snow as numbers of these names, or as text where there are none."""
    shown = ["coal", "snow"] * 2
    labels = pa.array([names.index(name) for name in shown] if names else shown, kind)
    pictures = [picture(10 if name == "coal" else 240) for name in shown]
    table = pa.table({"image": pictures, "label": labels, **more})
    if names:
        feature = {"_type": "ClassLabel", "names": names}
        info = json.dumps({"info": {"features": {"label": feature}}})
        table = table.replace_schema_metadata({"huggingface": info})
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path)


def plain(path: Path) -> None:
    """Write the pictures with numbers that nothing names: coal 0, snow 1."""
    write(path, COAL)
    parquet.write_table(parquet.read_table(path).replace_schema_metadata(None), path)


def card(folder: Path, *names: str) -> None:
    lines = "".join(f"          '{number}': {name}\n" for number, name in enumerate(names))
    (folder / "README.md").write_text(
        "---\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n"
        f"        names:\n{lines}---\n",
        encoding="utf-8",
    )


def read(folder: Path, split: str = "train", **settings: Any) -> set[tuple[str, str]]:
    """Return what pictures show, each with what it is called."""
    source = Huggingface(path=str(folder), **settings)
    names = source.list(split).class_names
    return {("snow" if p.mean() > 99 else "coal", names[k]) for p, k in source.read(split)}


RIGHT = {("coal", "coal"), ("snow", "snow")}


@pytest.mark.parametrize(
    "second", [COAL, SNOW, ("ash", "snow", "coal"), None], ids=["same", "turned", "more", "text"]
)
@pytest.mark.parametrize("first", [COAL, SNOW, None], ids=["same", "turned", "text"])
def test_each_file_numbers_its_classes_by_itself(tmp_path: Path, first: Any, second: Any) -> None:
    write(tmp_path / FIRST, first)
    write(tmp_path / SECOND, second)
    assert read(tmp_path) == RIGHT


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary("int32", "string")])
def test_text_of_every_kind_is_a_name(tmp_path: Path, kind: Any) -> None:
    write(tmp_path / FIRST, None, kind=kind)
    write(tmp_path / SECOND, SNOW, kind=pa.uint8())
    assert read(tmp_path) == RIGHT


def test_splits_may_order_their_classes_differently(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", COAL)
    write(tmp_path / "test.parquet", SNOW)
    source = Huggingface(path=str(tmp_path))
    assert source.list("train").class_names == source.list("test").class_names == COAL
    assert read(tmp_path, "test") == RIGHT


def test_names_that_are_given_are_found_by_name(tmp_path: Path) -> None:
    write(tmp_path / FIRST, COAL)
    write(tmp_path / SECOND, SNOW)
    assert read(tmp_path, class_names=SNOW) == RIGHT
    assert read(tmp_path, class_names=("ash", "coal", "snow")) == RIGHT
    with pytest.raises(DataError, match=r"row 1: class 'snow' is not among class_names"):
        read(tmp_path, class_names=("ash", "coal"))


def test_other_names_that_are_given_rename_what_stands_there(tmp_path: Path) -> None:
    write(tmp_path / FIRST, COAL)
    write(tmp_path / SECOND, SNOW)
    assert read(tmp_path, class_names=("Kohle", "Schnee")) == {
        ("coal", "Kohle"),
        ("snow", "Schnee"),
    }
    assert read(tmp_path, class_names=("coal", "Schnee")) == {("coal", "coal"), ("snow", "Schnee")}


def test_numbers_without_names_beside_named_ones_are_told(tmp_path: Path) -> None:
    write(tmp_path / FIRST, COAL)
    plain(tmp_path / SECOND)
    for given in (None, SNOW):
        with pytest.raises(DataError, match=r"00001-of-00002\.parquet: nothing names the numbers"):
            read(tmp_path, class_names=given)
    assert read(tmp_path, class_names=COAL) == RIGHT


def test_a_card_that_numbers_other_than_a_file_is_told(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", COAL)
    card(tmp_path, *SNOW)
    with pytest.raises(DataError, match=r"calls its classes 'coal', 'snow', README\.md calls them"):
        read(tmp_path)
    assert read(tmp_path, class_names=SNOW) == RIGHT


@pytest.mark.parametrize("name", ["off", "NO", "08", "1:30", "1_000", "~", "null", "1e3", "0x1F"])
def test_a_card_names_classes_as_it_is_written(tmp_path: Path, name: str) -> None:
    plain(tmp_path / "train.parquet")
    card(tmp_path, name, "snow")
    assert Huggingface(path=str(tmp_path)).list("train").class_names == (name, "snow")


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("caf\u00e9", "caf\u00e9"), "two classes are called 'caf\u00e9'"),
        (("''", "snow"), "a name is empty"),
        (("[coal]", "snow"), "a name is list, not text"),
    ],
)
def test_names_that_a_card_cannot_mean_are_told(tmp_path: Path, names: Any, message: str) -> None:
    plain(tmp_path / "train.parquet")
    card(tmp_path, *names)
    with pytest.raises(DataError, match=message):
        read(tmp_path)


@pytest.mark.parametrize("numbers", [("0", "2"), ("1", "2"), ("0", "x")])
def test_a_card_numbers_its_classes_from_0_without_a_gap(tmp_path: Path, numbers: Any) -> None:
    plain(tmp_path / "train.parquet")
    card(tmp_path, *COAL)
    text = (tmp_path / "README.md").read_text()
    for old, new in zip(("'1'", "'0'"), reversed(numbers), strict=True):
        text = text.replace(old, new)
    (tmp_path / "README.md").write_text(text)
    with pytest.raises(DataError, match="does not describe columns as the hub does, in its class"):
        read(tmp_path)


def test_one_name_in_two_unicode_forms_is_one_class(tmp_path: Path) -> None:
    for form, file in (("NFC", FIRST), ("NFD", SECOND)):
        labels = [unicodedata.normalize(form, "caf\u00e9"), "snow"]
        parquet.write_table(pa.table({"image": [picture(9)] * 2, "label": labels}), tmp_path / file)
    source = Huggingface(path=str(tmp_path))
    assert source.list("train").class_names == ("caf\u00e9", "snow")
    assert [label for _, label in source.read("train")] == [0, 1, 0, 1]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, -1], r"row 1 has the label -1, .*; -1 marks images without a label"),
        (pa.array([0, 2**64 - 1], pa.uint64()), "row 1 has the label 18446744073709551615"),
        (["coal", ""], "row 1: a label is missing"),
        (["coal", None], "row 1: a label is missing"),
        ([True, False], "label_column 'label' is bool; it must be integer or text"),
        ([[0], [1]], "label_column 'label' is list"),
        ([{"a": 0}, {"a": 1}], "label_column 'label' is struct"),
        ([0.0, 1.0], "label_column 'label' is double"),
    ],
)
def test_a_label_of_no_class_is_named_by_file_and_row(
    tmp_path: Path, labels: Any, message: str
) -> None:
    table = pa.table({"image": [picture(9)] * 2, "label": labels})
    parquet.write_table(table, tmp_path / "train.parquet")
    settings = {} if isinstance(labels, list) and labels[0] == "coal" else {"class_names": COAL}
    with pytest.raises(DataError, match=rf"train\.parquet:? {message}"):
        read(tmp_path, **settings)


def test_a_later_file_has_the_columns_of_the_first(tmp_path: Path) -> None:
    write(tmp_path / FIRST, COAL)
    for lacking in ("image", "label"):
        write(tmp_path / SECOND, COAL, target=[0, 1, 0, 1])
        parquet.write_table(
            parquet.read_table(tmp_path / SECOND).drop([lacking]), tmp_path / SECOND
        )
        message = rf"00001-of-00002\.parquet has no {lacking}_column '{lacking}', only: .*target"
        with pytest.raises(DataError, match=message):
            read(tmp_path)


def test_a_file_without_rows_has_no_say(tmp_path: Path) -> None:
    write(tmp_path / FIRST, COAL)
    parquet.write_table(pa.table({"image": pa.nulls(0), "label": pa.nulls(0)}), tmp_path / SECOND)
    assert read(tmp_path) == RIGHT
    parquet.write_table(pa.table({"image": pa.nulls(0), "label": pa.nulls(0)}), tmp_path / FIRST)
    with pytest.raises(DataError, match="hold no row"):
        read(tmp_path)


@pytest.mark.parametrize(
    "image", [None, {"bytes": None, "path": "a.png"}, {"bytes": b"", "path": None}]
)
def test_an_image_that_is_not_there_is_named_by_file_and_row(tmp_path: Path, image: Any) -> None:
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    images = pa.array([{"bytes": picture(9), "path": None}, image], kind)
    table = pa.table({"image": images, "label": ["coal", "snow"]})
    parquet.write_table(table, tmp_path / "train.parquet")
    with pytest.raises(DataError, match=r"train\.parquet, row 1, (holds no image|cannot be read)"):
        np.array([label for _, label in Huggingface(path=str(tmp_path)).read("train")])
