import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmix.data import Listing
from synthmix.data.folder import Folder
from synthmix.decoded import Inventory, open_images
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
    with pytest.raises(DataError, match=r"path is '.*nowhere', which does not exist"):
        Folder(path=str(tmp_path / "nowhere")).list("train")
    save(tmp_path / "cat" / "x.png")
    with pytest.raises(DataError, match=r"test_path is '.*nowhere', which"):
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
    save(tmp_path / "b" / "tests" / "cat" / "x.png")
    with pytest.raises(DataError, match=r"found: tests, train\. Call 'tests' 'test'\."):
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


def listing_of(root: Path) -> Listing:
    return Folder(path=str(root)).list("train")


@pytest.mark.parametrize(
    "hidden",
    [".git", ".cache/deep", "__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "#recycle/x"],
)
def test_hidden_folders_are_passed_over_at_every_depth_and_told(
    tmp_path: Path, hidden: str
) -> None:
    save(tmp_path / "cat" / "x.png", 1)
    save(tmp_path / "dog" / "x.png", 2)
    for place in ("", "cat", "dog/more"):
        save(tmp_path / place / hidden / "y.png", 9)
    listing = listing_of(tmp_path)
    assert (listing.class_names, listing.num_images) == (("cat", "dog"), 2)
    top = hidden.split("/")[0]
    names = {name for passed in listing.passed_over for name in passed.examples}
    assert {top, f"cat/{top}", f"dog/more/{top}"} == names
    assert sum(passed.count for passed in listing.passed_over) == 3
    assert listing.notes == ()


def test_hidden_files_and_other_kinds_are_counted_with_examples(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "x.png")
    for name in ("._x.png", "Thumbs.db", "desktop.ini", "a.txt", "b.txt", "c.json", "README"):
        (tmp_path / "cat" / name).write_text("no picture")
    (tmp_path / "README.md").write_text("about")
    found = {passed.reason: passed for passed in listing_of(tmp_path).passed_over}
    assert found["hidden files"].count == 3
    others = found["files of other kinds (endings: .txt, none, .json)"]
    assert (others.count, others.examples[:2]) == (4, ("cat/a.txt", "cat/b.txt"))
    assert found["files beside the class folders"].examples == ("README.md",)


@pytest.mark.parametrize("ending", ["jfif", "jpe", "PJPEG", "avif", "apng", "dib", "pnm", "png "])
def test_rarer_endings_are_read_and_the_content_tells_the_format(
    tmp_path: Path, ending: str
) -> None:
    save(tmp_path / "cat" / "x.png", 7).rename(tmp_path / "cat" / f"x.{ending}")
    assert values(Folder(path=str(tmp_path))) == [(7, 0)]


def test_a_file_without_an_ending_is_read_where_it_is_a_picture(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "x.png", 7).rename(tmp_path / "cat" / "0001")
    (tmp_path / "cat" / "LICENSE").write_text("BM is no bitmap")
    assert values(Folder(path=str(tmp_path))) == [(7, 0)]


def test_pictures_passed_over_for_their_ending_are_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synthmix.data._walk.find_spec", lambda name: None)
    save(tmp_path / "cat" / "x.png")
    save(tmp_path / "cat" / "y.png").rename(tmp_path / "cat" / "y.jpg_large")
    (tmp_path / "cat" / "z.HEIC").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    (tmp_path / "cat" / "a.jp2").write_bytes(b"\0\0\0\x0cjP  \r\n\x87\n")
    told = "\n".join(listing_of(tmp_path).notes)
    assert "'cat/a.jp2' is a JPEG 2000 picture: this format is not read" in told
    assert "'cat/y.jpg_large' is a PNG picture" in told
    assert "pip install 'pillow-heif" in told


def test_links_are_followed_and_loops_end(tmp_path: Path) -> None:
    save(tmp_path / "elsewhere" / "a.png", 1)
    save(tmp_path / "elsewhere" / "deep" / "b.png", 2)
    save(tmp_path / "one.png", 3)
    root = tmp_path / "root"
    save(root / "dog" / "d.png", 4)
    (root / "cat").mkdir()
    (root / "cat" / "more").symlink_to(tmp_path / "elsewhere")
    (root / "cat" / "one.png").symlink_to(tmp_path / "one.png")
    (root / "cat" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "deep" / "round").symlink_to(tmp_path / "elsewhere")
    (root / "dog" / "up").symlink_to("..")
    (root / "dog" / "everything").symlink_to("/")
    (root / "emu").symlink_to(tmp_path / "elsewhere")
    assert values(Folder(path=str(root))) == [(1, 0), (2, 0), (3, 0), (4, 1), (1, 2), (2, 2)]
    listing = listing_of(root)
    [linked] = listing.passed_over
    assert linked.reason.startswith("folders that are read already")
    assert linked.count == 5
    assert any("'cat/again' and as 'emu'" in note for note in listing.notes)


def test_links_that_lead_nowhere_are_named(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "x.png")
    (tmp_path / "dog").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match=r"dog leads nowhere"):
        listing_of(tmp_path)
    (tmp_path / "dog").unlink()
    (tmp_path / "cat" / "loop").symlink_to("loop")
    with pytest.raises(DataError, match=r"loop leads nowhere"):
        listing_of(tmp_path)


def test_layouts_that_are_not_meant_are_refused(tmp_path: Path) -> None:
    save(tmp_path / "a" / "pets" / "cat" / "x.png")
    save(tmp_path / "a" / "pets" / "dog" / "x.png")
    with pytest.raises(DataError, match=r"one folder alone, 'pets'.*name .*a/pets where"):
        listing_of(tmp_path / "a")
    for split in ("Training", "Validation"):
        save(tmp_path / "b" / split / "cat" / "x.png")
    with pytest.raises(DataError, match="look like splits: Training, Validation"):
        listing_of(tmp_path / "b")


@pytest.mark.parametrize(
    "names",
    [("tests", "training"), ("test_set", "train_set"), ("eval", "trains")],
)
def test_folders_that_are_called_nearly_as_splits_are_no_classes(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        save(tmp_path / name / "cat" / "x.png")
        save(tmp_path / name / "dog" / "x.png")
    with pytest.raises(DataError, match=f"{', '.join(names)}"):
        listing_of(tmp_path)


def test_splits_beside_another_folder_are_no_classes(tmp_path: Path) -> None:
    for name in ("docs", "tests", "training"):
        save(tmp_path / name / "cat" / "x.png")
    with pytest.raises(DataError, match="look like splits: tests, training. Give one of them"):
        listing_of(tmp_path)


def test_layouts_that_may_not_be_meant_are_noted(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "images" / "x.png")
    save(tmp_path / "dog" / "train" / "x.png")
    save(tmp_path / "dog" / "val" / "x.png")
    save(tmp_path / "valid" / "x.png")
    save(tmp_path / "lost.png")
    told = "\n".join(listing_of(tmp_path).notes)
    assert (
        "1 of 3 class folders hold their pictures in one folder inside alone ('cat/images')" in told
    )
    assert "class folders hold folders 'train', 'val'" in told
    assert "classes are called 'valid'" in told
    assert "1 picture lies beside the class folders, in no class: 'lost.png'" in told


@pytest.mark.parametrize("fewer", [(), ("siteB/dog",)])
def test_folders_that_hold_the_same_folders_may_not_be_the_classes(
    tmp_path: Path, fewer: tuple[str, ...]
) -> None:
    for site in ("siteA", "siteB", "siteC"):
        for name in ("cat", "dog"):
            if f"{site}/{name}" not in fewer:
                save(tmp_path / site / name / "x.png")
    [told] = [each for each in listing_of(tmp_path).notes if "the same folders" in each]
    assert told.startswith("class folders hold the same folders, 'cat', 'dog', and no picture")
    assert "'siteA', 'siteB', 'siteC' are taken for the classes" in told
    assert "put 'siteA/cat' at 'cat/siteA'" in told


def test_folders_within_class_folders_that_are_their_own_raise_no_doubt(tmp_path: Path) -> None:
    for name in ("animal/cat", "animal/dog", "plant/oak", "plant/fern", "plant/dog"):
        save(tmp_path / name / "x.png")
    save(tmp_path / "stone" / "granite" / "x.png")
    save(tmp_path / "stone" / "marble" / "x.png")
    assert listing_of(tmp_path).notes == ()
    assert listing_of(tmp_path / "animal").notes == ()


def test_folders_beside_the_splits_are_told(tmp_path: Path) -> None:
    for split in ("train", "test", "val"):
        save(tmp_path / split / "cat" / "x.png")
    [passed] = listing_of(tmp_path).passed_over
    assert (passed.reason, passed.examples) == ("folders beside test and train", ("../val",))


def test_classes_of_both_splits_match_however_they_are_composed(tmp_path: Path) -> None:
    save(tmp_path / "train" / "caf\u00e9" / "x.png")
    save(tmp_path / "test" / "cafe\u0301" / "x.png")
    assert Folder(path=str(tmp_path)).list("test").num_images == 1


def test_names_that_no_text_holds_are_told_legibly(tmp_path: Path) -> None:
    save(tmp_path / "cat" / "x.png", 1)
    frames = [Image.new("L", (4, 4), level) for level in (1, 90)]
    moving = tmp_path / "cat" / "y.gif"
    frames[0].save(moving, save_all=True, append_images=frames[1:])
    moving.rename(os.fsdecode(os.fsencode(tmp_path / "cat") + b"/\xff\x1b[2J.gif"))
    (tmp_path / "cat" / os.fsdecode(b"\xfe.t\nt")).write_text("no picture")
    images = tmp_path / ".cache"
    told: list[Inventory] = []
    open_images(Folder(path=str(tmp_path)), "train", image_size=4, cache=images, tell=told.append)
    passed = told[0].passed_over[-1]
    assert passed.examples == (r"cat/\udcfe.t\nt",)
    assert told[0].concerns[-1].endswith(r"cat/\udcff\x1b[2J.gif")
