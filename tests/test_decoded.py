import errno
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from synthmix import cached, store
from synthmix.data import ImageSource, Listing, Split
from synthmix.data.folder import Folder
from synthmix.data.huggingface import Huggingface
from synthmix.decoded import Inventory, open_images
from synthmix.errors import DamagedCache, DataError, SettingError
from synthmix.images import content_fingerprint, resized
from synthmix.store import cache_folder
from synthmix.types import Pixels

CIFAR10 = Path(__file__).parents[2] / "shared" / "data" / "cifar10"
ROOT = str(Path(__file__).parents[__name__.count(".")])  # where other processes import from
NAMES = ("cat", "dog")


@dataclass(frozen=True, kw_only=True)
class Painted(ImageSource):
    """Random images of the sizes asked for, in two classes by turns."""

    sizes: tuple[tuple[int, int], ...] = ((6, 6),) * 10
    listed: int | None = None
    stops_at: int = -1
    content: ClassVar[str] = "a"
    names: ClassVar[tuple[str, ...]] = NAMES

    def list(self, split: Split) -> Listing:
        total = len(self.sizes) if self.listed is None else self.listed
        return Listing(self.names, total, self.content)

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        READS.append(split)
        random = np.random.default_rng(len(split))
        for row, size in enumerate(self.sizes):
            if row == self.stops_at:
                raise KeyboardInterrupt
            yield random.integers(0, 256, (*size, 3), dtype=np.uint8), row % 2


READS: list[str] = []


@pytest.fixture(autouse=True)
def _no_reads() -> None:
    READS.clear()


def folders(cache: Path) -> list[Path]:
    return sorted(path for path in (cache / "decoded").iterdir() if path.name != ".locks")


def test_images_are_decoded_once_and_mapped(tmp_path: Path) -> None:
    first = open_images(Painted(), "train", image_size=None, cache=tmp_path)
    again = open_images(Painted(), "train", image_size=None, cache=tmp_path)
    expected = list(Painted().read("train"))
    assert isinstance(again.pixels, np.memmap)
    assert not again.pixels.flags.writeable
    assert (again.pixels == np.stack([image for image, _ in expected])).all()
    assert again.labels.tolist() == [label for _, label in expected]
    assert again.labels.dtype == np.int64
    assert (again.class_names, again.fingerprint) == (first.class_names, first.fingerprint)
    assert again.fingerprint == content_fingerprint(again.pixels, again.labels, NAMES)
    assert len(READS) == 2  # the first opening and this test


@pytest.mark.parametrize("change", [{"content": "b"}, {"names": ("dog", "cat")}])
def test_what_changes_the_images_is_decoded_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
) -> None:
    open_images(Painted(), "train", image_size=6, cache=tmp_path)
    for name, value in change.items():
        monkeypatch.setattr(Painted, name, value)
    images = open_images(Painted(), "train", image_size=6, cache=tmp_path)
    assert len(READS) == 2
    assert images.class_names == Painted.names


def test_split_size_kernel_and_revision_have_a_cache_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for split, size, kernel in [
        ("train", None, "lanczos"),
        ("test", None, "lanczos"),
        ("train", 4, "lanczos"),
        ("train", 4, "box"),
    ]:
        open_images(Painted(), split, image_size=size, resize=kernel, cache=tmp_path)
    monkeypatch.setattr(Painted, "output_revision", 2)
    open_images(Painted(), "train", image_size=4, cache=tmp_path)
    assert len(READS) == len(folders(tmp_path)) == 5


def test_images_of_other_shapes_are_fitted(tmp_path: Path) -> None:
    source = Painted(sizes=((6, 6), (8, 6), (20, 30), (3, 2)))
    images = open_images(source, "train", image_size=5, resize="box", cache=tmp_path)
    for fitted, (image, _) in zip(images.pixels, source.read("train"), strict=True):
        assert (fitted == resized(image, 5, "box")).all()


def test_mixed_sizes_need_an_image_size(tmp_path: Path) -> None:
    source = Painted(sizes=((6, 6), (6, 6), (8, 8)))
    with pytest.raises(DataError, match=r"^fakes: .*\(6x6 and 8x8 pixels\): set image_size"):
        open_images(source, "train", image_size=None, cache=tmp_path, where="fakes")
    with pytest.raises(DataError, match=r"not square \(4x6 pixels\): set image_size"):
        open_images(Painted(sizes=((6, 4),)), "train", image_size=None, cache=tmp_path)


@pytest.mark.parametrize("split", ["train", "test"])
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("emu", ""),
        ("Cat", "; 'cat' looks like it: give both one name where they are one class"),
        ("dog ", "; 'dog' looks like it: give both one name where they are one class"),
    ],
)
def test_an_empty_class_is_named_with_its_split(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, split: Split, name: str, hint: str
) -> None:
    monkeypatch.setattr(Painted, "names", ("cat", "dog", name))
    said = f"^real: class '{name}' has no image in the {split} split{hint}\\.$"
    with pytest.raises(DataError, match=said):
        open_images(Painted(), split, image_size=6, cache=tmp_path)


@pytest.mark.parametrize(("listed", "held"), [(9, 10), (11, 10)])
def test_a_source_that_changes_while_it_is_read_is_an_error(
    tmp_path: Path, listed: int, held: int
) -> None:
    with pytest.raises(DataError, match=f"listed {listed} images and then held {held}"):
        open_images(Painted(listed=listed), "train", image_size=6, cache=tmp_path)
    with pytest.raises(DataError, match="the split has no image"):
        open_images(Painted(sizes=()), "train", image_size=6, cache=tmp_path)


def test_only_the_training_split_is_cut_down(tmp_path: Path) -> None:
    whole = open_images(Painted(), "train", image_size=6, cache=tmp_path)
    subset = open_images(Painted(per_class=2, seed=1), "train", image_size=6, cache=tmp_path)
    other = open_images(Painted(per_class=2, seed=2), "train", image_size=6, cache=tmp_path)
    assert subset.per_class() == [2, 2]
    assert {each.tobytes() for each in subset.pixels} < {each.tobytes() for each in whole.pixels}
    assert len({whole.fingerprint, subset.fingerprint, other.fingerprint}) == 3
    assert READS == ["train"]
    assert len(open_images(Painted(per_class=2), "test", image_size=6, cache=tmp_path)) == 10
    with pytest.raises(DataError, match=r"^real: per_class is 6, but class 'cat' has 5 images"):
        open_images(Painted(per_class=6), "train", image_size=6, cache=tmp_path)


def test_a_stopped_decoding_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        open_images(Painted(stops_at=7), "train", image_size=6, cache=tmp_path)
    files = [path.name for path in (tmp_path / "decoded").rglob("*") if path.is_file()]
    assert [name for name in files if not name.endswith(".lock")] == []


KILLED = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from {__name__} import Painted
import synthmix.decoded as decoded
def stop(*_, **__):
    os.kill(os.getpid(), signal.SIGKILL)
setattr(*((decoded, "content_fingerprint", stop) if sys.argv[3] == "pixels"
          else (decoded.Artifact, "seal", stop)))
decoded.open_images(Painted(), "train", image_size=6, cache=Path(sys.argv[2]))
"""


@pytest.mark.parametrize("moment", ["pixels", "seal"])
def test_a_killed_decoding_starts_again(tmp_path: Path, moment: str) -> None:
    command = [sys.executable, "-c", KILLED, ROOT, str(tmp_path), moment]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    [folder] = folders(tmp_path)
    assert any(folder.iterdir())
    assert not (folder / "manifest.json").exists()
    images = open_images(Painted(), "train", image_size=6, cache=tmp_path)
    assert READS == ["train"]
    assert images.fingerprint == content_fingerprint(images.pixels, images.labels, NAMES)
    left = {path.name for path in folder.iterdir()}
    assert left == {"manifest.json", "pixels.npy", "labels.npy"}


def _flip(path: Path) -> None:
    """Change one bit in the middle, and give the file the time that it had."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 4
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def _swap_names(path: Path) -> None:
    path.write_text(path.read_text().replace('"cat"', '"x"').replace('"dog"', '"cat"'))


def _as_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGE: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size - 10),
    "longer": lambda path: os.truncate(path, path.stat().st_size + 10),
    "empty": lambda path: os.truncate(path, 0),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "objects": lambda path: path.write_bytes(pickle.dumps(np.array([{"a": 1}]))),
    "text": lambda path: path.write_text('{"settings": 1}'),
    "flipped": _flip,
    "a folder": _as_folder,
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", [*DAMAGE, "other names", "no digest", "all a file"])
@pytest.mark.parametrize("name", ["pixels.npy", "labels.npy", "manifest.json"])
def test_a_damaged_cache_is_remade(
    tmp_path: Path, name: str, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cached, "SETTLED", 0.0)  # what is found whole is known from then on
    before = open_images(Painted(), "train", image_size=6, cache=tmp_path)
    [folder] = folders(tmp_path)
    manifest = folder / "manifest.json"
    expected, pixels = manifest.read_bytes(), np.array(before.pixels)
    known = (name, damage) == ("manifest.json", "gone") or damage == "all a file"
    if damage == "all a file":
        shutil.rmtree(folder)
        folder.write_text("a file")
    elif damage == "other names":
        _swap_names(manifest)
    elif damage == "no digest":
        content = json.loads(expected)
        manifest.write_text(json.dumps({k: v for k, v in content.items() if k != "digest"}))
    else:
        DAMAGE[damage](folder / name)
    told = nullcontext() if known else pytest.warns(DamagedCache, match="it is made anew")
    with told:
        after = open_images(Painted(), "train", image_size=6, cache=tmp_path)
    assert len(READS) == 2
    assert (after.pixels == pixels).all()
    assert after.labels.tolist() == before.labels.tolist()
    assert (after.fingerprint, after.class_names) == (before.fingerprint, NAMES)
    assert manifest.read_bytes() == expected


def test_a_whole_entry_is_read_once_a_day_and_whenever_it_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, read = time.time() + 10, []
    monkeypatch.setattr(cached.time, "time", lambda: now)
    monkeypatch.setattr(
        store, "sha256", lambda path, real=store.sha256: read.append(path.name) or real(path)
    )

    def reads() -> int:
        read.clear()
        cached._KNOWN.clear()  # as in another process
        open_images(Painted(), "train", image_size=6, cache=tmp_path)
        return len(read)

    assert reads() == 2  # while they are written
    assert reads() == 2
    assert reads() == 0
    [folder] = folders(tmp_path)
    os.utime(folder / "labels.npy")
    now = (folder / "labels.npy").stat().st_ctime + 1
    assert (reads(), reads()) == (2, 2)  # another write could still get the same time
    now += 3
    assert (reads(), reads()) == (2, 0)
    now += cached.DAY
    assert (reads(), reads()) == (2, 0)
    (folder / "checked.json").write_text("[]")
    assert (reads(), reads()) == (2, 0)
    now -= 2 * cached.DAY  # a clock that was set back
    assert reads() == 2


def test_a_cache_that_is_read_only_serves_what_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = open_images(Painted(), "train", image_size=6, cache=tmp_path)
    shutil.rmtree(tmp_path / "decoded" / ".locks")

    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(os, "access", lambda *_: False)
    monkeypatch.setattr(cached, "write_json", refused)
    monkeypatch.setattr(cached, "SETTLED", 0.0)
    again = open_images(Painted(), "train", image_size=6, cache=tmp_path)
    assert again.fingerprint == images.fingerprint
    assert not (tmp_path / "decoded" / ".locks").exists()
    with pytest.raises(SettingError, match="it is read-only"):
        open_images(Painted(), "test", image_size=6, cache=tmp_path)


def test_projects_that_call_their_folders_alike_do_not_share_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks = []
    for project, colour in (("one", 10), ("two", 200)):
        monkeypatch.chdir(_project(tmp_path / project, colour))
        images = open_images(Folder(path="data"), "train", image_size=8, cache=tmp_path / "cache")
        assert (images.pixels == colour).all()
        marks.append(images.fingerprint)
    assert len(set(marks)) == 2


def test_an_image_that_takes_anothers_place_size_and_time_is_seen(tmp_path: Path) -> None:
    source = Folder(path=str(_project(tmp_path, 10) / "data"))
    open_images(source, "train", image_size=8, cache=tmp_path / "cache")
    _project(tmp_path, 200)
    images = open_images(source, "train", image_size=8, cache=tmp_path / "cache")
    assert (images.pixels == 200).all()


def _project(folder: Path, colour: int) -> Path:
    """Write images whose names, sizes and times are the same whatever their colour."""
    for name in ("train/cat", "train/dog", "test/cat", "test/dog"):
        path = folder / "data" / name / "1.bmp"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (colour,) * 3).save(path)
        os.utime(path, (0, 0))
    return folder


def test_progress_counts_up_to_the_total(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    source = Painted(sizes=((2, 2),) * 600)
    for _ in range(2):  # the second opening has nothing to do
        open_images(
            source, "train", image_size=2, cache=tmp_path, progress=lambda *at: told.append(at)
        )
    assert told == [(256, 600), (512, 600), (600, 600)]


def test_the_manifest_holds_names_and_fingerprint(tmp_path: Path) -> None:
    images = open_images(Painted(), "train", image_size=6, cache=tmp_path)
    manifest = json.loads((folders(tmp_path)[0] / "manifest.json").read_text())
    assert manifest["class_names"] == list(NAMES)
    assert manifest["content_fingerprint"] == images.fingerprint
    assert not {"per_class", "seed"} & set(manifest["settings"]["settings"])


def test_the_cache_folder_follows_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNTHMIX_CACHE", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == Path("~/.cache/synthmix").expanduser()
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert cache_folder() == Path("/xdg/synthmix")
    monkeypatch.setenv("SYNTHMIX_CACHE", "/own")
    assert cache_folder() == Path("/own")


def test_two_processes_decode_once(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1])\n"
        f"import {__name__} as t\n"
        "s = t.Painted(sizes=((24, 24),) * 3000)\n"
        "i = t.open_images(s, 'train', image_size=16, cache=Path(sys.argv[2]))\n"
        "print(len(t.READS), i.fingerprint)\n"
    )
    command = [sys.executable, "-c", code, ROOT, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate()[0].split() for process in both]
    assert sorted(reads for reads, _ in told) == ["0", "1"]
    assert told[0][1] == told[1][1]


@pytest.mark.skipif(not CIFAR10.is_dir(), reason=f"the real CIFAR-10 is not at {CIFAR10}")
def test_cifar10_opens_from_the_cache_in_a_fifth_of_a_second(tmp_path: Path) -> None:
    source = Huggingface(path=str(CIFAR10))
    images = open_images(source, "test", image_size=None, cache=tmp_path)
    assert images.pixels.shape == (10_000, 32, 32, 3)
    assert images.per_class() == [1000] * 10
    start = time.process_time()
    again = open_images(source, "test", image_size=None, cache=tmp_path)
    assert time.process_time() - start < 0.2
    assert again.fingerprint == images.fingerprint


def test_a_cache_that_cannot_be_written_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingError, match=r"The cache is '.*file.*'.*set SYNTHMIX_CACHE"):
        open_images(Painted(), "train", image_size=None, cache=tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_second_opening_tells_what_the_first_told(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / "pets" / name / ".trash").mkdir(parents=True)
        frames = [Image.new("L", (8, 30), level) for level in (10, 90)]
        frames[0].save(tmp_path / "pets" / name / "x.gif", save_all=True, append_images=frames[1:])
    told: list[Inventory] = []
    for _ in range(2):
        source = Folder(path=str(tmp_path / "pets"))
        open_images(source, "train", image_size=40, cache=tmp_path / "cache", tell=told.append)
    first, again = told
    assert first == again
    assert (first.class_names, first.per_class) == (NAMES, (1, 1))
    assert [passed.reason for passed in first.passed_over] == ["hidden folders"]
    said = "\n".join(first.concerns)
    assert "2 of 2 images are not square: their middle is taken, which leaves out 73%" in said
    assert "2 of 2 images are enlarged more than 4 times" in said
    assert "2 files of several images" in said
    assert "x.gif" in said


def test_class_names_that_differ_in_case_alone_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Painted, "names", ("Cat", "cat"))
    told: list[Inventory] = []
    open_images(Painted(), "train", image_size=6, cache=tmp_path, tell=told.append)
    assert told[0].concerns == ("classes differ in capital letters alone: 'Cat' and 'cat'",)
