"""A diffusers pipeline, loaded once: its parts, its text encoders and its embeddings."""

import inspect
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from safetensors import SafetensorError
from torch import Tensor

from synthmix.errors import SettingError
from synthmix.generators.diffusers._texts import (
    PROBES,
    check_encoder,
    check_tokenizer,
    check_width,
)
from synthmix.generators.diffusers.weights import Located
from synthmix.hardware import is_out_of_memory
from synthmix.model_files import kinds

_FIELDS = {
    "StableDiffusionXL": (
        "prompt_embeds",
        "negative_prompt_embeds",
        "pooled_prompt_embeds",
        "negative_pooled_prompt_embeds",
    ),
    "StableDiffusion": ("prompt_embeds", "negative_prompt_embeds"),
}
"""What `encode_prompt` returns, by the beginning of the pipeline's class name.

Pipelines that are not listed get their prompts as text, encoded anew for every image.
"""

_LOADING_ERRORS = (
    *(OSError, ValueError, KeyError, TypeError, AttributeError, ImportError),
    *(RuntimeError, NotImplementedError),
)

Embeddings = dict[str, Tensor]
"""What a pipeline takes in place of a prompt, by name, without the batch dimension."""


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what the libraries say of their own future."""
    for each in (diffusers.utils.logging, transformers.utils.logging):
        each.disable_progress_bar()
        each.set_verbosity_error()
    with warnings.catch_warnings():
        for kind in (FutureWarning, DeprecationWarning, UserWarning):
            warnings.simplefilter("ignore", kind)
        yield


@dataclass(frozen=True)
class Loading:
    """What decides how a pipeline is loaded."""

    located: Located
    variant: str | None
    dtype: torch.dtype
    device: str
    tiny_vae: Located | None
    safety_checker: bool
    vae_slicing: bool
    vae_tiling: bool
    from_images: bool


def load(how: Loading) -> Any:
    """Return the pipeline, ready on its device; raises SettingError where it cannot be built."""
    auto: Any = (
        diffusers.AutoPipelineForImage2Image
        if how.from_images
        else diffusers.AutoPipelineForText2Image
    )
    options: dict[str, Any] = {"dtype": how.dtype, "variant": how.variant}
    if "StableDiffusionXL" in how.located.pipeline:
        # on by default wherever a package of that name happens to be installed
        options["add_watermarker"] = False
    if "safety_checker" in how.located.index and not how.safety_checker:
        options |= {"safety_checker": None, "requires_safety_checker": False}
        if not (how.located.folder / "feature_extractor").is_dir():  # taken away together
            options["feature_extractor"] = None
    try:
        if how.tiny_vae is not None:
            options["vae"] = _tiny_vae(how.tiny_vae, how.dtype)
        with quiet():
            pipeline = auto.from_pretrained(
                str(how.located.folder),
                use_safetensors=True,
                local_files_only=True,
                **options,
                **_models(how, options),
            )
            pipeline.set_progress_bar_config(disable=True)
            _economise(pipeline, how)
            return pipeline.to(how.device)
    except (*_LOADING_ERRORS, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        reason = " ".join(str(error).split())[:200]
        raise SettingError(f"model '{how.located.folder}' cannot be loaded: {reason}") from None


def _models(how: Loading, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the networks that are not given, by name; raises ValueError for one not whole.

    Of what is missing some would be drawn at random, another time in every process, and some is
    told by torch alone, which knows no file.
    """
    found = {}
    for name in how.located.components:
        library, kind_name = how.located.index[name]
        module: Any = {"diffusers": diffusers, "transformers": transformers}.get(
            library, getattr(diffusers.pipelines, library, None)
        )
        kind = getattr(module, kind_name, None)
        is_network = isinstance(kind, type) and issubclass(kind, torch.nn.Module)
        if name in given or not is_network:
            continue
        folder = how.located.folder / name
        files = kinds(path.name for path in folder.iterdir())
        variant = how.variant if how.variant in files.variants else None
        found[name] = _whole(kind, folder, dtype=how.dtype, variant=variant)
    return found


def _whole(kind: Any, folder: Path, **options: Any) -> Any:
    """Return a network; raises ValueError where a weight is not in its files."""
    network, told = kind.from_pretrained(
        str(folder),
        use_safetensors=True,
        local_files_only=True,
        output_loading_info=True,
        **options,
    )
    missing = told["missing_keys"]
    if missing:
        raise ValueError(
            f"{folder} lacks {len(missing)} weights of a {kind.__name__}, such as {min(missing)}: "
            "copy or fetch it again."
        )
    return network


def reads_negative_prompts(located: Located) -> bool:
    """Whether a model steers away from a prompt; distilled ones may take one and not read it."""
    with suppress(OSError, ValueError, AttributeError):  # told when it is loaded
        text = (located.folder / "unet" / "config.json").read_text(encoding="utf-8")
        if json.loads(text).get("time_cond_proj_dim") is not None:
            return False  # guidance is an input of this network
    pipeline = getattr(diffusers, located.pipeline, None)
    takes = set(inspect.signature(pipeline.__call__).parameters) if pipeline else set()
    # true_cfg_scale, 1 by default, guides these in place of guidance_scale
    return "negative_prompt" in takes and "true_cfg_scale" not in takes


def _economise(pipeline: Any, how: Loading) -> None:
    vae: Any = getattr(pipeline, "vae", None)
    if how.vae_slicing and hasattr(vae, "enable_slicing"):
        vae.enable_slicing()
    if how.vae_tiling and hasattr(vae, "enable_tiling"):
        vae.enable_tiling()


def _tiny_vae(located: Located, dtype: torch.dtype) -> Any:
    with quiet():
        return _whole(diffusers.AutoencoderTiny, located.folder, dtype=dtype)


class Encoder:
    """Turns prompts into embeddings, each distinct prompt by itself."""

    def __init__(self, pipeline: Any, chunks: int) -> None:
        self.pipeline = pipeline
        self.chunks = chunks
        self.fields = _fields(type(pipeline).__name__)

    def check(self, folder: Path) -> None:
        """Raise SettingError, naming the part, where prompts would not reach the image."""
        for name, tokenizer in self.pipeline.components.items():
            encoder = self.pipeline.components.get(name.replace("tokenizer", "text_encoder"))
            if not name.startswith("tokenizer") or tokenizer is None:
                continue
            check_tokenizer(tokenizer, folder / name)
            if isinstance(encoder, transformers.PreTrainedModel):
                with quiet():
                    check_encoder(tokenizer, encoder, folder / name)
        unet = getattr(self.pipeline, "unet", None)
        if self.fields is not None and unet is not None:
            width = self.encode(PROBES[0], "", False)[self.fields[0]].shape[-1]
            check_width(width, unet.config.cross_attention_dim, folder)

    @property
    def is_known(self) -> bool:
        """Whether this kind of pipeline takes embeddings in place of prompts."""
        return self.fields is not None

    def encode(self, prompt: str, negative_prompt: str, guided: bool) -> Embeddings:
        """Return the embeddings of one prompt, on the CPU, without the batch dimension."""
        assert self.fields is not None
        parts = _split(prompt, self._tokenizer(), self.chunks)
        encoded = [self._one(part, negative_prompt, guided) for part in parts]
        joined: Embeddings = {}
        for name in encoded[0]:
            # sequences are joined; a pooled embedding is that of the first part
            is_pooled = "pooled" in name
            tensors = [each[name] for each in encoded]
            joined[name] = tensors[0] if is_pooled else torch.cat(tensors, 0)
        return joined

    def _one(self, prompt: str, negative_prompt: str, guided: bool) -> Embeddings:
        options = {"negative_prompt": negative_prompt} if guided else {}
        with torch.inference_mode(), quiet():
            found = self.pipeline.encode_prompt(
                prompt=prompt,
                device=self.pipeline.device,
                num_images_per_prompt=1,
                do_classifier_free_guidance=guided,
                **options,
            )
        assert self.fields is not None
        named = dict(zip(self.fields, found, strict=True))
        return {name: each[0].cpu() for name, each in named.items() if each is not None}

    def _tokenizer(self) -> Any:
        return self.pipeline.tokenizer


def _fields(pipeline_class: str) -> tuple[str, ...] | None:
    if pipeline_class.startswith("StableDiffusion3"):
        return None
    return next((v for k, v in _FIELDS.items() if pipeline_class.startswith(k)), None)


def _split(prompt: str, tokenizer: Any, chunks: int) -> list[str]:
    """Return `chunks` texts of at most the limit's tokens each; the last ones may be empty."""
    if chunks == 1:
        return [prompt]
    room = tokenizer.model_max_length - tokenizer.num_special_tokens_to_add()
    tokens = tokenizer(prompt, add_special_tokens=False, verbose=False)["input_ids"]
    pieces = [tokens[n * room : (n + 1) * room] for n in range(chunks)]
    return [tokenizer.decode(each) if each else "" for each in pieces]
