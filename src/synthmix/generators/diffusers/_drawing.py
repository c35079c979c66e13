"""Drawing batches with a loaded pipeline: prompts and starts in, pixels out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import transformers
from PIL import Image

from synthmix.errors import DataError, SettingError
from synthmix.generators.diffusers._embeddings import EmbeddingCache
from synthmix.generators.diffusers._memory import within_memory
from synthmix.generators.diffusers._pipeline import (
    Embeddings,
    Encoder,
    Loading,
    load,
    quiet,
    reads_negative_prompts,
)
from synthmix.generators.diffusers._texts import PROBES
from synthmix.generators.diffusers.weights import locate_vae
from synthmix.hardware import (
    device_name,
    has_native_bfloat16,
    is_out_of_memory,
    resolve_device,
)
from synthmix.resident import empty_cache, resident
from synthmix.types import Pixels, Request

if TYPE_CHECKING:
    from synthmix.generators.diffusers import Diffusers

_FIRST_BATCH = {"cuda": 64, "mps": 8, "cpu": 8}
"""Batch sizes from which `auto` goes down until one fits."""

_DTYPES = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}

_REFUSALS = (
    ValueError,
    TypeError,
    RuntimeError,
    IndexError,
    KeyError,
    AttributeError,
    OverflowError,
)
"""How pipelines and their parts say that they do not fit: one another, or the settings."""


class Starts:
    """Real images, from which those of their class start."""

    def __init__(self, path: Path, num_classes: int) -> None:
        stored = np.load(path, allow_pickle=False)
        self.pixels, labels = stored["pixels"], stored["labels"]
        self.rows = [np.flatnonzero(labels == label) for label in range(num_classes)]

    def of(self, request: Request, width: int, height: int) -> Image.Image:
        rows = self.rows[request.label]
        if not len(rows):
            raise DataError(
                f"strength: class '{request.class_name}' has no real image to start from."
            )
        image = Image.fromarray(self.pixels[rows[request.index % len(rows)]])
        return image.resize((width, height), Image.Resampling.LANCZOS)


class Runner:
    """A loaded pipeline and what it needs for a batch."""

    def __init__(self, settings: "Diffusers") -> None:
        self.settings = settings
        self.device = resolve_device(settings.device)
        located = settings._located()
        self.dtype = _DTYPES[resolved_precision(settings.precision, self.device, located.pipeline)]
        self.pipeline = load(
            Loading(
                located=located,
                variant=settings.variant,
                dtype=self.dtype,
                device=self.device,
                tiny_vae=locate_vae(settings.tiny_vae) if settings.tiny_vae else None,
                safety_checker=settings.safety_checker,
                vae_slicing=settings.vae_slicing,
                vae_tiling=settings.vae_tiling,
                from_images=settings.strength is not None,
            )
        )
        self.encoder = Encoder(self.pipeline, settings.prompt_chunks)
        self.guided = settings.guidance_scale > 1
        self.steers_away = self.guided and reads_negative_prompts(located)
        depends_on = {
            "revision": located.revision,
            "dtype": str(self.dtype),
            "device": device_name(self.device),
            "chunks": settings.prompt_chunks,
            "guided": self.guided,
            "negative_prompt": settings.negative_prompt if self.guided else "",
            # both can move the last bits, and a cache must not
            "threads": torch.get_num_threads(),
            "versions": [torch.__version__, transformers.__version__],
        }
        self.embeddings = EmbeddingCache(depends_on, settings.embedding_cache_gb)
        self._is_checked = False

    def draw(self, batch: dict[int, Request], size: int, starts: Starts | None) -> list[Any]:
        """Return the images of the requests in a batch's slots, in the order of the slots.

        Empty slots are filled: the batch always has its full size, and an image always has the
        same slot, since both can move the last bits.
        """
        filler = next(iter(batch.values()))
        requests = [batch.get(slot, filler) for slot in range(size)]

        def embed(text: str) -> Embeddings:
            return self.embeddings.get(text, self._encode)

        return _to_pixels(self._images(requests, starts, embed), sorted(batch))

    def check_prompts(self, starts: Starts | None) -> None:
        """Raise SettingError where prompts have no part in the image; draws two, once."""
        if self._is_checked:
            return
        located = self.settings._located()
        try:
            self.encoder.check(located.folder)
        except _REFUSALS as error:
            raise self._refused(error) from None
        asked = [Request(0, "", 0, 0, text) for text in PROBES]
        one, other = (self._images([each], starts, self._encode) for each in asked)
        # an image of one colour is told where images are checked
        if torch.equal(one, other) and one.min() < one.max():
            raise SettingError(
                f"model '{self.settings.model}' draws the same image for '{PROBES[0]}' and "
                f"'{PROBES[1]}': prompts have no part in it. Copy or fetch the model again, "
                f"{located.folder / 'unet'} or its like first."
            )
        self._is_checked = True

    def _images(
        self, requests: Sequence[Request], starts: Starts | None, embed: Callable[[str], Embeddings]
    ) -> torch.Tensor:
        """Return images `[N, 3, H, W]` in [0, 1], one a request."""
        with torch.inference_mode(), quiet():
            try:
                how = self._prompts(requests, embed) | self._starting(requests, starts)
                images: torch.Tensor = self.pipeline(
                    **how,
                    num_inference_steps=self.settings.num_inference_steps,
                    guidance_scale=self.settings.guidance_scale,
                    generator=[torch.Generator("cpu").manual_seed(each.seed) for each in requests],
                    output_type="pt",
                ).images
            except _REFUSALS as error:
                if is_out_of_memory(error):
                    raise
                raise self._refused(error) from None
        return images

    def _refused(self, error: Exception) -> SettingError:
        reason = " ".join(str(error).split())[:200]
        kind = type(self.pipeline).__name__
        return SettingError(
            f"model '{self.settings.model}': its {kind} cannot draw with these settings: {reason}"
        )

    def _prompts(
        self, requests: Sequence[Request], embed: Callable[[str], Embeddings]
    ) -> dict[str, Any]:
        texts = [each.prompt or "" for each in requests]
        if not self.encoder.is_known:
            negative = self.settings.negative_prompt
            return {"prompt": texts} | (
                {"negative_prompt": [negative] * len(texts)}
                if self.steers_away and negative
                else {}
            )
        found = [embed(text) for text in texts]
        return {
            name: torch.stack([each[name] for each in found]).to(self.device) for name in found[0]
        }

    def _encode(self, prompt: str) -> Embeddings:
        return self.encoder.encode(prompt, self.settings.negative_prompt, self.guided)

    def _starting(self, requests: Sequence[Request], starts: Starts | None) -> dict[str, Any]:
        width, height = self.settings.width, self.settings.height
        if self.settings.strength is None:
            return {"width": width, "height": height}
        blank = Image.new("RGB", (width, height), "grey")
        images = [starts.of(each, width, height) if starts else blank for each in requests]
        return {"image": images, "strength": self.settings.strength}


def draw(
    settings: "Diffusers", requests: Sequence[Request], num_classes: int, real: Path | None
) -> Iterator[Pixels]:
    """Yield one uint8 image per request, in order, at the pipeline's own size.

    `real` is the file of real images to start from, where there is one. A float image is yielded
    where the pipeline gave one that is not finite.
    """
    runner = runner_of(settings)
    starts = None if real is None else Starts(real, num_classes)
    size = fitting_batch(settings) if settings.batch_size == "auto" else settings.batch_size
    for number, batch in enumerate(batches(requests, size, num_classes)):
        with nullcontext() if number else within_memory(runner.device):
            runner.check_prompts(starts)
            images = runner.draw(batch, size, starts)
        yield from images


def batches(
    requests: Sequence[Request], size: int, num_classes: int
) -> Iterator[dict[int, Request]]:
    """Cut requests into batches in which each has the slot that follows from its number."""
    batch: dict[int, Request] = {}
    for request in requests:
        slot = (request.index * num_classes + request.label) % size
        if batch and slot <= max(batch):
            yield batch
            batch = {}
        batch[slot] = request
    yield batch


def _to_pixels(images_NCHW: torch.Tensor, slots: Sequence[int]) -> list[Any]:
    """Return images in [0, 1] as uint8 `[H, W, 3]`, rounded; one that is not finite as float."""
    images_NHWC = images_NCHW.float().permute(0, 2, 3, 1)[list(slots)]
    finite = images_NHWC.isfinite().flatten(1).all(1).tolist()
    # on the device: a quarter of the bytes to bring over
    levels = (images_NHWC.nan_to_num() * 255).round().clamp(0, 255).to(torch.uint8).cpu().numpy()
    exact = images_NHWC.cpu().numpy() if not all(finite) else levels
    return [levels[n] if good else exact[n] for n, good in enumerate(finite)]


_MADE_FOR_FLOAT16 = ("StableDiffusion", "LatentConsistency", "Kandinsky")
"""Pipelines whose numbers stay in its range; those of later transformers may not."""


def resolved_precision(precision: str, device: str, pipeline: str) -> str:
    """Return the precision `auto` stands for on this device, for a pipeline of this name."""
    if precision != "auto":
        return precision
    is_early = pipeline.startswith(_MADE_FOR_FLOAT16) and "StableDiffusion3" not in pipeline
    if device.startswith("cuda") and is_early:
        return "float16"
    return "bfloat16" if has_native_bfloat16(device) else "float32"


def fitting_batch(settings: "Diffusers") -> int:
    """Return the first of ever smaller batches that fits in memory."""
    runner = runner_of(settings)
    size = _FIRST_BATCH[runner.device.partition(":")[0]]
    while size > 1:
        if _fits(runner, size):
            return size
        empty_cache()
        size //= 2
    return 1


def _fits(runner: Runner, size: int) -> bool:
    try:
        with within_memory(runner.device):
            runner.draw({0: Request(0, "", 0, 0, "a photo")}, size, None)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return False
    return True


@resident
def _cached_runner(settings: "Diffusers", revision: str) -> Runner:
    return Runner(settings)


def runner_of(settings: "Diffusers") -> Runner:
    """Return the pipeline for these settings; kept, since a set is drawn in many shards."""
    # neither changes what is loaded; so many steps leave some at any strength
    loaded_alike = replace(settings, batch_size=1, num_inference_steps=1000)
    runner = _cached_runner(loaded_alike, settings._located().revision)
    runner.settings = settings
    return runner
