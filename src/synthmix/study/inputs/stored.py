"""What a study has on disk already: the runs that can be named, and what they predicted."""

from synthmix.analyses.predicted import Found
from synthmix.analyses.record import LOGITS, VALIDATION, classes_in, validation_in
from synthmix.errors import ArtifactError, DataError
from synthmix.mixing import Arm
from synthmix.store import Artifact
from synthmix.study.inputs.workspace import Workspace


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
    return classes_in(artifact, LOGITS), validation_in(artifact)
