"""A real, tiny pipeline through the component: batches, embeddings, precision, starts, warnings."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthmix.errors import ArtifactError, SettingError
from synthmix.generators.diffusers import Diffusers
from synthmix.generators.diffusers import _drawing as drawing
from synthmix.generators.diffusers import _memory as memory
from synthmix.generators.diffusers._texts import PROBES
from synthmix.hardware import is_out_of_memory, resolve_device
from synthmix.images import content_fingerprint
from synthmix.registry import Registry
from synthmix.resident import release
from synthmix.shards import requests
from synthmix.store import Artifact
from synthmix.types import ImageSet, Pixels, Prompt, Request, no_progress
from tests.generators.diffusers import pipelines

NAMES = ("cat", "truck")
TEXTS = ("a photo of a cat", "a red truck on the grass")
PROMPTS = [Prompt(label, 0, text, "test") for label, text in enumerate(TEXTS)]
WANTED = requests(NAMES, 5, 0, PROMPTS)
SMALL: dict[str, Any] = {
    "height": 64,
    "width": 64,
    "batch_size": 4,
    "precision": "float32",
    "device": "cpu",
}


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipelines.sdxl(tmp_path_factory.mktemp("sdxl"))


@pytest.fixture(autouse=True)
def _no_pipeline_is_kept() -> Iterator[None]:
    yield
    release()


def drawn(model: Path, wanted: list[Request] = WANTED, **settings: Any) -> list[Pixels]:
    generator = Diffusers(model=str(model), **(SMALL | settings))
    return list(generator.generate(wanted, class_names=NAMES, image_size=32))


def test_it_is_the_pipeline_called_as_its_card_says(sdxl: Path) -> None:
    import diffusers

    with pipelines.quiet():
        pipeline = diffusers.StableDiffusionXLPipeline.from_pretrained(
            sdxl, add_watermarker=False, use_safetensors=True
        )
        pipeline.set_progress_bar_config(disable=True)
        for request, image in list(zip(WANTED, drawn(sdxl), strict=True))[:3]:
            one = pipeline(
                request.prompt,
                num_inference_steps=1,
                guidance_scale=0.0,
                height=64,
                width=64,
                generator=torch.Generator("cpu").manual_seed(request.seed),
                output_type="np",
            ).images[0]
            # one batch of four against single images: a grey level at most
            assert np.abs((one * 255).round().astype(int) - image).max() <= 1


def test_an_image_keeps_its_bytes_in_any_order_and_alone(sdxl: Path) -> None:
    together = drawn(sdxl)
    order = np.random.default_rng(0).permutation(len(WANTED))
    for place, image in zip(order, drawn(sdxl, [WANTED[p] for p in order]), strict=True):
        assert np.array_equal(image, together[place])
    assert np.array_equal(drawn(sdxl, [WANTED[6]])[0], together[6])


def test_prompt_and_seed_both_matter(sdxl: Path) -> None:
    first = WANTED[0]
    base, other_prompt, other_seed = drawn(
        sdxl, [first, replace(first, prompt="a ship"), replace(first, seed=first.seed + 1)]
    )
    assert not np.array_equal(base, other_prompt)
    assert not np.array_equal(base, other_seed)


def test_each_distinct_prompt_is_encoded_once_and_kept_on_disk(
    sdxl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[str] = []
    original = drawing.Encoder.encode

    def counted(self: Any, prompt: str, negative: str, guided: bool) -> Any:
        if prompt not in PROBES:
            encoded.append(prompt)
        return original(self, prompt, negative, guided)

    monkeypatch.setattr(drawing.Encoder, "encode", counted)
    images = drawn(sdxl)
    assert sorted(encoded) == sorted(TEXTS)
    release()  # as in a new process
    assert np.array_equal(drawn(sdxl), images)
    assert sorted(encoded) == sorted(TEXTS)
    release()
    assert np.array_equal(drawn(sdxl, embedding_cache_gb=0, num_inference_steps=1), images)


@pytest.mark.parametrize("damage", ["junk", "flipped"])
def test_damaged_embeddings_are_encoded_anew(sdxl: Path, damage: str) -> None:
    images = drawn(sdxl, prompt_chunks=2)
    folder = drawing.runner_of(Diffusers(model=str(sdxl), **SMALL, prompt_chunks=2)).embeddings
    kept = sorted(folder.folder.glob("*.safetensors"))
    assert len(kept) == len(TEXTS)
    for path in kept:
        content = path.read_bytes()
        flipped = content[:-9] + bytes([content[-9] ^ 64]) + content[-8:]
        path.write_bytes(flipped if damage == "flipped" else b"junk")
    release()
    assert np.array_equal(drawn(sdxl, prompt_chunks=2), images)


def test_a_full_embedding_cache_encodes_again(sdxl: Path) -> None:
    images = drawn(sdxl, embedding_cache_gb=0)
    assert np.array_equal(images, drawn(sdxl))


def test_a_pipeline_with_one_text_encoder(tmp_path: Path) -> None:
    images = drawn(pipelines.stable_diffusion(tmp_path))
    assert len({image.tobytes() for image in images}) == len(WANTED)


def test_guidance_reads_the_negative_prompt(sdxl: Path) -> None:
    guided = drawn(sdxl, guidance_scale=3.0, num_inference_steps=2)
    assert not np.array_equal(guided, drawn(sdxl, num_inference_steps=2))
    steered = drawn(sdxl, guidance_scale=3.0, num_inference_steps=2, negative_prompt="red")
    assert not np.array_equal(guided, steered)


def test_long_prompts_are_cut_or_split(sdxl: Path) -> None:
    long = "a photo of a cat " * 30
    tail = [replace(WANTED[0], prompt=long + each) for each in ("on the grass", "red")]
    cut = drawn(sdxl, tail)
    assert np.array_equal(cut[0], cut[1])
    split = drawn(sdxl, tail, prompt_chunks=3)
    assert not np.array_equal(split[0], split[1])
    limits = Diffusers(model=str(sdxl), prompt_chunks=3).text_encoders()
    assert [each.limit for each in limits] == [225, 225]


def test_what_is_cut_can_be_read(sdxl: Path) -> None:
    for encoder in Diffusers(model=str(sdxl)).text_encoders():
        assert encoder.limit == 75
        assert encoder.cut("a photo of a cat") is None
        assert encoder.cut("a " * 75 + "red dog") == "red dog"


def test_bfloat16_draws_nearly_the_same(sdxl: Path) -> None:
    exact = np.stack(drawn(sdxl)).astype(float)
    narrow = np.stack(drawn(sdxl, precision="bfloat16")).astype(float)
    assert 0 < np.abs(exact - narrow).mean() < 8


def test_a_tiny_autoencoder_decodes_instead(sdxl: Path, tmp_path: Path) -> None:
    tiny = drawn(sdxl, tiny_vae=str(pipelines.tiny_autoencoder(tmp_path)))
    assert not np.array_equal(tiny, drawn(sdxl))


@pytest.mark.parametrize("option", ["vae_slicing", "vae_tiling"])
def test_decoding_in_parts(sdxl: Path, option: str) -> None:
    whole, parts = drawn(sdxl), drawn(sdxl, **{option: True})
    assert np.abs(np.stack(whole).astype(int) - np.stack(parts)).mean() < 3


def test_an_image_that_is_not_finite_is_told(sdxl: Path) -> None:
    generator = Diffusers(model=str(sdxl), **SMALL)
    runner = drawing.runner_of(generator)
    original = runner.pipeline.vae.decode

    def poisoned(latents: torch.Tensor, **how: Any) -> Any:
        found = original(latents, **how)
        found[0][1:2, :, 3, 3] = torch.nan
        return found

    runner.pipeline.vae.decode = poisoned
    images = list(generator.generate(WANTED[:4], class_names=NAMES, image_size=32))
    assert [image.dtype == np.uint8 for image in images] == [True, False, True, True]
    assert np.isnan(images[1]).any()


def test_the_batch_is_found_once_by_backing_off(
    sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []
    original = drawing.Runner.draw

    def scarce(self: Any, batch: Any, size: int, starts: Any) -> Any:
        tried.append(size)
        if size > 2:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB")
        return original(self, batch, size, starts)

    monkeypatch.setattr(drawing.Runner, "draw", scarce)
    artifact = Artifact(tmp_path, "set", {})
    generator = Diffusers(model=str(sdxl), **(SMALL | {"batch_size": "auto"}))
    assert generator.settled(artifact).batch_size == 2
    assert tried == [8, 4, 2]
    # a restart, or a machine with more memory, keeps to it
    assert generator.settled(artifact).batch_size == 2
    assert tried == [8, 4, 2]
    kept = json.loads((artifact.path / "execution.json").read_text())
    assert kept == {"batch_size": 2, "device": "cpu", "precision": "float32"}


@pytest.mark.parametrize(("units", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_a_set_keeps_the_precision_it_was_begun_at(
    sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, units: bool, precision: str
) -> None:
    artifact = Artifact(tmp_path, "set", {})
    generator = Diffusers(model=str(sdxl), **(SMALL | {"precision": "auto", "device": "auto"}))
    monkeypatch.setattr(drawing, "has_native_bfloat16", lambda device: units)
    assert generator.settled(artifact).precision == precision
    monkeypatch.setattr(drawing, "has_native_bfloat16", lambda device: not units)
    again = generator.settled(artifact)
    assert (again.precision, again.device) == (precision, resolve_device("auto"))


def test_a_set_that_grows_keeps_its_batch(
    sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    artifact = Artifact(tmp_path, "set", {})
    generator = Diffusers(model=str(sdxl), **(SMALL | {"batch_size": "auto"}))
    monkeypatch.setattr(drawing, "fitting_batch", lambda settings: 2)
    assert generator.settled(artifact).batch_size == 2
    with artifact.part("data/train-00000-of-00001.parquet") as path:
        path.write_bytes(b"images")
    artifact.seal()
    monkeypatch.setattr(drawing, "fitting_batch", lambda settings: 8)
    assert generator.settled(artifact).batch_size == 2
    artifact.reopen()
    assert generator.settled(artifact).batch_size == 2
    artifact.set_aside("execution.json")
    with pytest.raises(ArtifactError, match=r"execution\.json is lost"):
        generator.settled(artifact)


def test_memory_that_is_not_there_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_available", lambda: 2**27)
    with pytest.raises(RuntimeError) as raised, memory.within_memory("cpu"):
        torch.zeros(2**28)
    assert is_out_of_memory(raised.value)
    assert len(torch.zeros(2**28)) == 2**28


def test_another_error_is_no_lack_of_memory(
    sdxl: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any) -> Any:
        raise RuntimeError("shapes do not fit")

    monkeypatch.setattr(drawing.Runner, "draw", broken)
    generator = Diffusers(model=str(sdxl), **(SMALL | {"batch_size": "auto"}))
    with pytest.raises(RuntimeError, match="shapes do not fit"):
        generator.settled(Artifact(tmp_path, "set", {}))


def test_images_start_from_real_ones_of_their_class(sdxl: Path, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    labels = np.array([0, 1, 0, 1])
    pixels = random.integers(0, 255, (4, 16, 16, 3), np.uint8)
    real = ImageSet(pixels, labels, NAMES, content_fingerprint(pixels, labels, NAMES))
    generator = Diffusers(model=str(sdxl), **SMALL, strength=0.5, num_inference_steps=2)
    assert generator.needs_real
    artifact = Artifact(tmp_path, "fitted", {})
    generator.fit(real, seed=0, artifact=artifact, progress=no_progress)
    artifact.seal()

    def started(from_real: Path) -> list[Pixels]:
        return list(generator.generate(WANTED, class_names=NAMES, image_size=16, fitted=from_real))

    images = started(artifact.path)
    other = Artifact(tmp_path, "other", {})
    turned = replace(real, pixels=255 - pixels)
    generator.fit(turned, seed=0, artifact=other, progress=no_progress)
    assert not np.array_equal(images, started(other.path))
    assert np.array_equal(images, started(artifact.path))
    assert not Diffusers(model=str(sdxl)).needs_real


def test_settings_that_are_probably_not_meant() -> None:
    turbo = Diffusers(guidance_scale=2.0)
    assert ["distilled" in each for each in turbo.warnings()] == [True]
    unread = Diffusers(model="some/sdxl", guidance_scale=1.0, negative_prompt="blurry")
    assert ["no effect" in each for each in unread.warnings()] == [True]
    assert Diffusers().warnings() == []
    assert Diffusers(model="some/sdxl", guidance_scale=5.0, negative_prompt="x").warnings() == []


def test_settings_that_a_model_does_not_read(sdxl: Path, tmp_path: Path) -> None:
    checked = Diffusers(model=str(sdxl), safety_checker=True)
    assert ["has none: nothing is checked" in each for each in checked.warnings()] == [True]
    steered: dict[str, Any] = {"guidance_scale": 5.0, "negative_prompt": "blurry"}
    assert Diffusers(model=str(sdxl), **steered).warnings() == []
    distilled = shutil.copytree(sdxl, tmp_path / "distilled")
    config = distilled / "unet" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"time_cond_proj_dim": 16}))
    said = Diffusers(model=str(distilled), **steered).warnings()
    assert ["negative_prompt has no effect" in each for each in said] == [True]
    (distilled / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    config.unlink()
    assert len(Diffusers(model=str(distilled), **steered).warnings()) == 1


def test_what_the_pipeline_refuses_is_one_line(sdxl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generator = Diffusers(model=str(sdxl), **SMALL)
    runner = drawing.runner_of(generator)

    def refusing(**how: Any) -> Any:
        raise ValueError("`x` has to be divisible\nby 32")

    monkeypatch.setattr(runner, "pipeline", refusing)
    with pytest.raises(SettingError, match="cannot draw with these settings: `x` has to be div"):
        list(generator.generate(WANTED, class_names=NAMES, image_size=8))


def test_a_set_is_named_by_content(sdxl: Path, tmp_path: Path) -> None:
    first = Diffusers(model=str(sdxl)).settings()
    copy = tmp_path / "elsewhere"
    copy.symlink_to(sdxl)
    assert Diffusers(model=str(copy)).settings() == first
    changed = pipelines.sdxl(tmp_path, unet=(16, 48))
    assert Diffusers(model=str(changed)).settings() != first


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"num_inference_steps": 0}, "num_inference_steps"),
        ({"guidance_scale": -1}, "guidance_scale"),
        ({"strength": 0}, "strength"),
        ({"strength": 0.3}, "leaves no step; 4 or more are right"),
        ({"height": 60}, "height.*multiple of 8"),
        ({"batch_size": "many"}, "batch_size"),
        ({"precision": "int8"}, "precision"),
        ({"steps": 3}, "no setting 'steps'"),
    ],
)
def test_bad_settings(settings: dict[str, Any], reason: str) -> None:
    registry: Registry[Any] = Registry("synthmix.generators", "Generator")
    with pytest.raises(SettingError, match=reason) as raised:
        registry.build("diffusers", settings)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("pipeline", "units", "precision"),
    [
        ("StableDiffusionXLPipeline", True, "float16"),
        ("StableDiffusionPipeline", False, "float16"),
        ("StableDiffusion3Pipeline", True, "bfloat16"),
        ("FluxPipeline", True, "bfloat16"),
        ("FluxPipeline", False, "float32"),
    ],
)
def test_float16_is_for_pipelines_made_for_it(
    monkeypatch: pytest.MonkeyPatch, pipeline: str, units: bool, precision: str
) -> None:
    monkeypatch.setattr(drawing, "has_native_bfloat16", lambda device: units)
    assert drawing.resolved_precision("auto", "cuda", pipeline) == precision
    assert drawing.resolved_precision("float32", "cuda", pipeline) == "float32"
