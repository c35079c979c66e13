"""Drawing a fitted flow's images: noise of each request's own seed, carried to its class."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file
from torch import Tensor

from synthmix.generators.flow._fit import WEIGHTS
from synthmix.generators.flow._velocity import VelocityModel, integrate, model_of, placed
from synthmix.hardware import autocast, resolve_device, resolve_precision
from synthmix.seeding import derive
from synthmix.types import Pixels, Request

if TYPE_CHECKING:
    from synthmix.generators.flow import Flow


def draw(
    settings: "Flow", requests: Sequence[Request], num_classes: int, image_size: int, fitted: Path
) -> Iterator[Pixels]:
    """Yield one uint8 image `[image_size, image_size, 3]` per request, in order."""
    device = resolve_device(settings.device)
    precision = resolve_precision(settings.precision, device)
    model = model_of(settings, num_classes, image_size)
    model.load_state_dict(load_file(fitted / WEIGHTS))
    model = placed(model, device, precision).eval()
    for start in range(0, len(requests), settings.batch_size):
        chunk = requests[start : start + settings.batch_size]
        # always a full batch: kernels are chosen by its size
        padded = [*chunk, *[chunk[-1]] * (settings.batch_size - len(chunk))]
        with torch.inference_mode(), autocast(device, precision):
            images_BCHW = _drawn(model, padded, image_size, settings.steps, device)
        yield from _to_pixels(images_BCHW)[: len(chunk)]


def _drawn(
    model: VelocityModel, requests: Sequence[Request], image_size: int, steps: int, device: str
) -> Tensor:
    noise_BCHW = torch.stack([_noise(each.seed, image_size) for each in requests]).to(device)
    labels_B = torch.tensor([each.label for each in requests], device=device)

    def velocity(state_BCHW: Tensor, time: float) -> Tensor:
        time_B = torch.full((len(requests),), time, device=device)
        output: Tensor = model(state_BCHW, time_B, labels_B)
        return output.float()

    return integrate(velocity, noise_BCHW, steps)


def _noise(seed: int, image_size: int) -> Tensor:
    random = torch.Generator().manual_seed(derive(seed, "flow: noise"))
    return torch.randn((3, image_size, image_size), generator=random)


def _to_pixels(images_NCHW: Tensor) -> Pixels:
    """Return values in [-1, 1] `[N, C, H, W]` as uint8 images `[N, H, W, C]`, rounded."""
    scaled_NCHW = ((images_NCHW.float() + 1) * 127.5).round().clamp(0, 255)
    return scaled_NCHW.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
