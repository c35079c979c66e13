import os
import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from synthmix.data import _hub
from synthmix.data.columns import features
from synthmix.data.huggingface import Huggingface
from synthmix.errors import DataError, MissingPackage

CIFAR10 = Path(__file__).parents[3] / "shared" / "data" / "cifar10"


def png(value: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (4, 4), (value, value, value)).save(file, "PNG")
    return file.getvalue()


def write(path: Path, labels: Any, image: str = "image", label: str = "label", **more: Any) -> Path:
    images = [{"bytes": png(row), "path": None} for row in range(len(labels))]
    path.parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(pa.table({image: images, label: labels, **more}), path)
    return path


def listed(folder: Path, split: str = "train", **settings: Any) -> tuple[tuple[str, ...], int]:
    listing = Huggingface(path=str(folder), **settings).list(split)
    return listing.class_names, listing.num_images


def labels(folder: Path, split: str = "train", **settings: Any) -> list[int]:
    return [label for _, label in Huggingface(path=str(folder), **settings).read(split)]


def test_it_reads_what_the_datasets_library_reads(parquet_folder: Path) -> None:
    from datasets import Dataset

    files = sorted(str(path) for path in (parquet_folder / "data").glob("train-*"))
    expected = [row for file in files for row in Dataset.from_parquet(file, cache_dir=file + "_")]
    read = list(Huggingface(path=str(parquet_folder)).read("train"))
    for (image, label), row in zip(read, expected, strict=True):
        assert label == row["label"]
        assert (image == np.asarray(row["img"])).all()


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ("train.parquet", "test.parquet"),
        ("data/train-00000-of-00001.parquet", "data/test-00000-of-00001.parquet"),
        ("plain_text/train-00000-of-00001.parquet", "plain_text/test-00000-of-00001.parquet"),
        ("default/train/0000.parquet", "default/test/0000.parquet"),
    ],
)
def test_splits_are_found_by_file_or_folder_name(tmp_path: Path, train: str, test: str) -> None:
    write(tmp_path / train, ["b", "a", "b"])
    write(tmp_path / test, ["a", "b"])
    write(tmp_path / "train_extra-00000-of-00001.parquet", ["z"])
    write(tmp_path / ".cache" / "train.parquet", ["z"])
    assert listed(tmp_path) == (("a", "b"), 3)
    assert labels(tmp_path) == [1, 0, 1]
    assert labels(tmp_path, "test") == [0, 1]


def test_files_that_name_no_split_are_the_training_split(tmp_path: Path) -> None:
    write(tmp_path / "0000.parquet", ["a"])
    write(tmp_path / "0001.parquet", ["b"])
    assert labels(tmp_path) == [0, 1]
    with pytest.raises(DataError, match=r"no Parquet file of the split 'test', only: 0000"):
        labels(tmp_path, "test")


def test_splits_may_have_other_names(tmp_path: Path) -> None:
    write(tmp_path / "fit.parquet", ["a"])
    write(tmp_path / "validation.parquet", ["a", "a"])
    settings = {"train_split": "fit", "test_split": "validation"}
    assert listed(tmp_path, **settings)[1] == 1
    assert listed(tmp_path, "test", **settings)[1] == 2


def test_several_configurations_need_a_name(tmp_path: Path) -> None:
    write(tmp_path / "small" / "train.parquet", ["a"])
    write(tmp_path / "large" / "train.parquet", ["a", "a"])
    with pytest.raises(DataError, match=r"more than one configuration: .*: large, small\."):
        listed(tmp_path)
    assert listed(tmp_path, name="small")[1] == 1
    with pytest.raises(DataError, match=r"name is 'smal', but .* has only: large, small\."):
        listed(tmp_path, name="smal")


@pytest.mark.parametrize(
    ("image", "label"), [("img", "label"), ("image", "fine_label"), ("image", "labels")]
)
def test_the_usual_columns_are_found(tmp_path: Path, image: str, label: str) -> None:
    write(tmp_path / "train.parquet", ["a"], image, label, coarse_label=["z"])
    assert labels(tmp_path) == [0]


def test_unusual_columns_are_asked_for_by_name(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", ["a"], "picture", "species")
    with pytest.raises(DataError, match="set image_column to one of: picture, species"):
        listed(tmp_path)
    with pytest.raises(DataError, match="set label_column to one of: picture, species"):
        listed(tmp_path, image_column="picture")
    with pytest.raises(DataError, match="no image_column 'pic', only: picture, species"):
        listed(tmp_path, image_column="pic")
    with pytest.raises(DataError, match="image_column 'species' is string; it must hold encoded"):
        listed(tmp_path, image_column="species")
    with pytest.raises(DataError, match=r"label_column 'picture' is struct.*; it must be integer"):
        listed(tmp_path, image_column="picture", label_column="picture")
    assert labels(tmp_path, image_column="picture", label_column="species") == [0]


def test_of_two_usual_columns_one_is_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", ["a"], **{"class": ["b"]})
    with pytest.raises(DataError, match="'label' and 'class' may each be the label column; set"):
        listed(tmp_path)
    assert listed(tmp_path, label_column="class") == (("b",), 1)


def test_numbers_need_names(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [1, 0])
    with pytest.raises(DataError, match=r"names no classes: give class_names: \[first, second"):
        listed(tmp_path)
    assert listed(tmp_path, class_names=("cat", "dog"))[0] == ("cat", "dog")
    assert labels(tmp_path, class_names=("cat", "dog")) == [1, 0]


@pytest.mark.parametrize("names", ["[cat, dog]", "{'1': dog, '0': cat}"])
@pytest.mark.parametrize("several", [False, True])
def test_a_data_card_may_name_the_classes(tmp_path: Path, names: str, several: bool) -> None:
    write(tmp_path / "train.parquet", [1, 0], "picture")
    info = (
        f"{{features: [{{name: picture, dtype: image}}, "
        f"{{name: label, dtype: {{class_label: {{names: {names}}}}}}}]}}"
    )
    info = f"[{info}]" if several else info
    (tmp_path / "README.md").write_text(f"---\ndataset_info: {info}\n---\n# Pets\n")
    assert listed(tmp_path)[0] == ("cat", "dog")


def test_a_damaged_data_card_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0])
    (tmp_path / "README.md").write_text("---\n[: }\n---\n")
    with pytest.raises(DataError, match=r"README\.md: its front matter is not valid YAML"):
        listed(tmp_path)
    (tmp_path / "README.md").write_text("# no front matter\n")
    with pytest.raises(DataError, match="names no classes"):
        listed(tmp_path)


@pytest.mark.parametrize(
    "info",
    ["null", "[1]", "{features: hi}", "{features: [{dtype: image}]}", "{features: [1]}"]
    + [f"{{features: [{{name: label, dtype: {{class_label: {each}}}}}]}}" for each in ("null", "1")]
    + ["{features: [{name: label, dtype: {class_label: {names: {a: b}}}}]}"],
)
def test_a_data_card_of_another_kind_is_named(tmp_path: Path, info: str) -> None:
    write(tmp_path / "train.parquet", [0])
    (tmp_path / "README.md").write_text(f"---\ndataset_info: {info}\n---\n")
    with pytest.raises(DataError, match=r"README\.md.* does not describe columns"):
        listed(tmp_path)


def test_a_data_card_that_is_no_text_is_named(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", [0])
    (tmp_path / "README.md").write_bytes("---\npretty_name: é\n---\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"README\.md.* does not describe columns"):
        listed(tmp_path)


@pytest.mark.parametrize("text", [b"{", b"[]", b'{"info": null}', b'{"info": {"features": [1]}}'])
def test_parquet_metadata_of_another_kind_are_named(tmp_path: Path, text: bytes) -> None:
    schema = pa.schema([("image", pa.binary())], metadata={b"huggingface": text})
    with pytest.raises(DataError, match="Parquet metadata does not describe columns"):
        features(schema, tmp_path)


def test_both_splits_number_text_alike(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", ["b", "c"])
    write(tmp_path / "test.parquet", ["c", "a"])
    assert listed(tmp_path)[0] == listed(tmp_path, "test")[0] == ("a", "b", "c")
    assert labels(tmp_path, "test", class_names=("c", "b", "a")) == [0, 2]


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ([0, 2], "row 1 has the label 2, but the 2 class names allow 0 to 1"),
        ([0, -1], "row 1 has the label -1"),
        ([0, None], "a label is missing"),
        (["cat", "cow"], "class 'cow' is not among class_names"),
    ],
)
def test_a_wrong_label_is_named(tmp_path: Path, column: list[Any], message: str) -> None:
    write(tmp_path / "train.parquet", column)
    with pytest.raises(DataError, match=message):
        labels(tmp_path, class_names=("cat", "dog"))


def test_a_damaged_image_is_named_by_file_and_row(tmp_path: Path) -> None:
    rows = [{"bytes": png(1), "path": None}, {"bytes": png(1)[:40], "path": None}]
    file = tmp_path / "train.parquet"
    parquet.write_table(pa.table({"image": rows, "label": ["a", "a"]}), file)
    with pytest.raises(DataError, match=r"train\.parquet, row 1, cannot be read as an image"):
        labels(tmp_path)
    parquet.write_table(
        pa.table({"image": [{"bytes": None, "path": "x.png"}], "label": ["a"]}), file
    )
    with pytest.raises(DataError, match=r"holds no image bytes|must hold encoded images"):
        labels(tmp_path)


def test_images_may_be_bare_bytes(tmp_path: Path) -> None:
    table = pa.table({"image": [png(3)], "label": ["a"]})
    parquet.write_table(table, tmp_path / "train.parquet")
    [(image, _)] = Huggingface(path=str(tmp_path)).read("train")
    assert (image == 3).all()


@pytest.mark.parametrize("keep", [0, 100, -1])
def test_a_damaged_parquet_file_is_named(tmp_path: Path, keep: int) -> None:
    file = write(tmp_path / "train.parquet", ["a", "b"])
    file.write_bytes(file.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"train\.parquet cannot be read as a Parquet file"):
        listed(tmp_path)


def test_a_split_is_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "train.parquet", ["a"] * 700)
    before = pa.total_allocated_bytes()
    source = Huggingface(path=str(tmp_path)).read("train")
    next(source)
    assert pa.total_allocated_bytes() - before < 300 * len(png(0)) + 100_000
    assert len(list(source)) == 699


def test_neither_a_folder_nor_an_id() -> None:
    with pytest.raises(
        DataError, match=r"path is '/no/where', which is neither a folder nor a hub"
    ):
        Huggingface(path="/no/where").list("train")


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    _hub._fetched.cache_clear()
    monkeypatch.setattr("huggingface_hub.snapshot_download", lambda *_, **__: 1 / 0)
    return monkeypatch


def test_a_hub_id_is_fetched_and_its_commit_recorded(
    hub: pytest.MonkeyPatch, parquet_folder: Path, tmp_path: Path
) -> None:
    snapshot = shutil.copytree(parquet_folder, tmp_path / "snapshots" / ("c0ffee" * 6 + "c0ff"))
    asked: list[Any] = []

    def fetch(path: str, **how: Any) -> str:
        asked.append((path, how["repo_type"], how["revision"], how["allow_patterns"]))
        return str(snapshot)

    hub.setattr("huggingface_hub.snapshot_download", fetch)
    source = Huggingface(path="owner/pets", revision="v1")
    content = source.list("train").content
    assert content["commit"] == snapshot.name
    os.utime(snapshot / content["files"][0], (1, 1))
    assert source.list("train").content == content
    assert asked == [
        ("owner/pets", "dataset", "v1", ["*.parquet", "README.md", "dataset_infos.json"])
    ]


def test_offline_the_message_says_how_to_fetch(hub: pytest.MonkeyPatch) -> None:
    from huggingface_hub.errors import LocalEntryNotFoundError

    def fail(*_: Any, **__: Any) -> str:
        raise LocalEntryNotFoundError("no connection\nand nothing cached")

    hub.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(DataError, match=r"there is no such folder, .*no connection and") as caught:
        Huggingface(path="owner/pets", revision="v1").list("train")
    assert "hf download owner/pets --repo-type dataset --revision v1" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_without_the_hub_package_the_message_gives_the_pip_line(hub: pytest.MonkeyPatch) -> None:
    hub.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingPackage, match=r"-m pip install 'huggingface.hub>=0.30'"):
        Huggingface(path="owner/pets").list("train")


@pytest.mark.skipif(not CIFAR10.is_dir(), reason=f"the real CIFAR-10 is not at {CIFAR10}")
def test_the_real_cifar10_is_read_with_its_names() -> None:
    source = Huggingface(path=str(CIFAR10))
    assert source.list("train").num_images == 50_000
    listing = source.list("test")
    assert listing.num_images == 10_000
    assert listing.class_names[:3] == ("airplane", "automobile", "bird")
    image, label = next(source.read("test"))
    assert image.shape == (32, 32, 3)
    assert 0 <= label < 10
