"""How a run is trained: checkpoints, a loss that stays finite, and what is kept of it."""

import math
import time
from collections.abc import Callable

import numpy as np

from synthmix import versions
from synthmix.analyses.record import LOGITS, VALIDATION
from synthmix.checkpoints import resumed, save
from synthmix.errors import SettingError
from synthmix.mixing import Arm
from synthmix.resident import release
from synthmix.store import Artifact, canonical
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import Task
from synthmix.study.stages.work import at_work, workspace_of
from synthmix.training.loop import Trainer
from synthmix.training.weights import save_weights

CHECKPOINT_SECONDS = 30.0


def train(task: Task) -> list[str]:
    """Train one arm at one seed and store its predictions; returns what was found damaged."""
    workspace = workspace_of(task.study)
    arm = {each.name: each for each in workspace.arms()}[task.target]
    artifact = workspace.run_artifact(arm, task.run)
    recipe = workspace.recipe(arm)
    with at_work(artifact, task.study, deterministic=recipe.deterministic) as damaged:
        if not artifact.is_complete:
            release()  # a generator's weights are needed no more
            _train(workspace, arm, task.run, artifact)
    return damaged


def _train(workspace: Workspace, arm: Arm, run: int, artifact: Artifact) -> None:
    mixture = workspace.mixture(arm, run)
    sets = {name: workspace.synthetic(name, run) for name in mixture.synthetic}
    seed = artifact.settings["seed"]

    def start() -> Trainer:
        return Trainer(workspace.placed_recipe(arm), mixture, workspace.train, sets, seed=seed)

    trainer = _trained(start, artifact)
    logits = trainer.predict(workspace.test.pixels)
    if not np.isfinite(logits).all():
        raise _diverged(trainer)
    with artifact.part(LOGITS) as path, path.open("wb") as file:
        np.save(file, logits)
    rows = workspace.validation_rows
    if len(rows):
        with artifact.part(VALIDATION) as path, path.open("wb") as file:
            np.save(file, trainer.predict(workspace.train.pixels[rows]))
    with artifact.part("weights.safetensors") as path:
        save_weights(trainer.state.evaluated, path)
    with artifact.part("history.json") as path:
        path.write_text(canonical(trainer.state.history) + "\n", encoding="utf-8")
    artifact.seal(
        arm=arm.name,
        num_real=mixture.num_real,
        num_synthetic=mixture.num_synthetic,
        versions=versions.here(trainer.device),
    )


def _trained(start: Callable[[], Trainer], artifact: Artifact) -> Trainer:
    """Train to the last step, leaving checkpoints from which a killed run goes on."""
    # earlier versions had a file of another layout under `checkpoint.pt`
    checkpoint = "state.pt"
    trainer = resumed(start, lambda one, path: one.state.load(path), artifact, checkpoint)
    saved = time.monotonic()
    for state in trainer.steps():
        _check_loss(trainer)
        artifact.report(state.step, trainer.recipe.steps)
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            save(state.save, artifact, checkpoint)
            saved = time.monotonic()
    return trainer


def _check_loss(trainer: Trainer) -> None:
    history = trainer.state.history
    if history and not math.isfinite(history[-1][1]):
        raise _diverged(trainer)


def _diverged(trainer: Trainer) -> SettingError:
    return SettingError(
        f"Training diverged by step {trainer.state.step}, its numbers are no longer finite: lower "
        f"training.learning_rate, which is {trainer.recipe.learning_rate:g}."
    )
