from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
from PIL import Image
from torchvision import datasets

from synthmix.data.torchvision import Torchvision
from synthmix.errors import DataError, SettingError
from tests.data.conftest import write_idx


def test_mnist_has_its_own_names_and_splits(settings_of: Callable[[str], dict[str, Any]]) -> None:
    settings = settings_of("torchvision")
    source = Torchvision(**settings)
    assert source.list("train").class_names[:2] == ("0 - zero", "1 - one")
    assert source.list("train").content != source.list("test").content
    own = datasets.MNIST(settings["root"], train=False)
    for (image, label), (expected, target) in zip(source.read("test"), own, strict=True):
        assert label == target
        assert (image == np.asarray(expected)[:, :, None]).all()


def test_a_split_argument_is_used_where_torchvision_has_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[Any] = []

    def load(root: Path, split: str, download: bool) -> Any:
        asked.append((root, split, download))
        return [(SimpleNamespace(), 0)]

    monkeypatch.setattr(datasets, "SVHN", load)
    listing = Torchvision(dataset="SVHN", root=str(tmp_path), download=False).list("test")
    assert asked == [(tmp_path, "test", False)]
    assert listing.class_names == tuple("0123456789")


def test_files_go_to_the_cache_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path))
    with pytest.raises(DataError, match=str(tmp_path / "torchvision")):
        Torchvision(dataset="MNIST", download=False).list("train")


@pytest.mark.parametrize("name", ["CIFAR10", "CIFAR100", "FashionMNIST", "MNIST", "SVHN", "STL10"])
def test_the_usual_names_are_known(name: str) -> None:
    assert Torchvision(dataset=name).dataset == name


def test_an_unknown_name_is_an_error_before_anything_is_fetched() -> None:
    with pytest.raises(SettingError, match=r"dataset is 'CIFAR1O'.* Did you mean 'CIFAR10'"):
        Torchvision(dataset="CIFAR1O").list("train")
    with pytest.raises(SettingError, match=r"dataset is 'FakeData', which is not one of: .*MNIST"):
        Torchvision(dataset="FakeData").list("train")


def test_what_is_not_there_says_how_to_get_it(tmp_path: Path) -> None:
    source = Torchvision(dataset="CIFAR10", root=str(tmp_path), download=False)
    with pytest.raises(DataError, match=r"CIFAR10 could not be loaded .*set download: true, or"):
        source.list("train")


def test_offline_the_message_says_what_to_copy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr("urllib.request.urlopen", fail)
    for name in ("MNIST", "CIFAR10"):
        with pytest.raises(DataError, match=r"no network.*: fetch it where there is") as caught:
            Torchvision(dataset=name, root=str(tmp_path)).list("train")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", [0, 3, 40])
def test_files_that_are_cut_are_named(tmp_path: Path, cut: int) -> None:
    raw = write_idx(tmp_path) / "MNIST" / "raw"
    for file in raw.glob("train-images*"):
        file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(DataError, match=r"MNIST could not be loaded from .*fetch it where"):
        Torchvision(dataset="MNIST", root=str(tmp_path), download=False).list("train")


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ((Image.new("RGB", (2, 2)), 10), "row 0 .* has the label 10, beside 10 class names"),
        ((Image.new("RGB", (2, 2)), -1), "row 0 .* has the label -1, beside 10 class names"),
        ((Image.new("RGB", (2, 2)), (1, 2)), "row 0 .* cannot be read"),
        ((Image.new("F", (2, 2)), 1), "row 0 .* cannot be read"),
    ],
)
def test_a_row_that_is_no_image_of_a_class_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, found: Any, message: str
) -> None:
    monkeypatch.setattr(datasets, "SVHN", lambda root, split, download: [found])
    source = Torchvision(dataset="SVHN", root=str(tmp_path), download=False)
    with pytest.raises(DataError, match=message):
        list(source.read("test"))
