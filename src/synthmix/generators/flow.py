"""A class-conditional rectified flow, fitted on the study's own real images."""

import copy
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
import torch
from annotated_types import Ge, Gt, Le, Lt
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from synthmix.checkpoints import resumed, save
from synthmix.errors import SettingError
from synthmix.generators import Generator
from synthmix.generators._gaussian import GaussianVelocity
from synthmix.generators._velocity import UNet, VelocityModel, integrate
from synthmix.hardware import autocast, memory_format, resolve_device, resolve_precision
from synthmix.seeding import derive
from synthmix.store import Artifact
from synthmix.types import Device, ImageSet, Indices, Pixels, Precision, Progress, Request

_WEIGHTS = "flow.safetensors"
_CHECKPOINT = "checkpoint.pt"
_CHECKPOINTS = 20
_GAUSSIAN_VALUES = 50_000_000  # pixels the Gaussians are fitted on: 200 MB as float32
_WARMUP_STEPS = 100
_LARGEST_GRADIENT = 1.0
_WIDTH_MULTIPLE = 8


@dataclass(frozen=True, kw_only=True)
class Flow(Generator):
    """Carries noise to images of a class along an ordinary differential equation.

    Rectified flow (Liu et al. 2023, equation 1; flow matching, Lipman et al. 2023): a network
    learns the velocity `data - noise` at `(1 - t) noise + t data`, on top of the velocity that is
    exact for Gaussian classes. Images are RGB of any size; a processor fits small ones, up to
    about 32x32, in minutes. Its memory grows with classes times the square of `rank`.
    """

    needs_real: ClassVar[bool] = True
    terms: ClassVar[str] = "weights fitted on the study's real images, under those images' terms"

    fit_steps: Annotated[int, Ge(1), Le(10_000_000)] = 3000
    """Optimiser steps of the fit."""

    fit_batch_size: Annotated[int, Ge(1), Le(65_536)] = 32
    """Real images of one optimiser step."""

    learning_rate: Annotated[float, Gt(0), Le(10)] = 4e-3
    """Peak of the AdamW rate, reached after a short warm-up; it falls to zero along a cosine."""

    weight_decay: Annotated[float, Ge(0), Le(10)] = 0.01
    """AdamW's decoupled weight decay."""

    ema_decay: Annotated[float, Ge(0), Lt(1)] = 0.999
    """Decay per step of the averaged weights that draw the images; lower in the first steps."""

    flip: bool = True
    """Whether the fit sees images mirrored half of the time; wrong for digits and letters."""

    rank: Annotated[int, Ge(1), Le(65_536)] = 256
    """Principal directions in which each class has a covariance of its own."""

    widths: tuple[Annotated[int, Ge(8), Le(8192)], ...] = (16, 32, 96, 128)
    """Channels from the finest level to the coarsest, multiples of 8; small images use the last."""

    blocks: tuple[Annotated[int, Ge(1), Le(100)], ...] = (1, 1, 2, 1)
    """Residual blocks on each side of each level."""

    steps: Annotated[int, Ge(1), Le(1000)] = 6
    """Midpoint steps from noise to image, two network evaluations each."""

    batch_size: Annotated[int, Ge(1), Le(65_536)] = 64
    """Images drawn together; part of the fingerprint, since it may move the last bits."""

    precision: Precision = "auto"
    """`auto` is bfloat16 where the hardware multiplies it natively, else float32."""

    device: Device = "auto"
    """`auto` is CUDA, then MPS, then CPU."""

    def __post_init__(self) -> None:
        if not self.widths or any(each < 1 or each % _WIDTH_MULTIPLE for each in self.widths):
            raise SettingError(
                f"widths is {self.widths}; it must hold multiples of 8, at least one."
            )
        if len(self.blocks) != len(self.widths) or min(self.blocks) < 1:
            raise SettingError(
                f"blocks is {self.blocks}; it must hold {len(self.widths)} numbers from 1, "
                "one for each of widths."
            )

    def placed(self, device: Device, precision: Precision) -> "Flow":
        return replace(self, device=device, precision=precision)

    def fit(self, real: ImageSet, *, seed: int, artifact: Artifact, progress: Progress) -> None:
        """Fit Gaussians, then the network; the averaged weights become a part of `artifact`."""
        if artifact.has(_WEIGHTS):
            return
        fit = resumed(lambda: _Fit(self, real, seed), _Fit.load, artifact, _CHECKPOINT)
        every = max(self.fit_steps // _CHECKPOINTS, 1)
        while fit.step < self.fit_steps:
            fit.advance()
            progress(fit.step, self.fit_steps)
            if fit.step % every == 0:
                save(fit.save, artifact, _CHECKPOINT)
        with artifact.part(_WEIGHTS) as path:
            save_file(fit.weights(), path)

    def generate(
        self,
        requests: Sequence[Request],
        *,
        class_names: tuple[str, ...],
        image_size: int,
        fitted: Path | None = None,
    ) -> Iterator[Pixels]:
        """Yield one uint8 image `[image_size, image_size, 3]` per request, in order."""
        assert fitted is not None, "a flow is fitted before it draws"
        device = resolve_device(self.device)
        model = self._model(len(class_names), image_size)
        model.load_state_dict(load_file(fitted / _WEIGHTS))
        precision = resolve_precision(self.precision, device)
        model = _placed(model, device, precision).eval()
        for start in range(0, len(requests), self.batch_size):
            chunk = requests[start : start + self.batch_size]
            yield from self._draw(model, chunk, image_size, device)

    def _draw(
        self, model: VelocityModel, chunk: Sequence[Request], image_size: int, device: str
    ) -> list[Pixels]:
        # always a full batch: kernels are chosen by its size
        padded = [*chunk, *[chunk[-1]] * (self.batch_size - len(chunk))]
        noise_BCHW = torch.stack([_noise(each.seed, image_size) for each in padded]).to(device)
        labels_B = torch.tensor([each.label for each in padded], device=device)

        def velocity(state_BCHW: Tensor, time: float) -> Tensor:
            time_B = torch.full((self.batch_size,), time, device=device)
            output: Tensor = model(state_BCHW, time_B, labels_B)
            return output.float()

        precision = resolve_precision(self.precision, device)
        with torch.inference_mode(), autocast(device, precision):
            images_BCHW = integrate(velocity, noise_BCHW, self.steps)
        return list(_to_pixels(images_BCHW)[: len(chunk)])

    def _model(self, num_classes: int, image_size: int) -> VelocityModel:
        dimension = 3 * image_size**2
        gaussian = GaussianVelocity(num_classes, dimension, min(self.rank, dimension))
        return VelocityModel(gaussian, UNet(num_classes, image_size, self.widths, self.blocks))


class _Fit:
    """A fit between two steps; all randomness of a step belongs to its number."""

    def __init__(self, settings: Flow, real: ImageSet, seed: int) -> None:
        self.settings = settings
        self.real = real
        self.seed = seed
        self.step = 0
        self.device = resolve_device(settings.device)
        self.precision = resolve_precision(settings.precision, self.device)
        self.model = self._start()
        self.averaged = copy.deepcopy(self.model.network).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.network.parameters(),
            lr=settings.learning_rate,
            betas=(0.9, 0.99),
            weight_decay=settings.weight_decay,
        )

    def advance(self) -> Tensor:
        """Take one step on the next batch and return its loss, which may still be computed."""
        for group in self.optimizer.param_groups:
            group["lr"] = _learning_rate_at(self.step, self.settings)
        loss = self._loss()
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.network.parameters(), _LARGEST_GRADIENT)
        self.optimizer.step()
        self.step += 1
        self._average()
        return loss.detach()

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        tensors = {name: part.state_dict() for name, part in self._parts().items()}
        # through a file of Python's: torch's own writer does not tell a full disk from a fault
        with path.open("wb") as file:
            torch.save({"step": self.step, **tensors}, file)

    def load(self, path: Path) -> None:
        """Go on from a checkpoint that `save` wrote; tensors only, nothing is executed."""
        saved = torch.load(path, map_location="cpu", weights_only=True)
        self.step = saved["step"]
        for name, part in self._parts().items():
            part.load_state_dict(saved[name])

    def weights(self) -> dict[str, Tensor]:
        """Return the Gaussians and the averaged network, on the CPU."""
        final = VelocityModel(self.model.gaussian, self.averaged)
        return {name: each.cpu().contiguous() for name, each in final.state_dict().items()}

    def _parts(self) -> dict[str, nn.Module | torch.optim.Optimizer]:
        return {
            "network": self.model.network,
            "averaged": self.averaged,
            "optimizer": self.optimizer,
        }

    def _start(self) -> VelocityModel:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(self.seed, "flow: initialisation"))
            model = self.settings._model(self.real.num_classes, self.real.image_size)
        random = self._random("flow: gaussians")
        images_NCHW, labels_N = self._gaussian_sample(random)
        model.gaussian.fit(images_NCHW, labels_N, random)
        return _placed(model, self.device, self.precision)

    def _gaussian_sample(self, random: torch.Generator) -> tuple[Tensor, Tensor]:
        most = max(_GAUSSIAN_VALUES // self.real.pixels[0].size, 1)
        rows = torch.randperm(len(self.real), generator=random)[:most].sort().values.numpy()
        images_NCHW = _to_values(self.real.pixels[rows])
        labels_N = torch.from_numpy(self.real.labels[rows])
        if not self.settings.flip:
            return images_NCHW, labels_N
        return torch.cat([images_NCHW, images_NCHW.flip(-1)]), torch.cat([labels_N, labels_N])

    def _loss(self) -> Tensor:
        random = self._random("flow: step", self.step)
        rows = self._rows()
        clean_BCHW = _to_values(self.real.pixels[rows])
        if self.settings.flip:
            mirrored_B = torch.rand(len(rows), generator=random) < 0.5
            clean_BCHW = torch.where(
                mirrored_B[:, None, None, None], clean_BCHW.flip(-1), clean_BCHW
            )
        noise_BCHW = torch.randn(clean_BCHW.shape, generator=random)
        # logit-normal times (Esser et al. 2024, equation 19): the middle is the hardest part
        time_B = torch.randn(len(rows), generator=random).sigmoid()
        labels_B = torch.from_numpy(self.real.labels[rows])
        batch = [each.to(self.device) for each in (clean_BCHW, noise_BCHW, time_B, labels_B)]
        with autocast(self.device, self.precision):
            return self.model.loss(*batch)

    def _rows(self) -> Indices:
        """Return the rows of this step: every image once before any comes again."""
        total, size = len(self.real), self.settings.fit_batch_size
        places = np.arange(self.step * size, (self.step + 1) * size)
        rows = [
            self._order(epoch)[places[places // total == epoch] % total]
            for epoch in range(places[0] // total, places[-1] // total + 1)
        ]
        return np.concatenate(rows)

    def _order(self, epoch: int) -> Indices:
        return torch.randperm(len(self.real), generator=self._random("flow: order", epoch)).numpy()

    def _random(self, purpose: str, *path: int) -> torch.Generator:
        return torch.Generator().manual_seed(derive(self.seed, purpose, *path))

    @torch.no_grad()
    def _average(self) -> None:
        # a short memory at first, so that the initial weights are soon forgotten
        decay = min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))
        pairs = zip(self.averaged.parameters(), self.model.network.parameters(), strict=True)
        for average, latest in pairs:
            average.lerp_(latest, 1 - decay)


def _learning_rate_at(step: int, settings: Flow) -> float:
    rising = min((step + 1) / _WARMUP_STEPS, 1.0)
    falling = 0.5 * (1 + math.cos(math.pi * step / settings.fit_steps))
    return settings.learning_rate * rising * falling


def _placed(model: VelocityModel, device: str, precision: str) -> VelocityModel:
    return model.to(device).to(memory_format=memory_format(device, precision))


def _noise(seed: int, image_size: int) -> Tensor:
    random = torch.Generator().manual_seed(derive(seed, "flow: noise"))
    return torch.randn((3, image_size, image_size), generator=random)


def _to_values(pixels: Pixels) -> Tensor:
    """Return uint8 images `[N, H, W, C]` as float32 `[N, C, H, W]` in [-1, 1]."""
    images_NHWC = torch.from_numpy(np.ascontiguousarray(pixels))
    return images_NHWC.permute(0, 3, 1, 2).float() / 127.5 - 1


def _to_pixels(images_NCHW: Tensor) -> Pixels:
    """Return values in [-1, 1] `[N, C, H, W]` as uint8 images `[N, H, W, C]`, rounded."""
    scaled_NCHW = ((images_NCHW.float() + 1) * 127.5).round().clamp(0, 255)
    return scaled_NCHW.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
