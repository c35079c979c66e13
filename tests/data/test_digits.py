import numpy as np
import pytest
from sklearn.datasets import load_digits

from synthmix.data.digits import Digits
from synthmix.errors import SettingError


def test_a_third_is_held_out_and_the_rest_is_the_training_split() -> None:
    assert Digits().list("test").num_images == 599
    assert Digits().list("train").num_images == 1797 - 599
    assert Digits().list("train").class_names == tuple("0123456789")


def test_the_hold_out_keeps_the_class_proportions() -> None:
    test = np.bincount([label for _, label in Digits().read("test")])
    everything = np.bincount(load_digits().target)
    assert np.abs(test - everything / 3).max() < 1


def test_both_splits_together_are_the_1797_images() -> None:
    read = [image for split in ("train", "test") for image, _ in Digits().read(split)]
    expected = np.rint(load_digits().images * 255 / 16).astype(np.uint8)
    assert sorted(each[:, :, 0].tobytes() for each in read) == sorted(e.tobytes() for e in expected)
    assert max(image.max() for image in read) == 255
    assert all((image[:, :, 0] == image[:, :, 2]).all() for image in read)


def test_the_split_depends_on_its_own_seed_only() -> None:
    def first(**settings: int) -> bytes:
        return b"".join(image.tobytes() for image, _ in Digits(**settings).read("test"))

    assert first() == first(seed=5)
    assert first() != first(split_seed=5)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_outside_its_range_is_an_error(fraction: float) -> None:
    with pytest.raises(SettingError, match=r"test_fraction is .*above 0 and below 1"):
        Digits(test_fraction=fraction)
