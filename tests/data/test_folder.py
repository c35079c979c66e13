import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmix.data.folder import Folder
from synthmix.errors import DataError


def save(path: Path, value: int = 90, size: tuple[int, int] = (6, 6), **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path, **options)
    return path


def values(source: Folder, split: str = "train") -> list[tuple[int, int]]:
    return [(int(image[0, 0, 0]), label) for image, label in source.read(split)]


def test_classes_and_files_are_sorted_and_other_files_passed_over(tmp_path: Path) -> None:
    save(tmp_path / "dog" / "b.png", 4)
    save(tmp_path / "dog" / "a.BMP", 3)
    save(tmp_path / "cat" / "images" / "x.webp", 2, lossless=True)
    save(tmp_path / "cat" / "._x.png", 9)
    save(tmp_path / ".hidden" / "y.png", 9)
    (tmp_path / "dog" / "notes.txt").write_text("no image")
    (tmp_path / "README.md").write_text("no class")
    source = Folder(path=str(tmp_path))
    assert source.list("train").class_names == ("cat", "dog")
    assert values(source) == [(2, 0), (3, 1), (4, 1)]


def test_the_test_split_may_be_elsewhere(tmp_path: Path) -> None:
    save(tmp_path / "a" / "cat" / "x.png", 1)
    save(tmp_path / "b" / "cat" / "x.png", 2)
    source = Folder(path=str(tmp_path / "a"), test_path=str(tmp_path / "b"))
    assert values(source) == [(1, 0)]
    assert values(source, "test") == [(2, 0)]


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    save(tmp_path / "train" / "x.png")
    save(tmp_path / "bus" / "x.png")
    assert Folder(path=str(tmp_path)).list("train").class_names == ("bus", "train")


def test_the_content_changes_with_a_file(tmp_path: Path) -> None:
    file = save(tmp_path / "cat" / "x.png")
    before = Folder(path=str(tmp_path)).list("train").content
    file.write_bytes(file.read_bytes() + b"\0")
    assert Folder(path=str(tmp_path)).list("train").content != before


def test_grey_palette_and_transparent_images_arrive_as_rgb_over_white(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    Image.new("L", (4, 4), 7).save(tmp_path / "cat" / "a.png")
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "cat" / "b.png")
    palette = Image.new("P", (4, 4), 1)
    palette.putpalette([0, 0, 0, 5, 5, 5])
    palette.save(tmp_path / "cat" / "c.png")
    Image.new("CMYK", (4, 4)).save(tmp_path / "cat" / "d.jpg")
    assert [value for value, _ in values(Folder(path=str(tmp_path)))] == [7, 255, 5, 255]


def test_every_usual_kind_of_file_is_read_and_an_animation_is_its_first_image(
    tmp_path: Path,
) -> None:
    kinds = ["bmp", "gif", "jpeg", "jpg", "pgm", "png", "ppm", "tif", "tiff", "webp"]
    for value, kind in enumerate(kinds):
        mode = "L" if kind == "pgm" else "RGB"
        (tmp_path / "cat").mkdir(exist_ok=True)
        colour = 10 * value if mode == "L" else (10 * value,) * 3
        image, later = Image.new(mode, (8, 8), colour), Image.new(mode, (8, 8), "white")
        many = {"save_all": True, "append_images": [later]} if kind in ("gif", "webp") else {}
        image.save(tmp_path / "cat" / f"x.{kind}", **many)
    found = [value for value, _ in values(Folder(path=str(tmp_path)))]
    assert found == [pytest.approx(10 * value, abs=1) for value in range(10)]


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_cannot_be_read_is_named_and_not_waited_for(tmp_path: Path, kind: str) -> None:
    file = save(tmp_path / "cat" / "x.png").with_name("y.png")
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(tmp_path / "gone.png")
    with pytest.raises(DataError, match=r"y\.png (is no file|leads nowhere)"):
        Folder(path=str(tmp_path)).list("train")


def test_a_photograph_taken_sideways_is_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned by a quarter
    save(tmp_path / "cat" / "x.jpg", size=(8, 4), exif=exif)
    [(image, _)] = Folder(path=str(tmp_path)).read("train")
    assert image.shape == (8, 4, 3)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"path is '.*nowhere', but there is no such folder"):
        Folder(path=str(tmp_path / "nowhere")).list("train")
    save(tmp_path / "cat" / "x.png")
    with pytest.raises(DataError, match=r"test_path is '.*nowhere', but"):
        Folder(path=str(tmp_path), test_path=str(tmp_path / "nowhere")).list("test")


def test_no_class_folders(tmp_path: Path) -> None:
    save(tmp_path / "x.png")
    with pytest.raises(DataError, match="has no class folders"):
        Folder(path=str(tmp_path)).list("train")


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "x.png")
    (tmp_path / "dog").mkdir()
    with pytest.raises(DataError, match=r"Class 'dog' is empty: .*dog holds no file of"):
        Folder(path=str(tmp_path)).list("train")


def test_no_test_split(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "x.png")
    with pytest.raises(DataError, match="has no test split: give test_path"):
        Folder(path=str(tmp_path)).list("test")
    save(tmp_path / "b" / "train" / "cat" / "x.png")
    with pytest.raises(DataError, match=r"has no folder 'test'; found: train\."):
        Folder(path=str(tmp_path / "b")).list("test")


def test_classes_that_differ_between_the_splits_are_named(tmp_path: Path) -> None:
    for path in ("train/cat", "train/dog", "test/cat", "test/cow"):
        save(tmp_path / path / "x.png")
    with pytest.raises(DataError, match="differ in their class folders: 'cow', 'dog'"):
        Folder(path=str(tmp_path)).list("test")


@pytest.mark.parametrize("damage", ["empty", "cut", "noise", "flipped"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "cat" / "broken.png"
    file.parent.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    Image.fromarray(noise).save(file)
    whole = file.read_bytes()
    flipped = whole[:60] + bytes(255 - byte for byte in whole[60:400]) + whole[400:]
    damaged = {"empty": b"", "cut": whole[: len(whole) // 2], "noise": b"\1" * 99}
    file.write_bytes(damaged.get(damage, flipped))
    with pytest.raises(DataError, match=r"broken\.png cannot be read as an image: .+") as caught:
        list(Folder(path=str(tmp_path)).read("train"))
    assert "\n" not in str(caught.value)


def test_sixteen_bit_grey_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cat").mkdir()
    deep = np.full((4, 4), 40_000, dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "cat" / "deep.png")
    with pytest.raises(DataError, match=r"deep\.png .*16 bits a channel; save it with 8"):
        list(Folder(path=str(tmp_path)).read("train"))


def test_sixteen_bit_colour_is_refused(tmp_path: Path) -> None:
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    # Pillow writes no such file, and reads it as 8 bits without a warning
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(2 * (b"\0" + bytes(12))))
    (tmp_path / "cat").mkdir()
    file = tmp_path / "cat" / "deep.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n" + head + data + chunk(b"IEND", b""))
    with pytest.raises(DataError, match=r"deep\.png .*16 bits a channel"):
        list(Folder(path=str(tmp_path)).read("train"))
