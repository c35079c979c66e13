"""Duplicates are found under small changes, and unlike pictures are not."""

import io

import numpy as np
import pytest
from PIL import Image

from synthmix.evaluation.duplicates import Match, marks, matches
from tests.conftest import SHARED

CIFAR = SHARED / "data" / "cifar10" / "plain_text"


def pictures(count: int, seed: int = 0, size: int = 32) -> np.ndarray:
    """Return smooth random pictures, unlike each other."""
    random = np.random.default_rng(seed)
    small = random.integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    large = [Image.fromarray(each).resize((size, size), Image.Resampling.BICUBIC) for each in small]
    return np.stack([np.asarray(each) for each in large])


def test_the_same_pixels_are_exact() -> None:
    one, other = pictures(20), pictures(20, seed=1)
    other[7] = one[3]
    assert matches(marks(one), marks(other)) == [Match(3, 7, 0, True)]


def test_slight_changes_are_found_but_not_exact() -> None:
    one = pictures(30)
    brighter = (one.astype(int) * 0.95 + 8).clip(0, 255).astype(np.uint8)
    found = matches(marks(one), marks(brighter))
    assert {(match.row, match.other) for match in found} >= {(k, k) for k in range(30)}
    assert not any(match.is_exact for match in found)


def test_other_pictures_are_not() -> None:
    assert matches(marks(pictures(300)), marks(pictures(300, seed=1))) == []


def test_nothing_matches_nothing() -> None:
    assert matches(marks(pictures(3)[:0]), marks(pictures(3))) == []


@pytest.mark.skipif(not CIFAR.exists(), reason="needs the shared CIFAR-10 images")
def test_real_photographs_are_found_after_compression_and_no_others() -> None:
    from synthmix.data.huggingface import Huggingface
    from synthmix.decoded import open_images

    source = Huggingface(path=str(CIFAR.parent), per_class=60)
    images = open_images(source, "test", image_size=32, where="test").pixels[:]
    found = matches(marks(images), marks(np.stack([compressed(each) for each in images])))
    twins = {match.row for match in found if match.row == match.other}
    assert len(twins) > 0.95 * len(images)
    assert len(found) - len(twins) < 0.01 * len(images)


def compressed(image: np.ndarray) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=75)
    return np.asarray(Image.open(buffer))
