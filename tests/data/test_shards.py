"""What a data set says of its files and rows is held against what is there."""

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.data.huggingface import Huggingface
from synthmix.errors import DataError, NoSuchSplit
from synthmix.shards import requests, write_set
from synthmix.store import Artifact
from tests.data.test_classes import COAL, write

ROWS = 4  # in a file that `write` leaves


def listed(folder: Path, split: str = "train", **settings: Any) -> Any:
    return Huggingface(path=str(folder), **settings).list(split)  # type: ignore[arg-type]


def passed_over(folder: Path) -> dict[str, tuple[int, tuple[str, ...]]]:
    return {each.reason: (each.count, each.examples) for each in listed(folder).passed_over}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ["train-00000-of-00003", "train-00002-of-00003"],
            r"of the 3 files .* 2 .*first of all: 1",
        ),
        (
            ["train-00000-of-00001", "train-00000-of-00002", "train-00001-of-00002"],
            "several saving",
        ),
        (["train-00000-of-00002", "train-00001-of-00002", "train"], "several savings"),
        (["train-00000-of-00001-0a1b", "train-00000-of-00001-2c3d"], "a number twice"),
        (["train-00000-of-00001", "train-00000-of-00001 (copy)"], "a number twice"),
        (["train-00007-of-00001"], "first of all: 0"),
        (["train-00000-of-999999999"], "first of all: 1, 2, 3, 4"),
        (["train/0000", "train/0002"], "first of all: 1"),
        (["train", "train (copy)"], r"train\.parquet hold the same bytes|hold the same bytes"),
    ],
)
def test_files_that_are_not_those_they_say_are_told(
    tmp_path: Path, names: list[str], message: str
) -> None:
    for name in names:
        write(tmp_path / f"{name}.parquet", COAL)
    with pytest.raises(DataError, match=message):
        listed(tmp_path)


def counted(folder: Path, told: int, split: str = "train") -> None:
    (folder / "README.md").write_text(
        f"---\ndataset_info: {{splits: [{{name: {split}, num_examples: {told}}}]}}\n---\n"
    )


def test_rows_are_counted_as_the_card_does(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", COAL)
    counted(tmp_path, ROWS)
    assert listed(tmp_path).num_images == ROWS
    counted(tmp_path, ROWS + 1)
    with pytest.raises(DataError, match=r"README\.md tells of 5 rows in 'train', its files hold 4"):
        listed(tmp_path)
    infos = {"default": {"splits": {"train": {"num_examples": 3}}}}
    (tmp_path / "README.md").unlink()
    (tmp_path / "dataset_infos.json").write_text(json.dumps(infos))
    with pytest.raises(DataError, match=r"dataset_infos\.json tells of 3 rows"):
        listed(tmp_path)


def test_a_split_that_the_card_promises_is_not_merely_absent(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", COAL)
    with pytest.raises(NoSuchSplit):
        listed(tmp_path, "test")
    counted(tmp_path, 9, "test")
    with pytest.raises(DataError, match=r"tells of a split 'test', but no Parquet file") as caught:
        listed(tmp_path, "test")
    assert caught.type is DataError


def test_the_files_that_the_card_lists_are_taken(tmp_path: Path) -> None:
    write(tmp_path / "data" / "part" / "a.parquet", COAL)
    write(tmp_path / "data" / "b.parquet", ("snow", "coal"))
    write(tmp_path / "train.parquet", COAL)
    for pattern, count in [("data/**", 2), ("data/*.parquet", 1), ("**/[ab].parquet", 2)]:
        (tmp_path / "README.md").write_text(
            f"---\nconfigs: [{{config_name: default, data_files: '{pattern}'}}]\n---\n"
        )
        assert listed(tmp_path, train_split="train").content["files"] == count
    assert passed_over(tmp_path) == {"Parquet files of other splits": (1, ("train.parquet",))}
    with pytest.raises(NoSuchSplit, match="'test', only: 'train'"):
        listed(tmp_path, "test")


@pytest.mark.parametrize("place", ["data_dir: ..", "data_dir: /", "data_files: ../*.parquet"])
def test_a_card_leads_nowhere_outside(tmp_path: Path, place: str) -> None:
    write(tmp_path / "other.parquet", COAL)
    write(tmp_path / "pets" / "train.parquet", COAL)
    (tmp_path / "pets" / "README.md").write_text(
        f"---\nconfigs: [{{config_name: default, {place}}}]\n---\n"
    )
    with pytest.raises(DataError):
        listed(tmp_path / "pets")


def test_what_is_passed_over_is_told(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", COAL)
    for name in (
        *(".cache/huggingface/train.parquet", ".no_exist/train.parquet", "__MACOSX/train.parquet"),
        *("._train.parquet", "validation.parquet"),
    ):
        write(tmp_path / name, COAL)
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "train-1.parquet.incomplete").write_text("")
    assert passed_over(tmp_path) == {
        "Parquet files of other splits": (1, ("validation.parquet",)),
        "hidden entries": (4, ("._train.parquet", ".cache", ".no_exist")),
        "files of other kinds (.incomplete, .txt)": (
            2,
            ("notes.txt", "train-1.parquet.incomplete"),
        ),
    }


def test_links_are_followed_once(tmp_path: Path) -> None:
    write(tmp_path / "elsewhere" / "train.parquet", COAL)
    (tmp_path / "pets").mkdir()
    os.symlink(tmp_path / "elsewhere", tmp_path / "pets" / "data")
    os.symlink(tmp_path / "pets", tmp_path / "pets" / "again")
    assert listed(tmp_path / "pets").num_images == ROWS


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A finished set of two classes, three images each, in two files."""

    def draw(asked: Any) -> Any:
        for each in asked:
            yield np.random.default_rng(each.seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)

    asked = requests(COAL, 3, seed=0)
    artifact = Artifact(tmp_path, "set", {"kind": "synthetic set"})
    write_set(artifact, asked, draw, class_names=COAL, shard_size=4, card="")
    return artifact.path


def test_a_set_made_here_is_read_by_what_its_manifest_records(made: Path) -> None:
    before = [
        (image.tobytes(), label) for image, label in Huggingface(path=str(made)).read("train")
    ]
    files = sorted((made / "data").iterdir())
    shutil.copy(files[0], files[0].with_name(f"{files[0].stem} (copy).parquet"))
    shutil.copy(files[0], made / "data" / "extra.parquet")
    shutil.copy(files[0], made / "train.parquet")
    after = [(image.tobytes(), label) for image, label in Huggingface(path=str(made)).read("train")]
    assert before == after
    count, _ = passed_over(made)["Parquet files that manifest.json does not record"]
    assert count == 3


def test_a_set_made_here_that_is_not_as_recorded_is_told(made: Path) -> None:
    first, second = sorted((made / "data").iterdir())
    sound = first.read_bytes()
    flipped = bytearray(sound)
    flipped[len(sound) // 2] ^= 1
    first.write_bytes(flipped)
    with pytest.raises(DataError, match=r"has other bytes than manifest\.json records"):
        list(Huggingface(path=str(made)).read("train"))
    first.write_bytes(sound[:-1])
    with pytest.raises(DataError, match=r"missing or not as long as manifest\.json records"):
        listed(made)
    first.write_bytes(sound)
    second.unlink()
    with pytest.raises(DataError, match=r"missing or not as long as manifest\.json records"):
        listed(made)


def test_a_manifest_of_another_program_says_nothing(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", COAL)
    for content in ("[]", "{}", '{"parts": 3}', '{"parts": {}}'):
        (tmp_path / "manifest.json").write_text(content)
        assert listed(tmp_path).num_images == ROWS


def test_datasets_reads_and_refuses_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datasets import load_dataset

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for told, is_right in ((ROWS, True), (ROWS + 1, False)):
        folder = tmp_path / str(told)
        write(folder / "data" / "train-00000-of-00001.parquet", ("coal", "snow"))
        write(folder / "data" / "stale.parquet", ("coal", "snow"))
        (folder / "README.md").write_text(
            "---\nconfigs:\n- config_name: default\n  data_files:\n  - split: train\n"
            "    path: data/train-*\ndataset_info:\n  features:\n  - name: image\n"
            "    dtype: binary\n  - name: label\n    dtype:\n      class_label:\n"
            "        names: {'0': 'no', '1': 'yes'}\n  splits:\n  - name: train\n"
            f"    num_bytes: 1\n    num_examples: {told}\n---\n"
        )
        if is_right:
            theirs = load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
            source = Huggingface(
                path=str(folder), class_names=tuple(theirs.features["label"].names)
            )
            assert source.list("train").class_names == ("no", "yes")
            assert [label for _, label in source.read("train")] == theirs["label"][:]
        else:
            with pytest.raises(Exception, match="NonMatchingSplitsSizes|expected"):
                load_dataset(str(folder), split="train", cache_dir=str(tmp_path / "cache"))
            with pytest.raises(DataError, match="tells of 5 rows"):
                listed(folder, class_names=("no", "yes"))
