"""Corruptions: nothing at the neutral level, more at each severity, and an image on its own."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from synthmix.errors import SettingError
from synthmix.evaluation.corruptions import SEVERITIES, Corruption
from synthmix.registry import Registry
from synthmix.types import Pixels

CORRUPTIONS: Registry[Corruption] = Registry("synthmix.evaluation.corruptions", "Corruption")
KINDS = CORRUPTIONS.names()
SIZES = (8, 32, 48)


def photographs(size: int, count: int = 12) -> Pixels:
    """Return images with edges, slopes and texture, so that every kind has something to spoil."""
    random = np.random.default_rng(size)
    rows, columns = np.mgrid[:size, :size] / size
    images = []
    for _ in range(count):
        y, x = random.uniform(0.3, 0.7, 2)
        disc = (np.hypot(rows - y, columns - x) < 0.25)[..., None]
        picture = 90 + 60 * rows[..., None] + disc * random.uniform(-90, 90, 3)
        images.append(picture + random.normal(0, 12, (size, size, 1)))
    return np.array(images).clip(0, 255).astype(np.uint8)


def build(kind: str, **settings: Any) -> Corruption:
    return CORRUPTIONS.build(kind, settings)


def corrupted(kind: str, images: Pixels, level: float) -> Pixels:
    found = [build(kind).apply(image, level, seed) for seed, image in enumerate(images)]
    return np.array(found)


def distance(one: Pixels, other: Pixels) -> float:
    return float(np.sqrt(((one.astype(float) - other) ** 2).mean()))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_neutral_level_changes_nothing(kind: str, size: int) -> None:
    images = photographs(size)
    # JPEG has no lossless quality, and halves the resolution of colours whatever the quality
    room = 1.0 if kind == "jpeg" else 0.0
    images = np.repeat(images[..., :1], 3, axis=3) if kind == "jpeg" else images
    assert distance(corrupted(kind, images, build(kind).neutral), images) <= room


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_severity_is_farther_from_the_image(kind: str, size: int) -> None:
    images = photographs(size)
    levels = build(kind).levels
    found = [corrupted(kind, images, level) for level in levels]
    distances = [distance(images, each) for each in found]
    assert all(weak <= strong for weak, strong in pairwise(distances)), distances
    assert distances[-1] > max(1.4 * distances[0], 4), distances
    for each in found:
        assert each.dtype == np.uint8
        assert each.shape == images.shape


@pytest.mark.parametrize("kind", KINDS)
def test_an_image_depends_on_its_seed_and_level_alone(kind: str) -> None:
    images = photographs(16)
    level = build(kind).levels[2]
    together = corrupted(kind, images, level)
    # a view that is not contiguous and read-only, as a memory map gives it
    view = np.asfortranarray(images)[5]
    view.flags.writeable = False
    assert np.array_equal(build(kind).apply(view, level, 5), together[5])
    assert np.array_equal(images, photographs(16)), "the image itself is left as it was"


def test_noise_is_an_images_own_and_the_same_at_every_severity() -> None:
    grey = np.full((16, 16, 3), 128, dtype=np.uint8)
    weak, strong, other = (
        build("gaussian-noise").apply(grey, level, seed) - 128.0
        for level, seed in ((0.05, 1), (0.1, 1), (0.1, 2))
    )
    assert np.corrcoef(weak.ravel(), strong.ravel())[0, 1] > 0.99
    assert abs(np.corrcoef(strong.ravel(), other.ravel())[0, 1]) < 0.15
    assert strong.std() == pytest.approx(25.5, rel=0.08)


def test_a_kind_has_five_levels() -> None:
    with pytest.raises(SettingError, match=f"levels has 2 numbers; it needs {SEVERITIES}"):
        build("jpeg", levels=[80, 40])


@pytest.mark.parametrize("kind", KINDS)
def test_its_packages_are_installed(kind: str) -> None:
    from importlib.metadata import version

    assert all(version(name) for name in build(kind).packages)
