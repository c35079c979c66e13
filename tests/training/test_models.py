import pytest
import timm
import torch

from synthmix.errors import SettingError
from synthmix.training.models import build_model, model_names


@pytest.mark.parametrize("name", [*model_names(), "timm/resnet10t", "timm/vit_tiny_patch16_224"])
@pytest.mark.parametrize("size", [8, 32])
def test_every_model_gives_logits(name: str, size: int) -> None:
    if "vit" in name and size < 32:
        pytest.skip("its patches are 16 pixels")
    model = build_model(name, 7, size).eval()
    assert model(torch.zeros(2, 3, size, size)).shape == (2, 7)


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
