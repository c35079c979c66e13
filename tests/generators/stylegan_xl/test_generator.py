"""The component: seeds, classes, truncation, sizes and its errors."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthmix.errors import DataError, SettingError
from synthmix.generators import Generator
from synthmix.generators.stylegan_xl import StyleganXl
from synthmix.generators.stylegan_xl._draw import _latent
from synthmix.generators.stylegan_xl._original import original_latents, to_pixels
from synthmix.generators.stylegan_xl.weights import convert, load
from synthmix.registry import Registry
from synthmix.shards import requests
from synthmix.store import canonical
from synthmix.types import Pixels
from tests.generators.stylegan_xl import published

GENERATORS: Registry[Generator] = Registry("synthmix.generators", "Generator")
NAMES = ("airplane", "bird", "cat")
WANTED = requests(NAMES, 3, seed=0)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published.write(tmp_path_factory.mktemp("weights") / "network.pkl")


def drawn(names: tuple[str, ...] = NAMES, size: int = 8, **settings: Any) -> list[Pixels]:
    generator = GENERATORS.build("stylegan-xl", {"device": "cpu", **settings})
    wanted = requests(names, 3, seed=0)
    return list(generator.generate(wanted, class_names=names, image_size=size))


def test_the_original_seeds(checkpoint: Path) -> None:
    images = drawn(checkpoint=checkpoint, seeds="original", conversion="truncate")
    network = load(checkpoint).prepare()
    with torch.inference_mode():
        for request, image in zip(WANTED, images, strict=True):
            z = torch.from_numpy(original_latents(request.index, 1, 8))
            w = network.mapping(z, torch.tensor([request.label]))
            alone = to_pixels(network.synthesis(w), "truncate")[0]
            assert np.abs(alone.astype(int) - image).max() <= 1


def test_original_seeds_leave_other_sets_of_the_file_alone(tmp_path: Path) -> None:
    """The image script overwrites the stored transform; the next set needs it again."""
    network = published.random_network(published.small_architecture())
    network.synthesis.input.transform[0, 2] = 0.3
    path = tmp_path / "moved.pkl"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path.write_bytes(published.pickled(network))
    before = drawn(checkpoint=path)
    original = drawn(checkpoint=path, seeds="original")
    assert np.array_equal(drawn(checkpoint=path), before)
    assert not np.array_equal(original, before)


def test_our_seeds_share_no_latent_between_classes() -> None:
    latents = [_latent(each, 8, "synthmix") for each in WANTED]
    assert len({each.tobytes() for each in latents}) == len(WANTED)
    assert len({_latent(each, 8, "original").tobytes() for each in WANTED}) == 3


def test_both_forms_of_the_file_draw_the_same(checkpoint: Path, tmp_path: Path) -> None:
    target = tmp_path / "network.safetensors"
    convert(checkpoint, target)
    assert np.array_equal(drawn(checkpoint=checkpoint), drawn(checkpoint=target))


def test_the_content_names_the_set_not_the_path(checkpoint: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.pkl"
    copy.write_bytes(checkpoint.read_bytes())
    settings = StyleganXl(checkpoint=checkpoint).settings()
    assert settings == StyleganXl(checkpoint=copy).settings()
    assert json.loads(canonical(settings))["checkpoint"] == settings["checkpoint"]
    other = published.write(tmp_path / "other.pkl", c_dim=4)
    assert settings != StyleganXl(checkpoint=other).settings()


def test_images_keep_the_networks_own_size(checkpoint: Path) -> None:
    """The set's writer resizes them, with the study's one kernel."""
    assert {each.shape for each in drawn(checkpoint=checkpoint, size=12)} == {(8, 8, 3)}


def test_truncation_a_class_of_its_own(checkpoint: Path) -> None:
    plain = drawn(checkpoint=checkpoint)
    birds = drawn(checkpoint=checkpoint, class_truncation_psi={"bird": 0.0})
    for request, before, after in zip(WANTED, plain, birds, strict=True):
        assert np.array_equal(before, after) == (request.class_name != "bird")
    # psi 0 leaves nothing of the latent
    of_birds = [each for request, each in zip(WANTED, birds, strict=True) if request.label == 1]
    assert np.array_equal(of_birds[0], of_birds[1])
    assert np.array_equal(
        plain, drawn(checkpoint=checkpoint, truncation_cutoff=0, truncation_psi=0.5)
    )


def test_classes_are_matched_by_name(checkpoint: Path) -> None:
    plain = drawn(checkpoint=checkpoint, seeds="original")
    turned = ("cat", "airplane", "bird")
    by_name = drawn(turned, checkpoint=checkpoint, seeds="original", class_names=NAMES)
    for index in range(3):
        for label, name in enumerate(turned):
            wanted = plain[index * 3 + NAMES.index(name)]
            assert np.abs(by_name[index * 3 + label].astype(int) - wanted).max() <= 1
    assert len(drawn(("cat",), checkpoint=checkpoint, class_names=NAMES)) == 3


def test_centroids(checkpoint: Path, tmp_path: Path) -> None:
    path = tmp_path / "centroids.npy"
    np.save(path, np.zeros((1, 16), np.float32))
    images = drawn(checkpoint=checkpoint, centroids=path, truncation_psi=0.0, seeds="original")
    # one centre for all classes: every image is that one
    assert np.abs(images[0].astype(int) - images[-1]).max() <= 1
    np.save(path, np.zeros((1, 15), np.float32))
    with pytest.raises(DataError, match=r"must be \[K, 16\]"):
        drawn(checkpoint=checkpoint, centroids=path)
    path.write_text("no array")
    with pytest.raises(DataError, match=r"is no \.npy file"):
        drawn(checkpoint=checkpoint, centroids=path)


def test_bfloat16_draws_nearly_the_same(checkpoint: Path) -> None:
    exact = np.stack(drawn(checkpoint=checkpoint)).astype(float)
    narrow = np.stack(drawn(checkpoint=checkpoint, precision="bfloat16")).astype(float)
    assert 0 < np.sqrt(((exact - narrow) ** 2).mean()) < 0.05 * exact.std()


@pytest.mark.parametrize(
    ("settings", "names", "reason"),
    [
        ({}, ("a", "b"), "draws 3 classes, but the study has 2"),
        ({"class_names": ("airplane", "bird")}, NAMES, "holds 2 names.*3 classes"),
        ({"class_names": ("airplane", "bird", "dog")}, NAMES, "has no 'cat'"),
        (
            {"class_truncation_psi": {"brid": 0.5}},
            NAMES,
            "no class of the study. Did you mean 'bird'",
        ),
        ({"truncation_psi": -0.1}, NAMES, "truncation_psi.*greater than or equal to 0, got -0.1"),
        ({"truncation_psi": 2.5}, NAMES, "truncation_psi.*less than or equal to 2"),
        ({"class_truncation_psi": {"bird": 3}}, NAMES, "class_truncation_psi.bird"),
        ({"sha256": "abc"}, NAMES, "64 hexadecimal digits"),
        ({"seeds": "random"}, NAMES, "seeds"),
        ({"conversion": "floor"}, NAMES, "conversion"),
    ],
)
def test_bad_settings(
    settings: dict[str, Any], names: tuple[str, ...], reason: str, checkpoint: Path
) -> None:
    with pytest.raises((SettingError, DataError), match=reason) as raised:
        drawn(names, **{"checkpoint": checkpoint, **settings})
    assert "\n" not in str(raised.value)


def test_a_missing_checkpoint(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="needs the setting 'checkpoint'"):
        drawn()
    with pytest.raises(SettingError, match=r"nowhere\.pkl does not exist"):
        drawn(checkpoint=tmp_path / "nowhere.pkl")


def test_an_unconditional_network_has_no_labels(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unconditional"):
        drawn(checkpoint=published.write(tmp_path / "none.pkl", c_dim=0))


def test_a_label_out_of_range(checkpoint: Path) -> None:
    generator = StyleganXl(checkpoint=checkpoint)
    wanted = requests((*NAMES, "dog"), 1, seed=0)
    with pytest.raises(DataError, match="label 3"):
        list(generator.generate(wanted, class_names=NAMES, image_size=8))
