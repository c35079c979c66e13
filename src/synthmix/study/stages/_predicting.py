"""How a finished run predicts a collection of images."""

import numpy as np

from synthmix.errors import ArtifactError, DataError
from synthmix.mixing import Arm
from synthmix.store import Artifact
from synthmix.study.inputs.extra_images import Collection, artifact_of, collections
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import Task
from synthmix.study.stages.work import at_work, workspace_of
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
