"""The tasks an engine maps: fit a generator, generate a set, train a run; each leaves artifacts."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from synthmix.checkpoints import resumed, save
from synthmix.errors import ArtifactError, SettingError
from synthmix.generators import Generator
from synthmix.hardware import determinism
from synthmix.ledger import held
from synthmix.mixing import Arm
from synthmix.resident import release
from synthmix.shards import Form, load_prompts, repair, requests, save_prompts, write_set
from synthmix.store import Artifact, canonical, read_json, write_json
from synthmix.study import concerns, versions
from synthmix.study.card import set_card
from synthmix.study.file import Study, SyntheticSet
from synthmix.study.stored import LOGITS, VALIDATION
from synthmix.study.workspace import SHARD_SIZE, Workspace
from synthmix.training.loop import Trainer
from synthmix.training.weights import save_weights
from synthmix.types import Pixels, Prompt, Request

CHECKPOINT_SECONDS = 30.0


@dataclass(frozen=True)
class Task:
    """One unit of work at one run seed: a set to fit or generate, an arm to train or to predict."""

    study: Study
    target: str
    run: int

    on: str = ""
    """What a finished run predicts besides the test set; empty for other work."""

    @property
    def label(self) -> str:
        """The target, and what it predicts where it does."""
        return f"{self.target} on {self.on}" if self.on else self.target


_WORKSPACES: dict[str, Workspace] = {}


def workspace_of(study: Study) -> Workspace:
    """Return this process's workspace for a study, opened once."""
    opened = {where: taken.fingerprint for where, taken in study.opened.items()}
    key = canonical([study.fingerprint, str(study.output), study.machines, opened])
    return _WORKSPACES.setdefault(key, Workspace(study))


def fit(task: Task) -> list[str]:
    """Fit a generator on its seed's real pool; returns what was found damaged."""
    workspace = workspace_of(task.study)
    each = task.study.set_named(task.target)
    artifact = workspace.fit_artifact(each, task.run)
    with at_work(artifact, task.study) as damaged:
        if not artifact.is_complete:
            _fit(workspace, each, task.run, artifact)
    return damaged


def _fit(workspace: Workspace, each: SyntheticSet, run: int, artifact: Artifact) -> None:
    pool = workspace.pool(run)
    seed = artifact.settings["seed"]
    workspace.generator(each).fit(pool, seed=seed, artifact=artifact, progress=artifact.report)
    artifact.seal(
        fitted_on=f"{len(pool)} real training images of run seed {run}; never validation or test",
        real_per_class=dict(zip(pool.class_names, pool.per_class(), strict=True)),
    )


def generate(task: Task) -> list[str]:
    """Write a synthetic set, shard by shard; returns what was found damaged."""
    workspace = workspace_of(task.study)
    each = task.study.set_named(task.target)
    artifact = workspace.synthetic_artifact(each, task.run)
    with at_work(artifact, task.study) as damaged:
        _generate(workspace, each, task.run, artifact)
    return damaged


def _generate(workspace: Workspace, each: SyntheticSet, run: int, artifact: Artifact) -> None:
    generator, per_class = workspace.generator(each), each.per_class
    assert per_class is not None
    fitted = workspace.fit_artifact(each, run).path if each.is_fitted else None
    names, size = workspace.class_names, workspace.image_size
    prompts = prompts_of(workspace, each)
    if prompts is not None:
        concerns.of_prompts(each, workspace.spoken_names, prompts)
    wanted_images = requests(names, per_class, workspace.image_seed(each, run), prompts)
    settled = generator.settled(artifact)

    def images(wanted: Sequence[Request]) -> Iterator[Pixels]:
        return settled.generate(wanted, class_names=names, image_size=size, fitted=fitted)

    write_set(
        artifact,
        _with_cuts(wanted_images, generator),
        images,
        class_names=names,
        shard_size=SHARD_SIZE,
        form=Form(size, workspace.study.resize, each.keep_original),
        attempts=each.attempts,
        card=set_card(workspace, each, run, prompts or []),
        facts={
            "terms": generator.terms,
            "prompts_with": concerns.counts(
                concerns.findings(each, workspace.spoken_names, prompts or [])
            ),
        },
        progress=artifact.report,
    )


def _with_cuts(wanted: list[Request], generator: Generator) -> list[Request]:
    """Return the requests with what their prompts lose at a text encoder's limit."""
    encoders = generator.text_encoders()
    texts = {each.prompt for each in wanted if each.prompt}
    cuts = {text: next(filter(None, (e.cut(text) for e in encoders)), None) for text in texts}
    return [replace(each, cut=cuts.get(each.prompt or "")) for each in wanted]


def prompts_of(workspace: Workspace, each: SyntheticSet) -> list[Prompt] | None:
    """Return a set's prompts, written once and replayed from then on."""
    if each.prompts is None or each.per_class is None:
        return None
    artifact = workspace.prompts_artifact(each)
    with artifact.locked():
        if artifact.path.exists():
            repair(artifact)
        _write(workspace, each, artifact)
    return list(load_prompts(artifact))


def write(task: Task) -> list[str]:
    """Write a set's costly prompts; returns what was found damaged."""
    workspace = workspace_of(task.study)
    each = task.study.set_named(task.target)
    artifact = workspace.prompts_artifact(each)
    with at_work(artifact, task.study) as damaged:
        _write(workspace, each, artifact)
    return damaged


def _write(workspace: Workspace, each: SyntheticSet, artifact: Artifact) -> None:
    if artifact.is_complete:
        return
    assert each.prompts is not None
    assert each.per_class is not None
    names, seed = workspace.names_for(each.prompts), artifact.settings["seed"]
    if not each.prompts.is_costly:
        save_prompts(artifact, list(each.prompts.write(names, each.per_class, seed=seed)))
        return
    start = each.prompts.subjects_from
    subjects = prompts_of(workspace, workspace.study.set_named(start)) if start else None
    # a set of another size has an artifact, and so a lock, of its own, but shares the ledger
    with held(workspace.ledger_path(each)):
        written = each.prompts.resume(
            names,
            each.per_class,
            seed=seed,
            ledger=workspace.prompts_ledger(each),
            subjects=subjects or (),
            progress=artifact.report,
        )
        prompts = list(written)
    save_prompts(artifact, prompts, told=each.prompts.told(prompts))


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


@contextmanager
def at_work(artifact: Artifact, study: Study, *, deterministic: bool = True) -> Iterator[list[str]]:
    """Hold the artifact, set damaged parts aside, fix the threads, and keep the time it took."""
    with artifact.locked(), determinism(study.recipe.threads, deterministic=deterministic):
        if artifact.path.exists():
            repair(artifact)
        artifact.begin()
        was_complete = artifact.is_complete
        damaged: list[str] = []
        yield damaged
        damaged += [f"{artifact.path / each}" for each in artifact.found_damaged]
        if not was_complete:
            _add_time(artifact, artifact.spent())


def _add_time(artifact: Artifact, seconds: float) -> None:
    before = seconds_of(artifact.path) or 0.0
    write_json(artifact.path / "timing.json", {"seconds": round(before + seconds, 3)})


def seconds_of(folder: Path) -> float | None:
    """Return the seconds an artifact took; None where they are not known or cannot be read."""
    try:
        return float(read_json(folder / "timing.json")["seconds"])
    except (OSError, ArtifactError, KeyError, TypeError, ValueError):
        return None  # a duration is no result: nothing stops without it


TASKS: dict[str, Callable[[Task], list[str]]] = {
    "write": write,
    "fit": fit,
    "generate": generate,
    "train": train,
}
