"""What a study has on disk already: the runs that can be named, and what they predicted."""

import numpy as np
from numpy.typing import NDArray

from synthmix.errors import ArtifactError, DataError
from synthmix.mixing import Arm
from synthmix.store import Artifact
from synthmix.study.workspace import Workspace
from synthmix.types import Labels

LOGITS = "logits.npy"
VALIDATION = "validation_logits.npy"

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
    recorded = artifact.records()
    if not all(map(artifact.is_sound, {LOGITS, VALIDATION} & recorded.keys() | {LOGITS})):
        return None
    return classes(artifact, LOGITS), validation(artifact)


def validation(artifact: Artifact) -> Labels | None:
    """Return the predicted classes of the validation split; None where the study has none."""
    return classes(artifact, VALIDATION) if VALIDATION in artifact.records() else None


def classes(artifact: Artifact, part: str) -> Labels:
    """Return the most probable class of each image `[N]` whose logits are stored."""
    found: Labels = logits_in(artifact, part).argmax(axis=1).astype(np.int64)
    return found


def logits_in(artifact: Artifact, part: str) -> NDArray[np.float32]:
    """Return the logits that a finished artifact holds, as they were stored.

    Raises Unfinished where there is more to come, ArtifactError where a file is not the one that
    was sealed.
    """
    artifact.manifest()
    if not artifact.is_sound(part):
        raise ArtifactError(
            f"{artifact.path / part} is missing or not what was stored (its sha256 differs from "
            "the manifest's): `synthmix run` with the same study sets it aside and makes it anew."
        )
    found: NDArray[np.float32] = np.load(artifact.path / part, allow_pickle=False)
    return found
