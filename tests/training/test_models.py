from itertools import product

import numpy as np
import pytest
import timm
import torch

from synthmix.errors import SettingError
from synthmix.training import compact
from synthmix.training.models import build_model, model_names

SIZES = [
    *product([*model_names(), "timm/resnet10t"], [8, 32]),
    ("timm/vit_tiny_patch16_224", 32),
]


@pytest.mark.parametrize(("name", "size"), SIZES)
def test_every_model_gives_logits(name: str, size: int) -> None:
    model = build_model(name, 7, size).eval()
    assert model(torch.zeros(2, 3, size, size)).shape == (2, 7)


def test_patches_are_summed_a_block_of_images_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels = torch.rand(7, 3, 9, 9)
    whole = compact._second_moments(pixels, 3)
    patches = torch.nn.functional.unfold(pixels, 3, stride=2).transpose(1, 2).reshape(-1, 27)
    expected = torch.from_numpy(np.einsum("pi,pj->ij", patches, patches) / len(patches))
    torch.testing.assert_close(whole.float(), expected)
    monkeypatch.setattr(compact, "PIXELS_AT_ONCE", 2 * 81)
    torch.testing.assert_close(compact._second_moments(pixels, 3), whole)


def test_the_stem_follows_the_image_size() -> None:
    assert build_model("resnet18", 10, 32).conv1.stride == (1, 1)
    assert build_model("resnet18", 10, 64).conv1.stride == (1, 1)
    assert build_model("resnet18", 10, 224).conv1.stride == (2, 2)
    assert build_model("resnet18-imagenet-stem", 10, 32).conv1.stride == (2, 2)


@pytest.mark.parametrize(("name", "blocks"), [("resnet18", 8), ("resnet34", 16)])
def test_our_resnets_have_the_published_size(name: str, blocks: int) -> None:
    # He et al. 2016, table 1, as an independent library builds it
    ours = sum(p.numel() for p in build_model(name + "-imagenet-stem", 1000, 224).parameters())
    theirs = sum(p.numel() for p in timm.create_model(name).parameters())
    assert ours == theirs
    assert (
        sum(type(m).__name__ == "BasicBlock" for m in build_model(name, 10, 32).modules()) == blocks
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [("resnet43", "Did you mean 'resnet34'"), ("timm/resnet1", "timm does not have")],
)
def test_unknown_models_get_a_suggestion(name: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        build_model(name, 10, 32)
