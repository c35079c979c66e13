"""What work costs on this machine: seconds a unit, remembered from earlier tasks or measured."""

import platform
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import ArtifactError, DiskFull
from synthmix.store import cache_folder, fingerprint, read_json, write_json
from synthmix.study.file import Study, component_settings
from synthmix.study.workspace import Workspace
from synthmix.types import ImageSet, Mixture

MEASURED_STEPS = 3


def known_seconds(study: Study, stage: str, target: str) -> float | None:
    """Return the seconds a unit of this stage took here before, None where it never ran."""
    found = _speeds().get(_key(study, stage, target))
    return found if isinstance(found, float) else None


def remember(study: Study, stage: str, target: str, seconds_per_unit: float) -> None:
    """Keep the seconds a unit took, for the next plan."""
    speeds = {**_speeds(), _key(study, stage, target): round(float(seconds_per_unit), 6)}
    with suppress(OSError, DiskFull):  # an estimate is no reason to stop a study
        write_json(_path(), speeds)


def _path() -> Path:
    return cache_folder() / "speeds.json"


def _speeds() -> dict[str, Any]:
    try:
        found = read_json(_path())
    except (OSError, ArtifactError):
        return {}
    return found if isinstance(found, dict) else {}


def _key(study: Study, stage: str, target: str) -> str:
    what: Any = study.resolved()["training"]
    if stage != "train":
        generator = study.set_named(target).generator
        assert generator is not None
        what = component_settings(generator)
    return f"{stage}-{fingerprint([platform.processor(), study.image_size, what])}"


def measured_seconds(workspace: Workspace) -> float:
    """Return the seconds of one optimiser step, from a few on noise of the study's shape."""
    from synthmix.hardware import determinism
    from synthmix.training.loop import Trainer

    recipe = workspace.study.recipe
    with determinism(recipe.threads, deterministic=recipe.deterministic):
        trainer = Trainer(recipe, *_noise(workspace), {}, seed=0)
        started = time.perf_counter()
        for state in trainer.steps():
            if state.step == 1:
                started = time.perf_counter()  # the first step also plans its kernels
            if state.step > MEASURED_STEPS:
                break
    return (time.perf_counter() - started) / MEASURED_STEPS


def _noise(workspace: Workspace) -> tuple[Mixture, ImageSet]:
    size, names = workspace.image_size, workspace.class_names
    random = np.random.default_rng(0)
    count = workspace.study.recipe.batch_size
    pixels = random.integers(0, 256, (count, size, size, 3), dtype=np.uint8)
    images = ImageSet(pixels, np.arange(count) % len(names), names, "noise")
    return Mixture("noise", 0.0, 0, np.arange(count)), images
