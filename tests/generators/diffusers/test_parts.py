"""A pipeline with a part missing, damaged or of another model: told before an image is drawn."""

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from synthmix.errors import SettingError
from synthmix.generators.diffusers import Diffusers
from synthmix.resident import release
from synthmix.types import Request
from tests.generators.diffusers import pipelines

WANTED = [Request(0, "cat", 0, 1, "a photo of a cat"), Request(1, "dog", 0, 1, "a red dog")]
SMALL: dict[str, Any] = {
    "height": 64,
    "width": 64,
    "batch_size": 2,
    "precision": "float32",
    "device": "cpu",
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipelines.stable_diffusion(tmp_path_factory.mktemp("sd"))


@pytest.fixture
def copied(whole: Path, tmp_path: Path) -> Iterator[Path]:
    yield shutil.copytree(whole, tmp_path / "copied")
    release()


def drawn(model: Path) -> list[Any]:
    generator = Diffusers(model=str(model), **SMALL)
    generator.check(("cat", "dog"))
    return list(generator.generate(WANTED, class_names=("cat", "dog"), image_size=64))


def edited(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def reweighed(folder: Path, change: Callable[[str, torch.Tensor], torch.Tensor | None]) -> None:
    path = next(folder.glob("*.safetensors"))
    found = {name: change(name, weight) for name, weight in load_file(path).items()}
    save_file({k: v for k, v in found.items() if v is not None}, path, metadata={"format": "pt"})


def without_vocabulary(model: Path) -> None:
    (model / "tokenizer" / "tokenizer.json").unlink()


def without_merges(model: Path) -> None:
    edited(model / "tokenizer" / "tokenizer.json", lambda it: it["model"].update(merges=[]))


def without_limit(model: Path) -> None:
    (model / "tokenizer" / "tokenizer_config.json").unlink()


def of_a_larger_model(model: Path) -> None:
    def renumber(content: dict[str, Any]) -> None:
        vocabulary = content["model"]["vocab"]
        content["model"]["vocab"] = {
            token: number if token.startswith("<|") else number + 1000
            for token, number in vocabulary.items()
        }

    edited(model / "tokenizer" / "tokenizer.json", renumber)


def of_zeros(model: Path) -> None:
    reweighed(model / "text_encoder", lambda _, weight: torch.zeros_like(weight))


def not_finite(model: Path) -> None:
    reweighed(model / "text_encoder", lambda _, weight: weight * torch.nan)


def without_a_weight(model: Path) -> None:
    reweighed(model / "text_encoder", lambda name, w: None if "token_embedding" in name else w)


def of_another_width(model: Path) -> None:
    from transformers import CLIPTextModel

    shutil.rmtree(model / "text_encoder")
    CLIPTextModel(pipelines._text_config(260, 48)).save_pretrained(model / "text_encoder")


def without_attention(model: Path) -> None:
    reweighed(model / "unet", lambda name, w: torch.zeros_like(w) if "attn2" in name else w)


def unet_without_a_weight(model: Path) -> None:
    reweighed(model / "unet", lambda name, w: None if "conv_out.bias" in name else w)


def unet_without_many_weights(model: Path) -> None:
    path = next((model / "unet").glob("*.safetensors"))
    first = sorted(load_file(path))[:5]
    reweighed(model / "unet", lambda name, w: None if name in first else w)


def vae_without_a_weight(model: Path) -> None:
    reweighed(model / "vae", lambda name, w: None if name == "decoder.conv_out.weight" else w)


def without_scheduler(model: Path) -> None:
    shutil.rmtree(model / "scheduler")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (without_vocabulary, "tokenizer/ has the same tokens for"),
        (without_merges, "tokenizer/ spells every word of its vocabulary"),
        (without_limit, "tokenizer/ states no limit; its tokenizer_config.json"),
        (of_a_larger_model, "tokenizer/ has 1,258 tokens, and its text encoder reads 260"),
        (of_zeros, "text_encoder/ reads 'a small green tree' and 'a large white ship' alike"),
        (not_finite, "text_encoder/ gives embeddings that are not finite"),
        (without_a_weight, "text_encoder lacks 1 weights of a CLIPTextModel"),
        (of_another_width, "text_encoder/ gives embeddings of 48 numbers, and unet/ reads 32"),
        (without_attention, "draws the same image for"),
        (unet_without_a_weight, "unet lacks 1 weights of a UNet2DConditionModel, such as conv_out"),
        (unet_without_many_weights, "unet lacks 5 weights of a UNet2DConditionModel, such as"),
        (vae_without_a_weight, "vae lacks 1 weights of a AutoencoderKL, such as"),
        (without_scheduler, "has no folder 'scheduler'"),
    ],
)
def test_a_part_that_is_not_whole_is_named(
    copied: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(copied)
    with pytest.raises(SettingError) as raised:
        drawn(copied)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_vocabulary_that_is_missing_is_told_in_the_plan(copied: Path) -> None:
    without_vocabulary(copied)
    with pytest.raises(SettingError, match="tokenizer/ has the same tokens"):
        Diffusers(model=str(copied), **SMALL).check(("cat",))


def with_stray_files(model: Path) -> None:
    for name in ("LICENSE", "README.md", ".DS_Store", "notes.bin"):
        (model / name).write_text("a stray file")
        (model / "unet" / name).write_text("a stray file")


def without_safety_checker(model: Path) -> None:
    named = {
        "safety_checker": ["stable_diffusion", "StableDiffusionSafetyChecker"],
        "feature_extractor": ["transformers", "CLIPImageProcessor"],
    }
    edited(model / "model_index.json", lambda index: index.update(named))


def behind_links(model: Path) -> None:
    elsewhere = model.with_name("elsewhere")
    (model / "unet").rename(elsewhere)
    (model / "unet").symlink_to(elsewhere)


@pytest.mark.parametrize("change", [with_stray_files, without_safety_checker, behind_links])
def test_what_is_harmless_draws_the_same(
    copied: Path, whole: Path, change: Callable[[Path], None]
) -> None:
    expected = drawn(whole)
    change(copied)
    found = drawn(copied)
    assert all((one == other).all() for one, other in zip(found, expected, strict=True))


OWN = "from pathlib import Path\nPath(__file__).with_name('ran').touch()\nclass Own: pass\n"


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ("unet", ["my_module", "Own"]),
        ("unet", ["os", "system"]),
        ("unet", ["diffusers", "NoSuchModel"]),
        ("unet", ["diffusers"]),
        ("unet", "UNet2DConditionModel"),
        ("text_encoder", ["transformers", "NoSuchEncoder"]),
        ("text_encoder", ["transformers"]),
        ("_class_name", "LlamaForCausalLM"),
        ("_class_name", ["pipeline", "Own"]),
        ("_class_name", 7),
        ("more", ["diffusers", "UNet2DConditionModel"]),
    ],
)
def test_classes_that_are_no_part_of_a_pipeline_never_run(
    copied: Path, part: str, kind: object
) -> None:
    for name in ("my_module.py", "pipeline.py", "unet/my_module.py"):
        (copied / name).write_text(OWN)
    edited(copied / "model_index.json", lambda index: index.update({part: kind}))
    with pytest.raises(SettingError) as raised:
        drawn(copied)
    assert "\n" not in str(raised.value)
    assert not list(copied.rglob("ran"))
