"""Text-to-image pipelines of diffusers: SDXL-Turbo as its card says, and any other."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from annotated_types import Ge, Gt, Le, MultipleOf

from synthmix.errors import ArtifactError, SettingError, SynthmixError
from synthmix.generators import Generator
from synthmix.generators.diffusers.weights import Located, locate, locate_vae
from synthmix.store import Artifact, read_json
from synthmix.types import Device as DeviceName
from synthmix.types import ImageSet, Pixels, Precision, Progress, Request, TextEncoder

_EXECUTION = "execution.json"
_REAL = "real.npz"
_DISTILLED = ("turbo", "lightning", "lcm", "schnell")


@dataclass(frozen=True, kw_only=True)
class Diffusers(Generator):
    """Draws images from prompts with any pipeline that AutoPipelineForText2Image loads.

    The defaults are those of SDXL-Turbo's card: one step, no guidance, 512 pixels (Sauer et al.
    2023). Noise is drawn on the CPU from each image's own seed. With `strength`, images start from
    real ones of their class instead of noise (SDEdit, Meng et al. 2022).
    """

    requires: ClassVar[tuple[str, ...]] = ("diffusers", "transformers")
    needs_prompts: ClassVar[bool] = True
    terms: ClassVar[str] = "those of the model's own page (SDXL-Turbo: Stability Community License)"

    model: str = "stabilityai/sdxl-turbo"
    """A hub id whose files `synthmix weights fetch` brought, or a folder."""

    revision: str | None = None
    """Branch, tag or commit of a hub id; the commit that was found is recorded."""

    variant: str | None = None
    """Kind of weights files, such as `fp16`; it does not set the precision."""

    num_inference_steps: Annotated[int, Ge(1), Le(1000)] = 1
    """Denoising steps."""

    guidance_scale: Annotated[float, Ge(0), Le(100)] = 0.0
    """Weight of classifier-free guidance; 0 for distilled models such as SDXL-Turbo."""

    negative_prompt: str = ""
    """What to steer away from; read only where guidance_scale is above 1."""

    height: Annotated[int, Ge(8), Le(4096), MultipleOf(8)] = 512
    """Side in pixels at which the pipeline draws; the set is resized afterwards."""

    width: Annotated[int, Ge(8), Le(4096), MultipleOf(8)] = 512
    """The other side; sets are square, so the longer side is cropped."""

    prompt_chunks: Annotated[int, Ge(1), Le(8)] = 1
    """Parts a prompt is split into, of 75 tokens each for CLIP; what does not fit is cut."""

    strength: Annotated[float, Gt(0), Le(1)] | None = None
    """Start from real images of the class, changed the more the nearer to 1; else from noise."""

    tiny_vae: str | None = None
    """Hub id or folder of an AutoencoderTiny that decodes instead, faster and less exactly."""

    vae_slicing: bool = False
    """Decode image by image, in less memory."""

    vae_tiling: bool = False
    """Decode tile by tile, in much less memory; seams are possible."""

    safety_checker: bool = False
    """Run the model's own safety checker where it has one; it blackens what it refuses."""

    embedding_cache_gb: Annotated[float, Ge(0), Le(10_000)] = 2.0
    """Gigabytes of prompts' embeddings kept on disk, so that each is encoded once."""

    batch_size: Annotated[int, Ge(1), Le(65_536)] | Literal["auto"] = "auto"  # type: ignore[assignment]
    """Images drawn together; `auto` finds what fits before the first image, then keeps it."""

    precision: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    """`auto`: float16 on CUDA up to SDXL, bfloat16 where there are units for it, else float32."""

    device: DeviceName = "auto"
    """`auto` is CUDA, then MPS, then CPU."""

    def __post_init__(self) -> None:
        if self.strength is not None and int(self.num_inference_steps * self.strength) < 1:
            steps = math.ceil(1 / self.strength)
            raise SettingError(
                f"strength is {self.strength:g}: of num_inference_steps, which is "
                f"{self.num_inference_steps}, that leaves no step; {steps} or more are right."
            )

    @property
    def needs_real(self) -> bool:  # type: ignore[override]
        """Whether images start from real ones."""
        return self.strength is not None

    def settings(self) -> dict[str, Any]:
        """Return every setting; a model is named by its commit or its content."""
        found = {**super().settings(), "revision": self._located().revision}
        if Path(self.model).expanduser().exists():
            found["model"] = "a local folder"
        if self.tiny_vae is not None:
            found["tiny_vae"] = locate_vae(self.tiny_vae).revision
        # a cache changes no image
        found.pop("embedding_cache_gb")
        return found

    def warnings(self) -> list[str]:
        """Say what of the settings is probably not meant."""
        found = []
        distilled = next((each for each in _DISTILLED if each in self.model.lower()), None)
        if distilled and self.guidance_scale > 0:
            found.append(
                f"guidance_scale is {self.guidance_scale:g}, but '{self.model}' is distilled to "
                "work without guidance: 0 is right."
            )
        if self.negative_prompt and self.guidance_scale <= 1:
            found.append(
                f"negative_prompt has no effect while guidance_scale is {self.guidance_scale:g}; "
                "it needs more than 1."
            )
        return [*found, *self._ignored()]

    def _ignored(self) -> list[str]:
        """Say which settings this model's pipeline does not read."""
        if not self.safety_checker and not (self.negative_prompt and self.guidance_scale > 1):
            return []
        try:
            located = self._located()
        except SynthmixError:
            return []  # told where the model is needed
        found = []
        if self.safety_checker and "safety_checker" not in located.components:
            found.append(f"safety_checker is on, but '{self.model}' has none: nothing is checked.")
        if self.negative_prompt and not _reads_negative_prompts(located):
            found.append(
                f"negative_prompt has no effect: {located.pipeline} of '{self.model}' reads none."
            )
        return found

    def check(self, class_names: tuple[str, ...]) -> None:
        """Raise SettingError where the model, or the vocabulary of its tokenizers, is not there."""
        self._located()
        self.text_encoders()

    def text_encoders(self) -> list[TextEncoder]:
        """Return the limits of the model's text encoders; reads their tokenizers alone."""
        from synthmix.generators.diffusers._tokenizers import text_encoders

        located = locate(self.model, self.revision, self.variant, has_weights=False)
        found = text_encoders(located)
        return [replace(each, limit=each.limit * self.prompt_chunks) for each in found]

    def fit(self, real: ImageSet, *, seed: int, artifact: Artifact, progress: Progress) -> None:
        """Keep the real images that drawing will start from."""
        if not artifact.has(_REAL):
            with artifact.part(_REAL) as path, path.open("wb") as file:
                np.savez(file, pixels=real.pixels[:], labels=real.labels)
        progress(len(real), len(real))

    def placed(self, device: DeviceName, precision: Precision) -> "Diffusers":
        # what `auto` stands for as a precision depends on the pipeline; `settled` keeps it
        return replace(self, device=device)

    def settled(self, artifact: Artifact) -> "Diffusers":
        """Return this generator with batch size, device and precision found.

        They are kept in `artifact`: a set is drawn in one way, whatever machine goes on with it.
        """
        if "auto" not in (self.batch_size, self.device, self.precision):
            return self
        if not artifact.has(_EXECUTION):
            if any(part.startswith("data/") for part in artifact.records()):
                raise ArtifactError(
                    f"{artifact.path / _EXECUTION} is lost, and with it the batch size at which "
                    "the set was begun: restore it, or set batch_size and begin the set anew."
                )
            found = self._execution()
            with artifact.part(_EXECUTION) as path:
                path.write_text(json.dumps(found) + "\n", encoding="utf-8")
        return replace(self, **read_json(artifact.path / _EXECUTION))

    def _execution(self) -> dict[str, Any]:
        from synthmix.generators.diffusers._drawing import fitting_batch, resolved_precision
        from synthmix.hardware import resolve_device

        device = resolve_device(self.device)
        size = fitting_batch(self) if self.batch_size == "auto" else self.batch_size
        precision = resolved_precision(self.precision, device, self._located().pipeline)
        return {"batch_size": size, "device": device, "precision": precision}

    def generate(
        self,
        requests: Sequence[Request],
        *,
        class_names: tuple[str, ...],
        image_size: int,
        fitted: Path | None = None,
    ) -> Iterator[Pixels]:
        """Yield one uint8 image per request, in order, at the pipeline's own size.

        A float image is yielded where the pipeline gave one that is not finite.
        """
        from synthmix.generators.diffusers._drawing import draw

        if not requests:
            return

        yield from draw(self, requests, len(class_names), fitted and fitted / _REAL)

    def _located(self) -> Located:
        return locate(self.model, self.revision, self.variant)


def _reads_negative_prompts(located: Located) -> bool:
    from synthmix.generators.diffusers._pipeline import reads_negative_prompts

    return reads_negative_prompts(located)
