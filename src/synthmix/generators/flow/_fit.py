"""Fitting a flow: Gaussians, then the network that learns what they lack."""

import copy
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from synthmix.checkpoints import resumed, save
from synthmix.generators.flow._velocity import VelocityModel, model_of, placed
from synthmix.hardware import autocast, resolve_device, resolve_precision
from synthmix.seeding import derive
from synthmix.store import Artifact
from synthmix.types import ImageSet, Indices, Pixels, Progress

if TYPE_CHECKING:
    from synthmix.generators.flow import Flow

WEIGHTS = "flow.safetensors"
_CHECKPOINT = "checkpoint.pt"
_CHECKPOINTS = 20
_GAUSSIAN_VALUES = 50_000_000  # pixels the Gaussians are fitted on: 200 MB as float32
_WARMUP_STEPS = 100
_LARGEST_GRADIENT = 1.0


def fit(
    settings: "Flow", real: ImageSet, *, seed: int, artifact: Artifact, progress: Progress
) -> None:
    """Fit a flow on real images, going on from a checkpoint where `artifact` holds one."""
    if artifact.has(WEIGHTS):
        return
    found = resumed(lambda: Fit(settings, real, seed), Fit.load, artifact, _CHECKPOINT)
    every = max(settings.fit_steps // _CHECKPOINTS, 1)
    while found.step < settings.fit_steps:
        found.advance()
        progress(found.step, settings.fit_steps)
        if found.step % every == 0:
            save(found.save, artifact, _CHECKPOINT)
    with artifact.part(WEIGHTS) as path:
        save_file(found.weights(), path)


class Fit:
    """A fit between two steps; all randomness of a step belongs to its number."""

    def __init__(self, settings: "Flow", real: ImageSet, seed: int) -> None:
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
            model = model_of(self.settings, self.real.num_classes, self.real.image_size)
        random = self._random("flow: gaussians")
        images_NCHW, labels_N = self._gaussian_sample(random)
        model.gaussian.fit(images_NCHW, labels_N, random)
        return placed(model, self.device, self.precision)

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


def _learning_rate_at(step: int, settings: "Flow") -> float:
    rising = min((step + 1) / _WARMUP_STEPS, 1.0)
    falling = 0.5 * (1 + math.cos(math.pi * step / settings.fit_steps))
    return settings.learning_rate * rising * falling


def _to_values(pixels: Pixels) -> Tensor:
    """Return uint8 images `[N, H, W, C]` as float32 `[N, C, H, W]` in [-1, 1]."""
    images_NHWC = torch.from_numpy(np.ascontiguousarray(pixels))
    return images_NHWC.permute(0, 3, 1, 2).float() / 127.5 - 1
