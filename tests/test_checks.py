"""What is said of one image: the perceptual hash against the transform it is defined by."""

import numpy as np
from scipy.fft import dctn

from synthmix.checks import perceptual_hash
from tests.evaluation.test_duplicates import pictures


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
