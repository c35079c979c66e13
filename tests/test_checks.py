"""What is said of one image: its faults, and its hash against the transform it is defined by."""

import numpy as np
import pytest
from scipy.fft import dctn

from synthmix.checks import fault, perceptual_hash
from tests.evaluation.test_duplicates import pictures


@pytest.mark.parametrize("shape", [(1, 1, 3), (7, 5, 3), (32, 32, 3), (9, 9, 4), (6, 6, 1)])
def test_counted_levels_decide_as_their_sums_do(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    for highest in (1, 2, 3, 40, 256):
        image = rng.integers(0, highest, shape, dtype=np.uint8)
        if highest == 40:
            image += 200
        limits = {"black_below": float(image.max()), "constant_below": float(image.std())}
        above = {name: value * (1 + 1e-9) + 1e-12 for name, value in limits.items()}
        below = {name: value * (1 - 1e-9) - 1e-12 for name, value in limits.items()}
        assert fault(image, **below) is None
        assert fault(image, **{**below, "black_below": above["black_below"]}) == "black"
        assert fault(image, **{**below, "constant_below": above["constant_below"]}) == "constant"


def test_floats_are_judged_by_the_same_limits() -> None:
    image = np.full((4, 4, 3), 7.0)
    assert fault(image) == "constant"
    image[0, 0, 0] = np.nan
    assert fault(image) == "NaN or infinite values"
    assert fault(np.zeros((4, 4, 3))) == "black"


def by_definition(image: np.ndarray) -> int:
    grey = np.asarray(np.dot(image.astype(np.float64), [0.299, 0.587, 0.114]))
    low = dctn(np.round(grey))[:8, :8].ravel()
    return int("".join("1" if value > np.median(low) else "0" for value in low), 2)


def test_the_hash_is_that_of_its_definition() -> None:
    images = pictures(100)
    differing = [perceptual_hash(each) ^ by_definition(each) for each in images]
    # Pillow rounds grey values in fixed point, so a bit at the median may fall either way
    assert np.mean([each.bit_count() for each in differing]) < 0.5
    assert differing.count(0) > 60


def test_what_does_not_vary_leaves_no_bits_to_chance() -> None:
    """In a picture of columns seven eighths of the frequencies are zero, whatever the noise."""
    columns = np.tile(np.arange(0, 256, 8, dtype=np.uint8)[None, :, None], (32, 1, 3))
    found = perceptual_hash(columns)
    assert found >> 56 != 0
    assert found & (1 << 56) - 1 == 0
