"""A file belongs to the split that `datasets` takes it for, or is refused."""

from pathlib import Path

import pytest

from synthmix.data.folder import Folder
from synthmix.data.huggingface import Huggingface
from synthmix.errors import DataError, NoSuchSplit
from tests.data.test_classes import COAL, write
from tests.data.test_huggingface import write as write_text

NAMES = [
    ("birds_train", "birds_test"),
    ("part-train-0", "part-test-0"),
    ("training", "testing"),
    ("birds.training.v2", "birds.eval.v2"),
    ("train_birds", "evaluation_birds"),
    ("2024train1", "2024test1"),
    ("a/train/b/0", "a/test/b/0"),
    ("default/partial-train/0000", "default/partial-test/0000"),
]


def listed(folder: Path, split: str = "train", **settings: str) -> int:
    return Huggingface(path=str(folder), **settings).list(split).num_images  # type: ignore[arg-type]


def write_both(folder: Path, train: str, test: str) -> None:
    write_text(folder / f"{train}.parquet", ["a", "b", "a"])
    write_text(folder / f"{test}.parquet", ["a", "b"])


@pytest.mark.parametrize(("train", "test"), NAMES)
def test_a_split_is_found_wherever_its_word_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, train: str, test: str
) -> None:
    from datasets import load_dataset

    write_both(tmp_path / "set", train, test)
    assert (listed(tmp_path / "set"), listed(tmp_path / "set", "test")) == (3, 2)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    read = load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    assert {name: len(rows) for name, rows in read.items()} == {"train": 3, "test": 2}


@pytest.mark.parametrize(
    ("train", "test"), [("Train", "Test"), ("birdsTrain", "birdsTest"), ("TRAIN", "birds(test)")]
)
def test_capitals_make_no_training_image_of_a_test_image(
    tmp_path: Path, train: str, test: str
) -> None:
    write_both(tmp_path, train, test)
    assert (listed(tmp_path), listed(tmp_path, "test")) == (3, 2)


@pytest.mark.parametrize("name", ["contest", "strain", "latest", "developed", "0000"])
def test_a_word_within_a_word_names_no_split(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / f"{name}.parquet", ["a", "b"])
    assert listed(tmp_path) == 2
    with pytest.raises(
        NoSuchSplit, match="tell no split. Start the names of its files with 'test'"
    ):
        listed(tmp_path, "test")


@pytest.mark.parametrize("name", ["birds_train_test", "train-test", "train/test-0"])
def test_a_file_that_names_two_splits_is_refused(tmp_path: Path, name: str) -> None:
    write_text(tmp_path / f"{name}.parquet", ["a", "b"])
    with pytest.raises(DataError, match="names the splits 'test' and 'train': rename it"):
        listed(tmp_path)


def test_one_word_of_several_may_be_asked_for(tmp_path: Path) -> None:
    write_both(tmp_path, "birds_val", "birds_eval")
    settings = {"train_split": "valid", "test_split": "test"}
    assert (listed(tmp_path, **settings), listed(tmp_path, "test", **settings)) == (3, 2)
    settings = {"train_split": "eval", "test_split": "val"}
    assert (listed(tmp_path, **settings), listed(tmp_path, "test", **settings)) == (2, 3)
    write_both(tmp_path / "alike", "birds_test", "birds_eval")
    settings = {"train_split": "test", "test_split": "eval"}
    found = listed(tmp_path / "alike", **settings), listed(tmp_path / "alike", "test", **settings)
    assert found == (3, 2)


def test_splits_are_named_that_may_be_asked_for_instead(tmp_path: Path) -> None:
    write_both(tmp_path, "birds-val-0", "extra-00000-of-00001")
    with pytest.raises(DataError, match=r"split 'train', only: 'extra', 'val'\. Set train_split"):
        listed(tmp_path)
    for name, count in {"extra": 2, "val": 3}.items():
        assert listed(tmp_path, train_split=name) == count


def test_of_several_other_splits_none_stands_for_the_test_split(tmp_path: Path) -> None:
    write(tmp_path / "birds_train.parquet", COAL)
    with pytest.raises(NoSuchSplit):
        listed(tmp_path, "test")
    write(tmp_path / "birds_val.parquet", COAL)
    with pytest.raises(DataError, match="only: 'train', 'val'") as caught:
        listed(tmp_path, "test")
    assert caught.type is DataError


def test_of_several_folders_of_splits_none_stands_for_the_test_split(tmp_path: Path) -> None:
    (tmp_path / "train" / "cat").mkdir(parents=True)
    with pytest.raises(NoSuchSplit):
        Folder(path=str(tmp_path)).list("test")
    (tmp_path / "val" / "cat").mkdir(parents=True)
    with pytest.raises(DataError, match="has no folder 'test'; found: train, val") as caught:
        Folder(path=str(tmp_path)).list("test")
    assert caught.type is DataError
