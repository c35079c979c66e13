"""What a study has on disk already: the runs that can be named, and what they predicted."""

import numpy as np

from synthmix.errors import ArtifactError, DataError
from synthmix.mixing import Arm
from synthmix.store import Artifact
from synthmix.study.workspace import Workspace
from synthmix.types import Labels

Found = tuple[Labels, Labels | None]
"""Predicted classes of the test images, and of the validation split where there is one."""


def run_artifact(workspace: Workspace, arm: Arm, run: int, sets: list[str]) -> Artifact | None:
    """Return a run's artifact, None while a set it trains on is missing or cannot be read."""
    if not all(workspace.has_set(workspace.study.set_named(name), run) for name in sets):
        return None
    try:
        return workspace.run_artifact(arm, run)
    except (DataError, ArtifactError):
        # a damaged set is found by its checksums and made anew before the runs are planned again
        if all(workspace.study.set_named(name).generator is None for name in sets):
            raise
        return None


def predicted(workspace: Workspace, arm: Arm, run: int) -> Found | None:
    """Return what a finished run predicted; None where it is missing or its bytes have changed."""
    artifact = run_artifact(workspace, arm, run, list(workspace.mixture(arm, run).synthetic))
    if artifact is None or not artifact.is_complete:
        return None
    parts = [name for name in artifact.records() if name.endswith("logits.npy")]
    if "logits.npy" not in parts or not all(map(artifact.is_sound, parts)):
        return None
    return classes(artifact, "logits.npy"), validation(artifact)


def validation(artifact: Artifact) -> Labels | None:
    """Return the predicted classes of the validation split; None where the study has none."""
    name = "validation_logits.npy"
    return classes(artifact, name) if (artifact.path / name).exists() else None


def classes(artifact: Artifact, part: str) -> Labels:
    """Return the most probable class of each image `[N]` whose logits are stored."""
    logits = np.load(artifact.path / part, allow_pickle=False)
    found: Labels = logits.argmax(axis=1).astype(np.int64)
    return found
