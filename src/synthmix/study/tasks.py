"""The tasks an engine maps: fit a generator, generate a set, train a run; each leaves artifacts."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from synthmix.errors import SettingError
from synthmix.hardware import determinism
from synthmix.mixing import Arm
from synthmix.shards import load_prompts, repair, requests, save_prompts, write_set
from synthmix.store import Artifact, canonical, read_json, write_json
from synthmix.study.card import set_card
from synthmix.study.file import Study, SyntheticSet
from synthmix.study.workspace import SHARD_SIZE, Workspace
from synthmix.training.loop import Trainer
from synthmix.training.weights import save_weights
from synthmix.types import Pixels, Prompt, Request

CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Task:
    """One unit of work: a set to fit or generate, or an arm to train, at one run seed."""

    study: Study
    target: str
    run: int


_WORKSPACES: dict[str, Workspace] = {}


def workspace_of(study: Study) -> Workspace:
    """Return this process's workspace for a study, opened once."""
    return _WORKSPACES.setdefault(study.fingerprint, Workspace(study))


def fit(task: Task) -> list[str]:
    """Fit a generator on its seed's real pool; returns what was found damaged."""
    workspace = workspace_of(task.study)
    each = task.study.set_named(task.target)
    artifact = workspace.fit_artifact(each, task.run)
    with _at_work(artifact, task.study) as damaged:
        if not artifact.is_complete:
            _fit(workspace, each, task.run, artifact)
    return damaged


def _fit(workspace: Workspace, each: SyntheticSet, run: int, artifact: Artifact) -> None:
    assert each.generator is not None
    pool = workspace.pool(run)
    seed = artifact.settings["seed"]
    each.generator.fit(pool, seed=seed, artifact=artifact, progress=artifact.report)
    artifact.seal(
        fitted_on=f"{len(pool)} real training images of run seed {run}; never validation or test",
        real_per_class=dict(zip(pool.class_names, pool.per_class(), strict=True)),
    )


def generate(task: Task) -> list[str]:
    """Write a synthetic set, shard by shard; returns what was found damaged."""
    workspace = workspace_of(task.study)
    each = task.study.set_named(task.target)
    artifact = workspace.synthetic_artifact(each, task.run)
    with _at_work(artifact, task.study) as damaged:
        _generate(workspace, each, task.run, artifact)
    return damaged


def _generate(workspace: Workspace, each: SyntheticSet, run: int, artifact: Artifact) -> None:
    generator, per_class = each.generator, each.per_class
    assert generator is not None
    assert per_class is not None
    fitted = workspace.fit_artifact(each, run).path if each.is_fitted else None
    names, size = workspace.class_names, workspace.image_size

    def images(wanted: Sequence[Request]) -> Iterator[Pixels]:
        return generator.generate(wanted, class_names=names, image_size=size, fitted=fitted)

    write_set(
        artifact,
        requests(names, per_class, workspace.image_seed(each, run), prompts_of(workspace, each)),
        images,
        class_names=names,
        shard_size=SHARD_SIZE,
        card=set_card(workspace, each, run),
        facts={"terms": generator.terms},
        progress=artifact.report,
    )


def prompts_of(workspace: Workspace, each: SyntheticSet) -> list[Prompt] | None:
    """Return a set's prompts, written once and replayed from then on."""
    if each.prompts is None or each.per_class is None:
        return None
    artifact = workspace.prompts_artifact(each)
    with artifact.locked():
        if not artifact.is_complete:
            seed = artifact.settings["seed"]
            written = each.prompts.write(workspace.class_names, each.per_class, seed=seed)
            save_prompts(artifact, list(written))
    return list(load_prompts(artifact))


def train(task: Task) -> list[str]:
    """Train one arm at one seed and store its predictions; returns what was found damaged."""
    workspace = workspace_of(task.study)
    arm = {each.name: each for each in workspace.arms()}[task.target]
    artifact = workspace.run_artifact(arm, task.run)
    with _at_work(artifact, task.study) as damaged:
        if not artifact.is_complete:
            _train(workspace, arm, task.run, artifact)
    return damaged


def _train(workspace: Workspace, arm: Arm, run: int, artifact: Artifact) -> None:
    mixture = workspace.mixture(arm, run)
    sets = {name: workspace.synthetic(name, run) for name in mixture.synthetic}
    seed = artifact.settings["seed"]
    trainer = Trainer(workspace.study.recipe, mixture, workspace.train, sets, seed=seed)
    _advance(trainer, artifact)
    logits = trainer.predict(workspace.test.pixels)
    if not np.isfinite(logits).all():
        raise _diverged(trainer)
    with artifact.part("logits.npy") as path, path.open("wb") as file:
        np.save(file, logits)
    rows = workspace.validation_rows
    if len(rows):
        with artifact.part("validation_logits.npy") as path, path.open("wb") as file:
            np.save(file, trainer.predict(workspace.train.pixels[rows]))
    with artifact.part("weights.safetensors") as path:
        save_weights(trainer.state.evaluated, path)
    with artifact.part("history.json") as path:
        path.write_text(canonical(trainer.state.history) + "\n", encoding="utf-8")
    artifact.seal(arm=arm.name, num_real=mixture.num_real, num_synthetic=mixture.num_synthetic)


def _advance(trainer: Trainer, artifact: Artifact) -> None:
    """Train to the last step, leaving checkpoints from which a killed run goes on."""
    checkpoint = artifact.scratch("checkpoint.pt")
    if checkpoint.exists():
        trainer.state.load(checkpoint)
    saved = time.monotonic()
    for state in trainer.steps():
        _check_loss(trainer)
        artifact.report(state.step, trainer.recipe.steps)
        if time.monotonic() - saved > CHECKPOINT_SECONDS:
            state.save(checkpoint)
            saved = time.monotonic()


def _check_loss(trainer: Trainer) -> None:
    history = trainer.state.history
    if history and not math.isfinite(history[-1][1]):
        raise _diverged(trainer)


def _diverged(trainer: Trainer) -> SettingError:
    return SettingError(
        f"Training diverged by step {trainer.state.step}, its numbers are no longer finite: lower "
        f"training.learning_rate, which is {trainer.recipe.learning_rate:g}."
    )


@contextmanager
def _at_work(artifact: Artifact, study: Study) -> Iterator[list[str]]:
    """Hold the artifact, set damaged parts aside, fix the threads, and keep the time it took."""
    with (
        artifact.locked(),
        determinism(study.recipe.threads, deterministic=study.recipe.deterministic),
    ):
        damaged = [] if not artifact.path.exists() else repair(artifact)
        started = time.monotonic()
        was_complete = artifact.is_complete
        yield [f"{artifact.path / each}" for each in damaged]
        if not was_complete:
            _add_time(artifact, time.monotonic() - started)


def _add_time(artifact: Artifact, seconds: float) -> None:
    path = artifact.path / "timing.json"
    before: Any = read_json(path) if path.exists() else {"seconds": 0.0}
    write_json(path, {"seconds": round(before["seconds"] + seconds, 3)})


TASKS: dict[str, Callable[[Task], list[str]]] = {"fit": fit, "generate": generate, "train": train}
