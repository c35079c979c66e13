"""What a study's numbers rest on besides its logits: arms, labels, and which files hold what.

A `Basis` is enough to judge arms, finished or not; a `Record` is all of it, for a finished study.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from synthmix.arms import Contrasts
from synthmix.errors import ArtifactError
from synthmix.evaluation.adaptive import Adaptive
from synthmix.store import Artifact, stored_artifact
from synthmix.types import Json, Labels

LOGITS = "logits.npy"
VALIDATION = "validation_logits.npy"

RUNS = "runs"
PREDICTIONS = "predictions"


def _nothing(seeds: Mapping[str, int]) -> dict[str, str]:
    return {}


@dataclass(frozen=True, eq=False)
class Basis:
    """What arms are judged on.

    `labels` `[N]` are those of the test images, `validation_labels` of the validation split, empty
    where there is none.
    """

    contrasts: Contrasts
    class_names: tuple[str, ...]
    labels: Labels
    validation_labels: Labels
    test_fingerprint: str
    reduced_budget: bool = False
    adaptive: Adaptive | None = None
    seeds: int = 0
    """Seeds of every arm where none are added."""

    hypotheses: tuple[str, ...] = ()
    seen_rows: Sequence[int] = ()
    """Test images to be left out, since they are training images."""

    spoiled: Callable[[Mapping[str, int]], Mapping[str, str]] = _nothing
    """Why arms cannot be judged, by arm, at so many seeds of each: they saw their test images."""


@dataclass(frozen=True, eq=False)
class ArmRecord:
    """What an arm was trained on, and where its runs lie, a seed each."""

    num_real: int
    num_synthetic: int
    per_class_real: Sequence[int]
    per_class_synthetic: Sequence[int]
    runs: Sequence[str] = ()
    """Names of the runs' artifacts."""


@dataclass(frozen=True, eq=False)
class CollectionRecord:
    """Images besides the test set that finished runs predict: what they are, and who did.

    `facts` are what results say of them; `rows` are those of the test set that corrupted images
    come from.
    """

    kind: str
    """`test set`, `corruptions` or `mirror`."""

    name: str
    labels: Labels
    artifacts: Mapping[str, Sequence[str]]
    """Names of the artifacts of predictions, by arm, a seed each."""

    facts: Mapping[str, Json] = field(default_factory=dict)
    rows: Labels | None = None
    run: int = 0
    """Seed whose images these are, where each has its own."""


@dataclass(frozen=True, eq=False)
class Record:
    """All that the numbers of a finished study rest on, besides the logits in its folder."""

    folder: Path
    basis: Basis
    arms: Mapping[str, ArmRecord]
    collections: Sequence[CollectionRecord]
    head: Mapping[str, Json]
    """What results say of the study itself."""

    notes: Sequence[str]
    duplicates: Mapping[str, Json]
    prompts: Mapping[str, Json]
    mirror: int
    """Synthetic images a set and seed that real-only classifiers predict at most."""

    sets: Sequence[str]
    """Names of the synthetic sets."""

    def run(self, name: str) -> Artifact:
        """Return a run's artifact by its folder's name."""
        return stored_artifact(self.folder / RUNS / name)

    def prediction(self, name: str) -> Artifact:
        """Return an artifact of predictions by its folder's name."""
        return stored_artifact(self.folder / PREDICTIONS / name)

    @property
    def real(self) -> str:
        """Name of the arm of real images alone."""
        return self.basis.contrasts.real.name

    @property
    def num_seeds(self) -> dict[str, int]:
        """How many runs each arm has."""
        return {name: len(arm.runs) for name, arm in self.arms.items()}


Logits = NDArray[np.float32]


def logits_in(artifact: Artifact, part: str) -> Logits:
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
    found: Logits = np.load(artifact.path / part, allow_pickle=False)
    return found


def classes_in(artifact: Artifact, part: str) -> Labels:
    """Return the most probable class of each image `[N]` whose logits are stored."""
    found: Labels = logits_in(artifact, part).argmax(axis=1).astype(np.int64)
    return found


def validation_in(artifact: Artifact) -> Labels | None:
    """Return the predicted classes of the validation split; None where the study has none."""
    return classes_in(artifact, VALIDATION) if VALIDATION in artifact.records() else None


def logits_of(artifact: Artifact, file: str, found: CollectionRecord) -> Logits:
    """Return stored logits `[V, N, K]`; raises ArtifactError where they are not all there."""
    logits = logits_in(artifact, file)
    if logits.shape[1] != len(found.labels):
        raise ArtifactError(
            f"{artifact.path.name} holds {logits.shape[1]} predictions for "
            f"{len(found.labels)} images."
        )
    return logits


def file_of(kind: str) -> str:
    """Return the name of the file that holds the logits of a kind of corruption."""
    return f"{kind}.npy"
