"""Weights are found or their absence is told with the command that brings them."""

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

import pytest

from synthmix import hub as hub_module
from synthmix.errors import SettingError
from synthmix.generators.diffusers import Diffusers, weights
from synthmix.model_files import wanted
from tests.generators.diffusers import pipelines
from tests.generators.diffusers.test_generator import NAMES, SMALL, WANTED


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipelines.sdxl(tmp_path_factory.mktemp("sdxl"))


def layout(folder: Path, *files: str, **index: Any) -> Path:
    """Make a folder with the files of a pipeline, empty."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = {each.partition("/")[0]: ["diffusers", "Kind"] for each in files}
    text = json.dumps({"_class_name": "StableDiffusionXLPipeline", **parts, **index})
    (folder / "model_index.json").write_text(text)
    for each in files:
        path = folder / each
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    return folder


def refused(model: str, **how: Any) -> str:
    with pytest.raises(SettingError) as raised:
        weights.locate(model, how.get("revision"), how.get("variant"))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_folder_is_named_by_its_content(sdxl: Path) -> None:
    found = weights.locate(str(sdxl), None, None)
    assert found.pipeline == "StableDiffusionXLPipeline"
    assert found.revision.startswith("content ")
    assert {"unet", "vae", "text_encoder_2", "tokenizer_2"} <= set(found.components)


def test_a_model_that_is_not_here_says_how_to_fetch_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    said = refused("stabilityai/sdxl-turbo", revision="main")
    assert "synthmix weights fetch stabilityai/sdxl-turbo --revision main" in said
    assert "not on this machine" in said


def test_no_folder_and_no_id() -> None:
    assert "no such folder" in refused("./nowhere")
    assert "no such folder" in refused("sdxl")


def test_a_folder_of_something_else(tmp_path: Path) -> None:
    assert "that folder is empty" in refused(str(tmp_path))
    (tmp_path / "notes.txt").write_text("weights to come")
    assert "diffusers did not write it" in refused(str(tmp_path))
    assert "that is a file" in refused(str(tmp_path / "notes.txt"))


def test_one_component_of_a_pipeline(sdxl: Path) -> None:
    assert "one component of a pipeline" in refused(str(sdxl / "unet"))


def test_a_folder_has_no_revisions(sdxl: Path) -> None:
    assert "leave it out" in refused(str(sdxl), revision="main")


def test_a_mistyped_folder_is_no_hub_id(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "models").mkdir()
    monkeypatch.chdir(tmp_path)
    assert "there is no such folder" in refused("models/sdxl")
    (tmp_path / "model_index.json").write_text("{")
    assert "not valid JSON" in refused(str(tmp_path))


def test_pickles_alone_are_refused(tmp_path: Path) -> None:
    folder = layout(tmp_path / "p", "unet/diffusion_pytorch_model.bin", "unet/config.json")
    said = refused(str(folder))
    assert "only as pickles (diffusion_pytorch_model.bin)" in said
    (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"")
    weights.locate(str(folder), None, None)


def test_variants(tmp_path: Path) -> None:
    half = layout(tmp_path / "half", "unet/diffusion_pytorch_model.fp16.safetensors")
    assert "only the variant fp16: set variant to fp16" in refused(str(half))
    weights.locate(str(half), None, "fp16")
    plain = layout(tmp_path / "plain", "unet/diffusion_pytorch_model.safetensors")
    assert "variant is 'fp16', but" in refused(str(plain), variant="fp16")


def test_a_variant_is_loaded(tmp_path: Path) -> None:
    model = pipelines.sdxl(tmp_path, variant="fp16")
    generator = Diffusers(model=str(model), variant="fp16", height=64, width=64, batch_size=1)
    assert len(list(generator.generate(WANTED[:1], class_names=NAMES, image_size=8))) == 1


def broken(sdxl: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sdxl, tmp_path / "broken"))


def fails(model: Path, **settings: Any) -> str:
    with pytest.raises(SettingError) as raised:
        generator = Diffusers(model=str(model), **(SMALL | settings))
        list(generator.generate(WANTED[:1], class_names=NAMES, image_size=8))
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_part_that_is_missing(sdxl: Path, tmp_path: Path) -> None:
    model = broken(sdxl, tmp_path)
    (model / "unet" / "diffusion_pytorch_model.safetensors").unlink()
    assert "(unet) has no weights: copy it anew" in refused(str(model))
    shutil.rmtree(model / "unet")
    assert "no folder 'unet', which its model_index.json names" in refused(str(model))


def test_a_shard_that_is_missing(sdxl: Path, tmp_path: Path) -> None:
    model = broken(sdxl, tmp_path)
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    weights_map = json.dumps({"weight_map": shards})
    (model / "text_encoder" / "model.safetensors.index.json").write_text(weights_map)
    assert "(text_encoder) lacks model-0000" in refused(str(model))


@pytest.mark.parametrize("part", ["unet/diffusion_pytorch_model", "text_encoder/model"])
def test_weights_that_are_cut_short(part: str, sdxl: Path, tmp_path: Path) -> None:
    model = broken(sdxl, tmp_path)
    (model / f"{part}.safetensors").write_bytes(b"abc")
    assert "cannot be loaded" in fails(model)


def test_an_index_that_is_no_index(sdxl: Path, tmp_path: Path) -> None:
    model = broken(sdxl, tmp_path)
    (model / "model_index.json").write_text("[]")
    assert "no list of a pipeline's parts" in refused(str(model))


def test_a_tokenizer_that_is_missing(sdxl: Path, tmp_path: Path) -> None:
    model = broken(sdxl, tmp_path)
    shutil.rmtree(model / "tokenizer_2")
    with pytest.raises(SettingError, match=r"tokenizer_2, the tokenizer of the model, cannot be"):
        Diffusers(model=str(model)).text_encoders()


def test_prompts_are_read_without_weights(sdxl: Path, tmp_path: Path) -> None:
    """`prompts lint --model` needs no variant: it reads tokenizers alone."""
    model = broken(sdxl, tmp_path)
    for path in model.rglob("*.safetensors"):
        path.unlink()
    assert len(Diffusers(model=str(model)).text_encoders()) == 2


def test_an_autoencoder_of_another_kind(sdxl: Path) -> None:
    assert "holds a UNet2DConditionModel, not an" in fails(sdxl, tiny_vae=str(sdxl / "unet"))


LISTED = [
    *("README.md", "model_index.json", "sd_xl_turbo_1.0.safetensors", "unet/config.json"),
    *("unet/diffusion_pytorch_model.safetensors", "unet/diffusion_pytorch_model.bin"),
    "unet/diffusion_pytorch_model.fp16.safetensors",
    *("vae/diffusion_pytorch_model.safetensors", "tokenizer/vocab.json", "tokenizer/merges.txt"),
    *(f"text_encoder/model.fp16-0000{n}-of-00002.safetensors" for n in (1, 2)),
    *(f"text_encoder/model-0000{n}-of-00002.safetensors" for n in (1, 2)),
]


@pytest.mark.parametrize("variant", ["fp16", None])
def test_only_what_is_needed_is_fetched(variant: str | None) -> None:
    chosen = wanted(LISTED, "a/b", variant)
    middle = ".fp16" if variant else ""
    assert {each for each in chosen if each.endswith(".safetensors")} == {
        f"unet/diffusion_pytorch_model{middle}.safetensors",
        # this part has no variant of its own
        "vae/diffusion_pytorch_model.safetensors",
        *(f"text_encoder/model{middle}-0000{n}-of-00002.safetensors" for n in (1, 2)),
    }
    assert {"README.md", "model_index.json", "tokenizer/merges.txt"} <= set(chosen)


def test_what_cannot_be_fetched() -> None:
    with pytest.raises(SettingError, match="'a/b' has only fp16"):
        wanted(LISTED, "a/b", "int8")
    half = [each for each in LISTED if each != "unet/diffusion_pytorch_model.safetensors"]
    with pytest.raises(SettingError, match="only the variant fp16: set variant to fp16"):
        wanted(half, "a/b", None)
    with pytest.raises(SettingError, match=r"only as pickles \(model\.bin\)"):
        wanted(["config.json", "model.bin"], "a/b", None)


def test_what_the_hub_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    class GatedRepoError(Exception): ...

    class RepositoryNotFoundError(Exception): ...

    class Hub:
        error: Exception = GatedRepoError("403")
        asked: ClassVar[dict[str, Any]] = {}

        def list_repo_files(self, model: str, revision: str | None) -> list[str]:
            return LISTED

        def snapshot_download(self, model: str, **how: Any) -> str:
            self.asked.update(how)
            raise self.error

    hub = Hub()
    monkeypatch.setattr(hub_module, "client", lambda extra: hub)
    with pytest.raises(SettingError, match=r"gated: accept its licence at huggingface\.co/a/b"):
        hub_module.fetch("a/b", None, "fp16")
    assert hub.asked["allow_patterns"] == wanted(LISTED, "a/b", "fp16")
    hub.error = RepositoryNotFoundError("404")
    with pytest.raises(SettingError, match="not on the hub"):
        hub_module.fetch("a/b", None, None)
    hub.error = OSError("no route")
    with pytest.raises(SettingError, match="Is there a network here"):
        hub_module.fetch("a/b", None, None)
