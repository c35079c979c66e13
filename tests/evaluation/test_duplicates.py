"""Copies are found under small changes, and unlike pictures are not taken for copies."""

import io
from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from synthmix.evaluation.duplicates import KINDS, _Distinct, copies
from synthmix.images import resized
from synthmix.types import Pixels
from tests.conftest import SHARED

CIFAR = SHARED / "data" / "cifar10" / "plain_text"


def pictures(count: int, seed: int = 0, size: int = 32) -> np.ndarray:
    """Return smooth random pictures, unlike each other."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    large = [Image.fromarray(each).resize((size, size), Image.Resampling.BICUBIC) for each in small]
    return np.stack([np.asarray(each) for each in large])


@cache
def digits(size: int = 8) -> Pixels:
    """Return scikit-learn's digits, some of which differ by little."""
    found = [
        Image.fromarray(np.rint(each * 255 / 16).astype(np.uint8)).resize((size, size), 1)
        for each in load_digits().images
    ]
    return np.stack([np.asarray(each.convert("RGB")) for each in found])


@cache
def photographs(count: int, size: int = 32) -> Pixels:
    """Return the first test images of CIFAR-10."""
    if not CIFAR.exists():
        pytest.skip("needs the shared CIFAR-10 images")
    from synthmix.data.huggingface import Huggingface
    from synthmix.decoded import open_images

    source = Huggingface(path=str(CIFAR.parent))
    images = open_images(source, "test", image_size=None, where="test").pixels[:count]
    return np.stack([resized(image, size) for image in images])


def compressed(image: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=75)
    return np.asarray(Image.open(buffer))


def shifted(image: Pixels, down: int, right: int, mode: str) -> Pixels:
    height, width = image.shape[:2]
    if mode == "wrap":
        return np.roll(image, (down, right), (0, 1))
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)), mode=mode)  # type: ignore[call-overload]
    return padded[2 - down : 2 - down + height, 2 - right : 2 - right + width]


def one_bit(image: Pixels) -> Pixels:
    changed = image.copy()
    changed[5, 3, 1] ^= 1
    return changed


def painted(image: Pixels) -> Pixels:
    changed = image.copy()
    changed[[1, 3, 6], [6, 2, 4]] = [[255, 0, 0], [0, 255, 0], [9, 9, 9]]
    return changed


def noisy(image: Pixels) -> Pixels:
    noise = np.random.default_rng(int(image.sum())).normal(0, 4, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


def brighter(image: Pixels) -> Pixels:
    return np.clip(image * 1.05 + 4, 0, 255).astype(np.uint8)


CHANGES: dict[str, tuple[Callable[[Pixels], Pixels], str]] = {
    "one bit": (one_bit, "near"),
    "three pixels": (painted, "near"),
    "noise": (noisy, "near"),
    "JPEG": (compressed, "near"),
    "brightness": (brighter, "near"),
    "wrapped": (lambda image: shifted(image, 1, -2, "wrap"), "shifted"),
    "edge-filled": (lambda image: shifted(image, -1, 1, "edge"), "shifted"),
    "zero-filled": (lambda image: shifted(image, 2, 0, "constant"), "shifted"),
    "mirrored": (lambda image: image[:, ::-1], "mirrored"),
    "mirrored and shifted": (lambda image: shifted(image[:, ::-1], 1, 0, "edge"), "mirrored"),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", ["digits 8", "digits 28", "photographs 32", "photographs 64"])
def test_nearly_all_changed_copies_are_found_and_nothing_else(change: str, kind: str) -> None:
    name, size = kind.split()
    images = digits(int(size))[:600] if name == "digits" else photographs(600, int(size))
    rows = np.arange(0, 600, 10)
    alter, called = CHANGES[change]
    told = copies(np.stack([alter(images[row]) for row in rows]), images)
    assert (told.shows == rows).mean() >= 0.95
    assert not np.any((told.kinds >= 0) & (told.shows != rows))
    if change != "JPEG":  # CIFAR-10 was JPEG before, and some images come out the same
        assert told.counts()[called] >= 0.9 * len(rows)


@pytest.mark.parametrize("size", [8, 28])
@pytest.mark.parametrize("num_parts", [2, 5])
def test_different_digits_are_no_copies(size: int, num_parts: int) -> None:
    images, found = digits(size), 0
    for part in range(num_parts):
        mine = np.arange(len(images)) % num_parts == part
        found += sum(copies(images[mine], images[~mine]).counts().values())
    assert found <= 1


def test_different_photographs_are_no_copies() -> None:
    images = photographs(3000)
    told = copies(images[:1500], images[1500:])
    # the test images of CIFAR-10 hold a few true copies of each other
    assert (told.kinds >= 0).sum() <= 3
    assert told.distances[told.kinds >= 0].max(initial=0) < 0.3


def gradients(count: int, seed: int, size: int = 32) -> Pixels:
    """Return plain gradients between two colours, in any direction."""
    random = np.random.default_rng(seed)
    angles = random.uniform(0, 2 * np.pi, count)
    y, x = np.mgrid[0:size, 0:size] / size - 0.5
    ramps = np.cos(angles)[:, None, None] * x + np.sin(angles)[:, None, None] * y + 0.5
    ends = random.integers(0, 256, (2, count, 1, 1, 3))
    return np.clip(ends[0] + ramps[..., None] * (ends[1] - ends[0]), 0, 255).astype(np.uint8)


def plain(count: int, seed: int) -> Pixels:
    """Return nearly constant images, with a little noise."""
    random = np.random.default_rng(seed)
    levels = random.integers(0, 250, (count, 1, 1, 3)) + random.integers(0, 4, (count, 32, 32, 3))
    return levels.astype(np.uint8)


def blended(count: int, seed: int) -> Pixels:
    """Return images blended between four colours in the corners."""
    corners = np.random.default_rng(seed).integers(0, 256, (count, 2, 2, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(each).resize((32, 32), 2)) for each in corners])


def glows(count: int, seed: int) -> Pixels:
    """Return lights that fade away from a centre."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:32, 0:32][:, None] / 32 - random.uniform(0.2, 0.8, (2, count, 1, 1))
    fading = np.exp(-((x**2 + y**2) / random.uniform(0.1, 0.4, (count, 1, 1))))[..., None]
    ends = random.integers(0, 256, (2, count, 1, 1, 3))
    return np.clip(ends[0] + fading * (ends[1] - ends[0]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("make", [gradients, plain, blended, glows])
def test_images_with_little_in_them_are_not_taken_for_each_other(
    make: Callable[[int, int], Pixels],
) -> None:
    told = copies(make(500, 0), make(500, 1))
    assert (told.kinds >= 0).sum() <= 1
    same = copies(make(500, 0), make(500, 0))
    assert same.counts()["exact"] == 500


def test_the_same_pixels_are_exact_and_both_sides_are_told() -> None:
    one, other = pictures(20), pictures(20, seed=1)
    other[[7, 9]] = one[3]
    told = copies(one, other)
    assert np.flatnonzero(told.kinds >= 0).tolist() == [3]
    assert (KINDS[told.kinds[3]], told.shows[3], told.distances[3]) == ("exact", 7, 0)
    assert np.flatnonzero(told.seen >= 0).tolist() == [7, 9]
    assert (told.seen == KINDS.index("exact")).sum() == 2


def test_several_copies_of_one_image_are_all_found() -> None:
    images = pictures(300)
    versions = [images[4], images[4][:, ::-1], noisy(images[4]), shifted(images[4], 1, 1, "edge")]
    told = copies(images[:10], np.concatenate([images[10:], np.stack(versions)]))
    assert np.flatnonzero(told.kinds >= 0).tolist() == [4]
    assert KINDS[told.kinds[4]] == "exact"
    told = copies(np.stack(versions), images)
    assert told.shows.tolist() == [4] * 4
    assert [KINDS[kind] for kind in told.kinds] == ["exact", "mirrored", "near", "shifted"]


def test_a_set_in_which_every_image_stands_many_times_is_searched() -> None:
    images = digits()[:200]
    everything = np.concatenate([shifted_all(images, d, r) for d in (-1, 0, 1) for r in (0, 1)])
    assert (copies(images[:, :, ::-1], everything).shows >= 0).mean() > 0.95


def shifted_all(images: Pixels, down: int, right: int) -> Pixels:
    return np.stack([shifted(image, down, right, "constant") for image in images])


def test_thousands_of_equal_images_are_looked_at_once() -> None:
    black = np.zeros((5000, 32, 32, 3), np.uint8)
    assert len(_Distinct.of(black).rows) == 1
    assert copies(black, black).counts() == {"exact": 5000, "near": 0, "shifted": 0, "mirrored": 0}


def test_nothing_shows_nothing_and_small_images_are_compared_exactly() -> None:
    assert len(copies(pictures(3)[:0], pictures(3)).kinds) == 0
    assert copies(pictures(3), pictures(3)[:0]).shows.tolist() == [-1, -1, -1]
    tiny = np.random.default_rng(0).integers(0, 256, (9, 3, 3, 3), dtype=np.uint8)
    assert copies(tiny, tiny[::-1]).shows.tolist() == list(range(9))[::-1]


def test_other_pictures_are_not() -> None:
    assert not np.any(copies(pictures(300), pictures(300, seed=1)).kinds >= 0)
