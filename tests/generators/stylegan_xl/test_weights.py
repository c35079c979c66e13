"""Converted files hold the same network, and wrong files are told apart in one line."""

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from synthmix.errors import DataError, SettingError
from synthmix.generators.stylegan_xl.weights import FORMAT, checked_sha256, convert, load, read
from synthmix.store import sha256
from tests.generators.stylegan_xl import published


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published.write(tmp_path_factory.mktemp("weights") / "network.pkl")


def test_a_converted_file_is_the_same_network(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "network.safetensors"
    spec = convert(checkpoint, target)
    with safe_open(target, "pt") as file:
        header = file.metadata()
    assert header["format"] == FORMAT
    assert header["source"] == sha256(checkpoint)
    assert json.loads(header["architecture"])["img_resolution"] == spec.img_resolution
    first, second = load(checkpoint).prepare(), load(target).prepare()
    styles = torch.randn(1, spec.num_ws, spec.mapping.w_dim)
    assert torch.equal(first.synthesis(styles), second.synthesis(styles))


def test_nothing_is_overwritten(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "there.safetensors"
    target.write_text("mine")
    with pytest.raises(SettingError, match="exists already"):
        convert(checkpoint, target)
    assert target.read_text() == "mine"


def test_sha256(checkpoint: Path, tmp_path: Path) -> None:
    digest = checked_sha256(checkpoint)
    assert checked_sha256(checkpoint, digest.upper()) == digest
    with pytest.raises(SettingError, match="but 00f+ is asked for"):
        convert(checkpoint, tmp_path / "out.safetensors", sha256="00" + 62 * "f")
    with pytest.raises(SettingError, match=r"does not exist; .*stylegan-xl"):
        checked_sha256(tmp_path / "nowhere.pkl")


def _change(path: Path, out: Path, **header: str) -> Path:
    with safe_open(path, "pt") as file:
        before = file.metadata()
    save_file(load_file(path), out, metadata=before | header)
    return out


def test_files_that_are_something_else(checkpoint: Path, tmp_path: Path) -> None:
    plain = tmp_path / "plain.safetensors"
    save_file({"weight": torch.ones(2)}, plain)
    with pytest.raises(DataError, match=r"no StyleGAN-XL generator.*weights convert"):
        read(plain)
    text = tmp_path / "page.html"
    text.write_text("<html>404</html>")
    with pytest.raises(DataError, match="neither a pickle nor a safetensors file"):
        read(text)
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    with pytest.raises(DataError, match="empty"):
        read(empty)


def test_an_architecture_that_does_not_fit_its_weights(checkpoint: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.safetensors"
    spec = convert(checkpoint, good).to_dict()
    spec["mapping"]["w_dim"] = 17
    wrong = _change(good, tmp_path / "wrong.safetensors", architecture=json.dumps(spec))
    with pytest.raises(DataError, match="do not fit its architecture"):
        load(wrong)
    spec["mapping"]["w_dim"] = 10**12
    huge = _change(good, tmp_path / "huge.safetensors", architecture=json.dumps(spec))
    with pytest.raises(DataError, match="cannot be built"):
        load(huge)


def test_filters_must_follow_from_the_layers_numbers(checkpoint: Path, tmp_path: Path) -> None:
    good = tmp_path / "good.safetensors"
    convert(checkpoint, good)
    tensors = load_file(good)
    name = next(each for each in tensors if each.endswith("up_filter"))
    tensors[name] = tensors[name] * 1.01
    with safe_open(good, "pt") as file:
        save_file(tensors, tmp_path / "wrong.safetensors", metadata=file.metadata())
    with pytest.raises(DataError, match="does not follow"):
        load(tmp_path / "wrong.safetensors")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ([1, 2], "does not hold G_ema"),
        ({"G": 1, "D": 2}, "no G_ema.* it holds D, G"),
        ({}, "it holds nothing"),
    ],
)
def test_a_pickle_without_the_averaged_generator(content: Any, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "other.pkl"
    path.write_bytes(pickle.dumps(content, protocol=4))
    with pytest.raises(DataError, match=reason):
        read(path)


def test_a_generator_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "stylegan2.pkl"
    with published.original_modules():
        other = published.Persistent("Generator", {"_modules": {"mapping": 1}})
        path.write_bytes(pickle.dumps({"G_ema": other}, protocol=4))
    with pytest.raises(DataError, match="not laid out as StyleGAN-XL's files are"):
        read(path)


def test_convert_shows_the_reason_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "cut.pkl"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = published.random_network(published.small_architecture())
        path.write_bytes(published.pickled(network)[:5000])
    with pytest.raises(DataError, match=r"cut\.pkl cannot be read"):
        convert(path, tmp_path / "out.safetensors")
    assert [each.name for each in tmp_path.iterdir()] == ["cut.pkl"]


def test_only_pickles_are_converted_and_only_to_safetensors(tmp_path: Path) -> None:
    source = published.write(tmp_path / "network.pkl")
    with pytest.raises(SettingError, match=r"must end in \.safetensors"):
        convert(source, tmp_path / "network.pt")
    convert(source, tmp_path / "network.safetensors")
    with pytest.raises(DataError, match="is no pickle"):
        convert(tmp_path / "network.safetensors", tmp_path / "again.safetensors")
    with pytest.raises(SettingError, match="64 hexadecimal digits"):
        convert(source, tmp_path / "other.safetensors", sha256="abc")
    with pytest.raises(SettingError, match="is a folder"):
        convert(tmp_path, tmp_path / "other.safetensors")
