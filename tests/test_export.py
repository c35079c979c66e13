"""Exports, read back by the libraries they are made for."""

import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmix.errors import DataError, SettingError
from synthmix.export import export_folder, export_webdataset
from synthmix.types import ImageSet

Make = Callable[..., ImageSet]


@pytest.fixture
def images(make_images: Make) -> ImageSet:
    made = make_images(per_class=5, num_classes=3)
    columns = {
        "prompt": [f"prompt {row} ü" if row else None for row in range(15)],
        "seed": list(np.arange(15) + 2**60),
        "index": [row // 3 for row in range(15)],
    }
    return replace(made, class_names=("cat", "Ünïcorn 2", "a: b?"), columns=columns)


def as_folder(images: ImageSet, target: Path) -> None:
    export_folder(images, target)


def as_webdataset(images: ImageSet, target: Path) -> None:
    export_webdataset(images, target, 4)


EXPORTS = pytest.mark.parametrize("export", [as_folder, as_webdataset])


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def test_torchvision_reads_the_folder(images: ImageSet, tmp_path: Path) -> None:
    from torchvision.datasets import ImageFolder

    export_folder(images, tmp_path / "out")
    folder = ImageFolder(tmp_path / "out")
    assert sorted(folder.classes) == sorted(["cat", "Ünïcorn 2", "a_ b_"])
    assert len(folder) == 15
    for row in range(15):
        name = ["cat", "Ünïcorn 2", "a_ b_"][row % 3]
        path = tmp_path / "out" / name / f"{row // 3:05d}.png"
        assert (str(path), folder.class_to_idx[name]) in folder.samples
        np.testing.assert_array_equal(np.asarray(Image.open(path)), images.pixels[row])


# webdataset leaves its tar streams to the garbage collector
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_webdataset_reads_the_tar_files(images: ImageSet, tmp_path: Path) -> None:
    import webdataset

    export_webdataset(images, tmp_path / "out", 4)
    paths = sorted(str(path) for path in (tmp_path / "out").iterdir())
    assert [Path(path).name for path in paths] == [f"train-{n:06d}.tar" for n in range(4)]
    samples = list(webdataset.WebDataset(paths, shardshuffle=False).decode("rgb8"))
    assert [sample["__key__"] for sample in samples] == [f"{row:08d}" for row in range(15)]
    for row, sample in enumerate(samples):
        np.testing.assert_array_equal(sample["png"], images.pixels[row])
        assert sample["cls"] == row % 3
        assert sample["json"] == {
            "class_name": images.class_names[row % 3],
            **{name: values[row] for name, values in images.columns.items()},
        }


def test_tar_headers_tell_no_time_and_no_owner(images: ImageSet, tmp_path: Path) -> None:
    export_webdataset(images, tmp_path / "out", 100)
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as tar:
        headers = {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode) for m in tar.getmembers()}
    assert headers == {(0, 0, 0, "", "", 0o644)}


def test_columns_are_not_needed(make_images: Make, tmp_path: Path) -> None:
    export_webdataset(make_images(per_class=1), tmp_path / "out", 9)
    with tarfile.open(tmp_path / "out" / "train-000000.tar") as tar:
        member = tar.extractfile("00000001.json")
        assert member is not None
        assert member.read() == b'{"class_name": "class1"}'


@EXPORTS
def test_equal_sets_give_equal_bytes(export: Any, images: ImageSet, tmp_path: Path) -> None:
    export(images, tmp_path / "one")
    export(images, tmp_path / "two")
    assert files(tmp_path / "one") == files(tmp_path / "two")


@EXPORTS
def test_files_are_never_overwritten(export: Any, images: ImageSet, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").write_text("mine")
    for target in (tmp_path / "out", tmp_path / "file"):
        with pytest.raises(SettingError, match=f"{target} exists already; name a folder that is"):
            export(images, target)
    assert files(tmp_path) == {"file": b"mine", "out/file": b"mine"}


@EXPORTS
def test_the_folder_at_hand_may_be_filled(
    export: Any, images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    export(images, Path())
    assert files(tmp_path / "here")


@EXPORTS
def test_an_empty_folder_is_filled(export: Any, images: ImageSet, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export(images, tmp_path / "out")
    assert files(tmp_path / "out")


@EXPORTS
def test_a_failure_leaves_nothing(export: Any, images: ImageSet, tmp_path: Path) -> None:
    class Broken:
        def __len__(self) -> int:
            return 15

        def __getitem__(self, row: int) -> Any:
            if row == 7:
                raise OSError("the disk is gone")
            return images.pixels[row]

    with pytest.raises(OSError, match="the disk is gone"):
        export(replace(images, pixels=Broken()), tmp_path / "deep" / "out")
    assert list((tmp_path / "deep").iterdir()) == []


@EXPORTS
def test_a_full_disk_is_said(
    export: Any, images: ImageSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno

    from synthmix import export as module
    from synthmix.errors import DiskFull

    def full(image: Any) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(module, "_png", full)
    with pytest.raises(DiskFull, match="No space left while writing"):
        export(images, tmp_path / "out")


@pytest.mark.parametrize("name", ["a/b", "a\\b", "", ".", "..", " "])
def test_names_that_are_no_folder_are_refused(name: str, images: ImageSet, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be a folder's name"):
        export_folder(replace(images, class_names=("cat", "dog", name)), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("names", [("a?", "a*"), ("Cat", "cat"), ("a", "a.")])
def test_names_that_would_share_a_folder_are_refused(
    names: tuple[str, str], images: ImageSet, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="would share the folder"):
        export_folder(replace(images, class_names=("dog", *names)), tmp_path / "out")


def test_a_shard_holds_at_least_one_image(images: ImageSet, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="shard_size must be at least 1, got 0"):
        export_webdataset(images, tmp_path / "out", 0)
