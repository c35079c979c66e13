"""What work costs here: seconds a unit and bytes, remembered from earlier tasks or measured."""

import math
import platform
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import ArtifactError, DiskFull
from synthmix.hardware import determinism, device_name
from synthmix.store import cache_folder, fingerprint, read_json, write_json
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import stage_named
from synthmix.training.recipe import Recipe
from synthmix.types import ImageSet, Mixture

MEASURED_STEPS = 3
MEASURED_IMAGES = 64
MEASURED_BATCH = 512
"""Images of a measured step at most; a larger one takes longer in proportion."""


@dataclass(frozen=True)
class Speed:
    """Seconds of one optimiser step, and of predicting one image."""

    step: float
    image: float

    def of_run(self, steps: int, images: int) -> float:
        """Return the seconds of a run that predicts so many images after its last step."""
        return self.step * steps + self.image * images


def known_seconds(workspace: Workspace, stage: str, target: str) -> float | None:
    """Return the seconds a unit of this stage took here before, None where it never ran."""
    found = _speeds().get(_key(workspace, stage, target))
    return found if isinstance(found, float) and 0 <= found < math.inf else None


def remember(workspace: Workspace, stage: str, target: str, seconds_per_unit: float) -> None:
    """Keep the seconds a unit took, for the next plan."""
    _keep(_key(workspace, stage, target), round(float(seconds_per_unit), 6))


def _keep(key: str, value: float) -> None:
    with suppress(OSError, DiskFull):  # an estimate is no reason to stop a study
        write_json(_path(), {**_speeds(), key: value})


def _path() -> Path:
    return cache_folder() / "speeds.json"


def _speeds() -> dict[str, Any]:
    try:
        found = read_json(_path())
    except (OSError, ArtifactError):
        return {}
    return found if isinstance(found, dict) else {}


def known_bytes(workspace: Workspace, target: str) -> int | None:
    """Return the bytes that a generator fitted for this set took here before."""
    found = _speeds().get(f"bytes-{_key(workspace, 'fit', target)}")
    return found if isinstance(found, int) and found >= 0 else None


def remember_bytes(workspace: Workspace, target: str, num_bytes: int) -> None:
    """Keep the bytes of a fitted generator, for the next plan."""
    _keep(f"bytes-{_key(workspace, 'fit', target)}", num_bytes)


def _key(workspace: Workspace, stage: str, target: str) -> str:
    """Return what stands for this work: equal keys mean equal images, settings and machine."""
    study = workspace.study
    images = [study.resolved()["real"], study.image_size]
    machine = [platform.processor(), device_name(workspace.machine()["device"])]
    what = stage_named(stage).depends_on(workspace, target)
    return f"{stage}-{fingerprint([machine, images, what])}"


def measured_speed(workspace: Workspace) -> Speed:
    """Return how fast this machine trains and predicts, from a little of both on noise."""
    from synthmix.training.loop import Trainer

    asked = workspace.study.recipe
    # whole images, so an upper bound where the early steps see windows
    batch_size = min(asked.batch_size, MEASURED_BATCH)
    recipe = replace(asked, batch_size=batch_size, early_window=None)
    with determinism(recipe.threads, deterministic=recipe.deterministic):
        mixture, images = _noise(workspace, recipe.batch_size)
        trainer = Trainer(recipe, mixture, images, {}, seed=0)
        started = time.perf_counter()
        for state in trainer.steps():
            if state.step == 1:
                started = time.perf_counter()  # the first step also plans its kernels
            if state.step > MEASURED_STEPS:
                break
        trained = time.perf_counter()
        pixels = np.resize(images.pixels, (MEASURED_IMAGES, *images.pixels.shape[1:]))
        trainer.predict(pixels)
        predicted = time.perf_counter()
    step = (trained - started) / MEASURED_STEPS * asked.batch_size / recipe.batch_size
    return Speed(step, (predicted - trained) / MEASURED_IMAGES)


def model_bytes(workspace: Workspace) -> int:
    """Return the bytes of a run's stored weights; raises SettingError for an unknown model."""
    import torch

    from synthmix.training.models import build_model

    name, num_classes = workspace.study.recipe.model, len(workspace.class_names)
    with torch.random.fork_rng(devices=[]):
        model = build_model(name, num_classes, workspace.image_size)
    return sum(each.numel() * each.element_size() for each in model.state_dict().values())


def checkpoint_bytes(weights: int, recipe: Recipe) -> int:
    """Return the bytes of a run's checkpoint: weights, their momentum and their average."""
    return weights * (3 if recipe.ema_decay else 2)


def _noise(workspace: Workspace, count: int) -> tuple[Mixture, ImageSet]:
    size, names = workspace.image_size, workspace.class_names
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    images = ImageSet(pixels, np.arange(count) % len(names), names, "noise")
    return Mixture("noise", 0.0, 0, np.arange(count)), images
