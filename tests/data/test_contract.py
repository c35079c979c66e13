"""What `synthmix.data` promises, held by every file of it."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthmix.data import ImageSource
from synthmix.decoded import open_images
from synthmix.errors import SettingError
from synthmix.registry import Registry, describe

REGISTRY: Registry[ImageSource] = Registry("synthmix.data", "ImageSource")
Settings = Callable[[str], dict[str, object]]


def test_the_names_are_these() -> None:
    assert REGISTRY.names() == ["array", "digits", "folder", "huggingface", "torchvision"]


@pytest.fixture(params=REGISTRY.names())
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def source(name: str, settings_of: Settings) -> ImageSource:
    return REGISTRY.build(name, settings_of(name))


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_listing_tells_what_reading_yields(source: ImageSource, split: str) -> None:
    listing = source.list(split)
    pairs = list(source.read(split))
    assert len(pairs) == listing.num_images
    assert {label for _, label in pairs} == set(range(len(listing.class_names)))
    assert len(set(listing.class_names)) == len(listing.class_names)
    assert all(isinstance(each, str) for each in listing.class_names)


@pytest.mark.parametrize("split", ["train", "test"])
def test_images_are_rgb_bytes_and_labels_plain_numbers(source: ImageSource, split: str) -> None:
    for image, label in source.read(split):
        assert image.dtype == np.uint8
        assert image.ndim == 3
        assert image.shape[2] == 3
        assert type(label) is int


def test_reading_twice_gives_the_same(source: ImageSource) -> None:
    first, again = list(source.read("train")), list(source.read("train"))
    assert [label for _, label in first] == [label for _, label in again]
    assert all((a == b).all() for (a, _), (b, _) in zip(first, again, strict=True))


def test_both_splits_number_the_same_classes(source: ImageSource) -> None:
    assert source.list("train").class_names == source.list("test").class_names


def test_the_splits_share_no_image(source: ImageSource) -> None:
    # the digits hold a few images twice: 8x8 pixels of 17 levels leave that room
    train, test = ({image.tobytes() for image, _ in source.read(s)} for s in ("train", "test"))
    assert len(train & test) <= 0.01 * len(test)


def test_a_subset_lists_and_reads_everything(name: str, settings_of: Settings) -> None:
    whole = REGISTRY.build(name, settings_of(name))
    subset = REGISTRY.build(name, settings_of(name) | {"per_class": 1, "seed": 7})
    assert subset.list("train") == whole.list("train")
    assert len(list(subset.read("train"))) == whole.list("train").num_images


def test_settings_and_content_are_json(source: ImageSource) -> None:
    json.dumps([source.settings(), source.list("train").content], allow_nan=False)


def test_a_source_opens_as_one_set(source: ImageSource, tmp_path: Path) -> None:
    images = open_images(source, "train", image_size=12, cache=tmp_path)
    again = open_images(source, "train", image_size=12, cache=tmp_path)
    assert images.pixels.shape == (source.list("train").num_images, 12, 12, 3)
    assert images.fingerprint == again.fingerprint
    assert min(images.per_class()) > 0


def test_every_setting_has_a_sentence(name: str) -> None:
    for setting in describe(REGISTRY.get(name)):
        assert setting.help.endswith("."), setting.name
    assert REGISTRY.summary(name).endswith(".")


def test_an_unknown_setting_is_an_error(name: str, settings_of: Settings) -> None:
    with pytest.raises(SettingError, match="has no setting 'pth'"):
        REGISTRY.build(name, settings_of(name) | {"pth": "x"})
