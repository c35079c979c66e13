import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.lib import format as npy

from synthmix.data import PassedOver
from synthmix.data.array import BLACK, Array
from synthmix.errors import DataError, SettingError
from synthmix.noticed import noticing

RANDOM = np.random.default_rng(0)
GREY = RANDOM.integers(0, 256, (4, 6, 5), dtype=np.uint8)
COLOUR = RANDOM.integers(0, 256, (4, 6, 5, 3), dtype=np.uint8)
LABELS = np.array([1, 0, 1, 0])
NAMES = ("cat", "dog")


def save(path: Path, **arrays: Any) -> str:
    np.savez(path / "a.npz", **arrays)
    return str(path / "a.npz")


def read(path: str, split: str = "train") -> np.ndarray:
    return np.stack([image for image, _ in Array(path=path, class_names=NAMES).read(split)])


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (GREY, np.repeat(GREY[..., None], 3, axis=3)),
        (GREY[..., None], np.repeat(GREY[..., None], 3, axis=3)),
        (GREY[:, None], np.repeat(GREY[..., None], 3, axis=3)),
        (COLOUR, COLOUR),
        (COLOUR.transpose(0, 3, 1, 2), COLOUR),
        (np.asfortranarray(COLOUR), COLOUR),
    ],
)
@pytest.mark.parametrize("names", [("images", "labels"), ("pixels", "y"), ("x", "y")])
def test_every_layout_arrives_as_rgb(
    tmp_path: Path, pixels: np.ndarray, expected: np.ndarray, names: tuple[str, str]
) -> None:
    path = save(tmp_path, **{names[0]: pixels, names[1]: LABELS})
    assert Array(path=path, class_names=NAMES).list("train").num_images == 4
    assert (read(path) == expected).all()


def test_transparency_is_laid_over_white(tmp_path: Path) -> None:
    clear = np.concatenate([COLOUR, np.zeros((4, 6, 5, 1), np.uint8)], axis=3)
    assert (read(save(tmp_path, x=clear, y=LABELS)) == 255).all()


def test_one_file_may_hold_both_splits_and_the_names(tmp_path: Path) -> None:
    path = save(
        tmp_path,
        x_train=COLOUR,
        y_train=LABELS[:, None],
        x_test=COLOUR[:2],
        y_test=LABELS[:2],
        class_names=np.array(NAMES),
    )
    source = Array(path=path)
    assert source.list("test").class_names == NAMES
    assert [label for _, label in source.read("train")] == [1, 0, 1, 0]
    assert [label for _, label in source.read("test")] == [1, 0]


def test_each_split_may_have_its_file(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    train = save(tmp_path, x=COLOUR, y=LABELS)
    test = save(tmp_path / "b", x=COLOUR[:1], y=LABELS[:1])
    for setting in ("path", "train_path"):
        source = Array(**{setting: train}, test_path=test, class_names=NAMES)
        assert source.list("train").num_images == 4
        assert source.list("test").num_images == 1


def test_one_of_two_paths_is_needed() -> None:
    with pytest.raises(SettingError, match="path is None and train_path is None; give one"):
        Array()
    with pytest.raises(SettingError, match="path is 'a' and train_path is 'b'; give one"):
        Array(path="a", train_path="b")


def test_no_test_split(tmp_path: Path) -> None:
    path = save(tmp_path, x=COLOUR, y=LABELS)
    with pytest.raises(DataError, match="has no test split: give test_path"):
        Array(path=path, class_names=NAMES).list("test")
    with pytest.raises(DataError, match="has no test split: give test_path"):
        Array(train_path=path, class_names=NAMES).list("test")


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"path is '.*x\.npz', which does not exist"):
        Array(path=str(tmp_path / "x.npz")).list("train")
    with pytest.raises(DataError, match=r"test_path is 'x\.npz', which does not exist"):
        Array(path="a.npz", test_path="x.npz").list("test")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": LABELS}, r"holds no 'images' or 'pixels' or 'x', only: y\."),
        ({"x": COLOUR}, r"holds no 'labels' or 'y', only: x\."),
        ({"x_train": COLOUR, "y": LABELS}, r"holds no 'labels_train' or 'y_train'"),
        ({"x": COLOUR[:0], "y": LABELS[:0]}, r"'x' holds no image\."),
        ({"x": COLOUR / 255, "y": LABELS}, r"'x' is float64; it must be uint8"),
        ({"x": COLOUR[0, :, :, 0], "y": LABELS}, r"'x' has the shape \[6, 5\]; it must be \[N,"),
        ({"x": COLOUR[..., :2], "y": LABELS}, r"'x' has the shape \[4, 6, 5, 2\]"),
        ({"x": COLOUR, "y": LABELS[:3]}, r"'y' has the shape \[3\], for 4 images"),
        ({"x": COLOUR, "y": LABELS / 2}, r"'y' is float64; it must hold integers"),
        ({"x": COLOUR, "y": LABELS + 1}, r"row 0 has the label 2, but the 2 class names allow"),
        ({"x": COLOUR, "y": LABELS.astype(object)}, r"'y' cannot be read: Object arrays"),
        ({"x": COLOUR.astype(object), "y": LABELS}, r"'x' is object; it must be uint8"),
    ],
)
def test_a_wrong_array_is_named(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    source = Array(path=save(tmp_path, **arrays), class_names=NAMES)
    with pytest.raises(DataError, match=message):
        source.list("train")
    with pytest.raises(DataError, match=message):
        next(source.read("train"))


def test_names_are_needed(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has no class names: give class_names: \[first"):
        Array(path=save(tmp_path, x=COLOUR, y=LABELS)).list("train")


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = Path(save(tmp_path, x=COLOUR, y=LABELS))
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    with pytest.raises(DataError, match=r"a\.npz cannot be read as an \.npz file"):
        Array(path=str(path), class_names=NAMES).list("train")


def test_flipped_bytes_are_found_when_reading(tmp_path: Path) -> None:
    path = Path(save(tmp_path, x=COLOUR, y=LABELS))
    data = bytearray(path.read_bytes())
    data[300] ^= 255  # inside the pixels
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"'x' cannot be read: Bad CRC-32"):
        list(Array(path=str(path), class_names=NAMES).read("train"))


def test_a_single_array_is_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", COLOUR)
    with pytest.raises(DataError, match=r"is a single array; save images and labels"):
        Array(path=str(tmp_path / "a.npy")).list("train")


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.array([0, 1, np.nan, 1]), r"'y' is float64; it must hold integers"),
        (LABELS.astype(np.float32), r"'y' is float32; it must hold integers"),
        (LABELS.astype(bool), r"'y' is bool; it must hold integers"),
        (np.array([0, 2**64 - 1, 0, 1], np.uint64), r"row 1 has the label 18446744073709551615"),
        (np.array([0, 1, -1, 1]), r"row 2 has the label -1.*; -1 marks images without a label"),
    ],
)
def test_labels_of_another_kind_are_named(tmp_path: Path, labels: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Array(path=save(tmp_path, x=COLOUR, y=labels), class_names=NAMES).list("train")


@pytest.mark.parametrize("kind", [">i8", ">u2", "<u4"])
def test_labels_may_be_integers_of_any_kind(tmp_path: Path, kind: str) -> None:
    source = Array(path=save(tmp_path, x=COLOUR, y=LABELS.astype(kind)), class_names=NAMES)
    assert [label for _, label in source.read("train")] == LABELS.tolist()


def test_names_that_are_given_are_matched_by_name(tmp_path: Path) -> None:
    path = save(tmp_path, x=COLOUR, y=LABELS, class_names=np.array(NAMES))
    source = Array(path=path, class_names=("dog", "cat"))
    assert source.list("train").class_names == ("dog", "cat")
    assert [label for _, label in source.read("train")] == (1 - LABELS).tolist()
    renamed = Array(path=path, class_names=("Katze", "Hund"))
    assert [label for _, label in renamed.read("train")] == LABELS.tolist()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (np.array([b"caf\xe9", b"dog"]), r"class_names is not UTF-8"),
        (np.array([["cat"], ["dog"]]), r"class_names is <U3 \[2, 1\]; it must be one row"),
        (np.array([0.5, 1.5]), r"class_names is float64 \[2\]; it must be one row"),
        (np.array(["cat", "cat"]), r"two classes are called 'cat'"),
        (np.array(["cat", " "]), r"a name is empty"),
    ],
)
def test_names_of_another_kind_are_named(tmp_path: Path, names: Any, message: str) -> None:
    with pytest.raises(DataError, match=message):
        Array(path=save(tmp_path, x=COLOUR, y=LABELS, class_names=names)).list("train")


def test_two_arrays_of_images_or_axes_of_channels_are_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds 'images' and 'x'; take one of the two away"):
        Array(path=save(tmp_path, images=COLOUR, x=GREY, y=LABELS), class_names=NAMES).list("train")
    source = Array(path=save(tmp_path, x=COLOUR[:, :3], y=LABELS), class_names=NAMES)
    assert source.list("train").notes == (
        f"{tmp_path}/a.npz: of 'x', [4, 3, 5, 3], the last axis is the channels.",
    )
    with pytest.raises(DataError, match=r"'x' has the shape \[4, 0, 5, 3\]"):
        Array(path=save(tmp_path, x=COLOUR[:, :0], y=LABELS), class_names=NAMES).list("train")


def test_arrays_that_no_split_takes_are_told(tmp_path: Path) -> None:
    more = {"x": COLOUR, "x_val": COLOUR, "class_names": NAMES}
    path = save(tmp_path, x_train=COLOUR, y_train=LABELS, x_test=GREY, y_test=LABELS, **more)
    for split in ("train", "test"):
        told = Array(path=path).list(split).passed_over
        assert told == (PassedOver("arrays of other names", 2, ("x", "x_val")),)


@pytest.mark.parametrize(("brightest", "count"), [(1, 1), (2, 0)])
def test_pixels_cast_from_0_to_1_are_told(tmp_path: Path, brightest: int, count: int) -> None:
    with noticing() as noticed:
        read(save(tmp_path, x=np.minimum(COLOUR, brightest), y=LABELS))
    assert noticed == ({BLACK: (1, ("'x' of a.npz",))} if count else {})


def test_a_header_that_promises_more_than_there_is_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    for key in ("x", "y"):
        with zipfile.ZipFile(path, "w") as archive:
            for name, array in (("x", COLOUR), ("y", LABELS)):
                with archive.open(f"{name}.npy", "w") as member:
                    shape = (10**9, *array.shape[1:]) if name == key else array.shape
                    head = {"descr": array.dtype.str, "fortran_order": False, "shape": shape}
                    npy.write_array_header_1_0(member, head)
                    member.write(array.tobytes())
        with pytest.raises(DataError, match=rf"'{key}' has \d+ bytes instead of \d{{10,}}"):
            Array(path=str(path), class_names=NAMES).list("train")


def test_an_archive_that_unpacks_to_more_than_memory_is_read_image_by_image(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.npz"
    pixels = np.zeros((1500, 256, 256, 3), np.uint8)  # 300 KB of 280 MB
    np.savez_compressed(path, x=pixels, y=np.arange(1500) % 2)
    del pixels
    tracemalloc.start()
    images = Array(path=str(path), class_names=NAMES).read("train")
    assert sum(1 for _ in zip(images, range(20), strict=False)) == 20
    assert tracemalloc.get_traced_memory()[1] < 20 << 20
    tracemalloc.stop()


def test_an_encrypted_archive_is_named(tmp_path: Path) -> None:
    path = Path(save(tmp_path, x=COLOUR, y=LABELS))
    data = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = data.find(signature)
        while start >= 0:
            data[start + offset] |= 1  # its flag
            start = data.find(signature, start + 1)
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"cannot be read: File .* is encrypted"):
        Array(path=str(path), class_names=NAMES).list("train")
