"""Exports, read back by the libraries they are made for."""

import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmix.errors import DataError, SettingError, shown
from synthmix.export import _file_name, export_folder, export_webdataset
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
    return replace(made, class_names=("cat", "Ünïcorn 2", "a & b!"), columns=columns)


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
    assert sorted(folder.classes) == sorted(["cat", "Ünïcorn 2", "a & b!"])
    assert len(folder) == 15
    for row in range(15):
        name = ["cat", "Ünïcorn 2", "a & b!"][row % 3]
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


HELD = (
    "tench, Tinca tinca",
    "50% off #1",
    "Ünïcorn 2",
    "🐱",
    "👩‍🚀 family",
    "日本",
    "a'b",
    "x[1]{2}",
    "$100 & ~me",
    "-dash",
    "console",
    "com10",
    "nul-like",
    "trains",
    "contest",
    "x" * 255,
    "é" * 127,
    "a\u00a0b",
    "right\u202eleft",
)
"""Names that every reader gives back."""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_reader_gives_back_what_is_exported(make_images: Make, tmp_path: Path) -> None:
    import datasets
    from torchvision.datasets import ImageFolder

    from synthmix.data.folder import Folder

    names = tuple(sorted(HELD))
    images = replace(make_images(per_class=2, num_classes=len(names)), class_names=names)
    export_folder(images, tmp_path / "out")
    theirs = ImageFolder(tmp_path / "out")
    assert tuple(theirs.classes) == names
    assert len(theirs) == len(images)
    ours = Folder(path=str(tmp_path / "out"))
    assert ours.list("train").class_names == names
    found = list(ours.read("train"))
    for row, label in enumerate(np.argsort(images.labels, kind="stable")):
        np.testing.assert_array_equal(found[row][0], images.pixels[label])
        assert found[row][1] == images.labels[label]
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"))
    assert list(loaded) == ["train"]
    assert tuple(loaded["train"].features["label"].names) == names
    assert loaded["train"]["label"] == sorted(images.labels.tolist())
    for (mine, _), (seen, label), row in zip(found, theirs, loaded["train"], strict=True):
        np.testing.assert_array_equal(np.asarray(seen), mine)
        np.testing.assert_array_equal(np.asarray(row["image"]), mine)
        assert label == row["label"]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        *((name, "dots alone") for name in ("", ".", "..", "...", " ", " a", "a ", "a\u3000")),
        *(
            (name, "holds none of")
            for name in ("a/b", "a\\b", "a:b", "a?", "a*", "<a>", '"a"', "|")
        ),
        *(
            (name, "no control character")
            for name in ("a\nb", "a\tb", "a\x7f", "a\x85b", "\x1b[0m")
        ),
        *((name, "hidden from readers") for name in (".a", ".DS_Store", "...a", "__pycache__")),
        *(
            (name, "Windows has no such name")
            for name in ("a.", "CON", "con", "Aux.1", "nul.tar.gz")
        ),
        *(
            (name, "Windows has no such name")
            for name in ("COM1", "lpt9", "COM²", "conin$", "PRN.é")
        ),
        *((name, "bytes, and a folder's name") for name in ("x" * 256, "x" * 300, "é" * 128)),
        *((name, "variable of the env") for name in ("$HOME", "a${PATH}", "100%PATH%")),
        *((name, "for a split") for name in ("train", "test", "bullet train", "val-2", "dev_kit")),
    ],
)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_names_that_would_not_come_back_are_refused(
    name: str, reason: str, images: ImageSet, tmp_path: Path
) -> None:
    named = replace(images, class_names=("cat", "dog", name))
    with pytest.raises(DataError, match=reason) as caught:
        export_folder(named, tmp_path / "out")
    assert " cannot be exported as a folder: " in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    import webdataset

    export_webdataset(named, tmp_path / "tars", 100)
    url = str(tmp_path / "tars" / "train-000000.tar")
    samples = list(webdataset.WebDataset([url], shardshuffle=False).decode())
    assert len(samples) == len(images)
    assert {sample["cls"]: sample["json"]["class_name"] for sample in samples}[2] == name


@pytest.mark.parametrize("name", ["train", "bullet train", "dev-kit", ".hidden", "__init__"])
def test_a_refused_name_is_one_that_datasets_does_not_give_back(
    name: str, images: ImageSet, tmp_path: Path
) -> None:
    import datasets

    export_folder(replace(images, class_names=("cat", "dog", "x")), tmp_path / "out")
    (tmp_path / "out" / "x").rename(tmp_path / "out" / name)
    loaded = datasets.load_dataset("imagefolder", data_dir=str(tmp_path / "out"))
    assert sum(len(split) for split in loaded.values()) < len(images)


@pytest.mark.parametrize(
    "names",
    [
        ("Cat", "cat"),
        ("caf\u00e9", "cafe\u0301"),
        ("\ufb01sh", "fish"),
        ("\uff21", "a"),
        ("STRASSE", "stra\u00dfe"),
    ],
)
def test_names_that_would_share_a_folder_are_refused(
    names: tuple[str, str], images: ImageSet, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="would share a folder on some systems") as caught:
        export_folder(replace(images, class_names=("dog", *names)), tmp_path / "out")
    assert f"Classes {shown(names[0])} and {shown(names[1])}" in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_class_without_an_image_is_refused(images: ImageSet, tmp_path: Path) -> None:
    names = (*images.class_names, "emu")
    with pytest.raises(DataError, match="Class 'emu' cannot .*: it has no image"):
        export_folder(replace(images, class_names=names), tmp_path / "out")


def test_files_sort_by_number_however_many_there_are() -> None:
    assert _file_name(7, 100_000) == "00007.png"
    for count in (3, 100_001):
        numbers = (0, 1, count - 2, count - 1)
        names = [_file_name(number, count) for number in numbers]
        assert names == sorted(names)


@EXPORTS
def test_what_a_killed_export_left_goes(export: Any, images: ImageSet, tmp_path: Path) -> None:
    import os
    import subprocess
    import sys

    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    running = os.getppid()
    for number in (int(ended.stdout), os.getpid(), running):
        (tmp_path / f".out.{number}.tmp" / "cat").mkdir(parents=True)
    export(images, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f".out.{running}.tmp", "out"]
    assert not any("old" in name for name in files(tmp_path / "out"))


@EXPORTS
def test_a_link_to_nothing_is_followed(export: Any, images: ImageSet, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    export(images, tmp_path / "link")
    assert files(tmp_path / "elsewhere")
    assert (tmp_path / "link").is_symlink()


@EXPORTS
@pytest.mark.parametrize("place", ["file/out", "loop/out", "loop", "x" * 250])
def test_a_target_that_cannot_be_made_is_named(
    export: Any, place: str, images: ImageSet, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(SettingError, match="The target .*(be made|exists already)"):
        export(images, tmp_path / place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "loop"]


def test_a_shard_holds_at_least_one_image(images: ImageSet, tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="shard_size must be at least 1, got 0"):
        export_webdataset(images, tmp_path / "out", 0)
