"""Predictions of finished runs on images besides the test set: an artifact a run and collection."""

import numpy as np
from numpy.typing import NDArray

from synthmix.errors import ArtifactError, DataError
from synthmix.mixing import Arm
from synthmix.store import Artifact
from synthmix.study.extra_images import Collection, collections
from synthmix.study.stored import logits_in
from synthmix.study.tasks import Task, at_work, workspace_of
from synthmix.study.workspace import Workspace
from synthmix.training.loop import predict as logits_of
from synthmix.training.weights import load_classifier


def predict(task: Task) -> list[str]:
    """Store a finished run's logits of one collection; returns what was found damaged."""
    workspace = workspace_of(task.study)
    arm = {each.name: each for each in workspace.arms()}[task.target]
    found = {each.key: each for each in collections(workspace, arm, task.run)}[task.on]
    source = workspace.run_artifact(arm, task.run)
    artifact = artifact_of(workspace, source, found)
    recipe = workspace.recipe(arm)
    with at_work(artifact, task.study, deterministic=recipe.deterministic) as damaged:
        if not artifact.is_complete:
            _predict(workspace, arm, source, found, artifact)
    return damaged


def artifact_of(workspace: Workspace, run: Artifact, found: Collection) -> Artifact:
    """Return where a run's predictions of a collection lie; device and threads are the run's."""
    settings = {"kind": "predictions", "run": run.fingerprint, "images": found.identity()}
    return Artifact(workspace.study.output / "predictions", f"{run.name}-{found.folder}", settings)


def stored(artifact: Artifact, file: str, found: Collection) -> NDArray[np.float32]:
    """Return stored logits `[V, N, K]`; raises ArtifactError where they are not all there."""
    logits = logits_in(artifact, file)
    if logits.shape[1] != len(found.labels):
        raise ArtifactError(
            f"{artifact.path.name} holds {logits.shape[1]} predictions for "
            f"{len(found.labels)} images."
        )
    return logits


def _predict(
    workspace: Workspace, arm: Arm, source: Artifact, found: Collection, artifact: Artifact
) -> None:
    if not source.is_complete:
        raise ArtifactError(
            f"The run {source.path.name} is not finished; finish it with `synthmix run STUDY`."
        )
    names, size = workspace.class_names, workspace.image_size
    weights = source.path / "weights.safetensors"
    model = load_classifier(weights, workspace.placed_recipe(arm), len(names), size)
    machine = workspace.machine()
    files = found.files()
    for number, (file, versions) in enumerate(files.items()):
        artifact.report(number * found.num_predictions // len(files), found.num_predictions)
        if artifact.has(file):
            continue
        logits = np.stack(
            [logits_of(model, each, machine["device"], machine["precision"]) for each in versions]
        )
        if not np.isfinite(logits).all():
            raise DataError(f"{source.path.name}: its logits of {found.key} are not finite.")
        with artifact.part(file) as path, path.open("wb") as opened:
            np.save(opened, logits)
    artifact.seal(on=found.key, num_images=len(found.labels), versions=found.versions())
