"""Images besides the test set that finished runs predict: test sets, corruptions, synthetic ones.

A collection knows what its images are before it makes any of them. Each of its files holds the
logits `[V, N, K]` of V versions of the same N images.
"""

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.metadata import version

import numpy as np

from synthmix.analyses.record import LOGITS, PREDICTIONS, file_of
from synthmix.data import ImageSource, Split
from synthmix.errors import DataError, NoSuchSplit
from synthmix.evaluation.corruptions import SEVERITIES, Corruption
from synthmix.images import mark, per_class_rows, stratified_rows, take
from synthmix.mixing import Arm
from synthmix.store import Artifact
from synthmix.study.config.file import component_identity
from synthmix.study.inputs.corrupted import corrupted
from synthmix.study.inputs.workspace import Workspace
from synthmix.types import ImageSet, Indices, Json, Labels, Pixels

EVALUATED = (None, "real-part", "half-steps")
"""Controls whose runs predict them: none, and those that a mix may be compared with."""


@dataclass(frozen=True, eq=False)
class Collection(ABC):
    """Some images that a run predicts after its end; `key` names them within the study."""

    workspace: Workspace
    key: str

    packages: tuple[str, ...] = ()
    """Distributions whose versions the images may depend on."""

    @property
    @abstractmethod
    def num_predictions(self) -> int:
        """Images times versions of each."""

    @property
    @abstractmethod
    def labels(self) -> Labels:
        """True classes `[N]`."""

    @abstractmethod
    def identity(self) -> Json:
        """Return what the images are, for a fingerprint; needs a synthetic set to be finished."""

    @abstractmethod
    def files(self) -> Mapping[str, Iterator[Pixels]]:
        """Return the versions `[N, H, W, 3]` of the images by the file of their logits, unread."""

    @property
    def folder(self) -> str:
        """The key as part of a folder's name."""
        return self.key.replace("/", "-")

    def versions(self) -> dict[str, str]:
        """Return the versions of the packages that make the images."""
        return {name: version(name) for name in self.packages}


@dataclass(frozen=True, eq=False)
class TestSet(Collection):
    """A test set that the study names."""

    @property
    def name(self) -> str:
        """Its name in the study."""
        return self.key.partition("/")[2]

    @cached_property
    def images(self) -> ImageSet:
        """All its images, at the study's size, numbered as the study's classes."""
        return named_test_set(self.workspace, self.name)

    @property
    def num_predictions(self) -> int:
        return len(self.images)

    @property
    def labels(self) -> Labels:
        return self.images.labels

    def identity(self) -> Json:
        return {"fingerprint": self.images.fingerprint}

    def files(self) -> Mapping[str, Iterator[Pixels]]:
        return {LOGITS: iter([self.images.pixels])}


@dataclass(frozen=True, eq=False)
class Corruptions(Collection):
    """Corrupted images of the study's own test set, a file a kind and a version a severity."""

    @cached_property
    def rows(self) -> Indices:
        """Rows of the test set: stratified, by the study seed alone."""
        test, study = self.workspace.test, self.workspace.study
        total = min(study.evaluation.num_images, len(test))
        return stratified_rows(test.labels, test.num_classes, total, study.seed, "corruptions")

    @property
    def num_predictions(self) -> int:
        return len(self.rows) * len(self.workspace.study.evaluation.corruptions) * SEVERITIES

    @property
    def labels(self) -> Labels:
        return self.workspace.test.labels[self.rows]

    def identity(self) -> Json:
        kinds = self.workspace.study.evaluation.corruptions
        return {
            "fingerprint": self.workspace.test.fingerprint,
            "rows": mark(self.rows),
            "corruptions": {name: component_identity(kind) for name, kind in kinds.items()},
            "seed": self.workspace.study.seed,
        }

    def files(self) -> Mapping[str, Iterator[Pixels]]:
        kinds = self.workspace.study.evaluation.corruptions
        return {file_of(name): self._versions(kind) for name, kind in kinds.items()}

    def _versions(self, kind: Corruption) -> Iterator[Pixels]:
        yield from corrupted(kind, self.workspace.test, self.rows, self.workspace.study.seed)


@dataclass(frozen=True, eq=False)
class Mirror(Collection):
    """Images of a synthetic set that the arms of one seed train on."""

    run: int = 0

    @property
    def name(self) -> str:
        """The set's name."""
        return self.key.partition("/")[2]

    @cached_property
    def rows(self) -> Indices:
        """Rows of the set: of those that this seed's arms draw, stratified, by the study seed."""
        workspace, study = self.workspace, self.workspace.study
        drawn = [
            workspace.mixture(arm, self.run).synthetic[self.name]
            for arm in workspace.arms()
            if self.name in arm.sources and arm.control is None
        ]
        rows = np.unique(np.concatenate(drawn))
        labels = workspace.supply(self.run).synthetic[self.name][rows]
        total = min(study.evaluation.mirror, len(rows))
        purpose = f"mirror {self.name} {self.run}"
        num_classes = len(workspace.class_names)
        return rows[stratified_rows(labels, num_classes, total, study.seed, purpose)]

    @property
    def num_predictions(self) -> int:
        return len(self.rows)

    @property
    def labels(self) -> Labels:
        return self.workspace.supply(self.run).synthetic[self.name][self.rows]

    def identity(self) -> Json:
        images = self.workspace.synthetic(self.name, self.run)
        return {"fingerprint": images.fingerprint, "rows": mark(self.rows)}

    def files(self) -> Mapping[str, Iterator[Pixels]]:
        def one() -> Iterator[Pixels]:
            yield self.workspace.synthetic(self.name, self.run).pixels[self.rows]

        return {LOGITS: one()}


def collections(workspace: Workspace, arm: Arm, run: int) -> list[Collection]:
    """List what the run of this arm at this seed predicts besides the test set."""
    if arm.control not in EVALUATED:
        return []
    asked = workspace.study.evaluation
    found: list[Collection] = [
        TestSet(workspace, f"test-set/{name}") for name in sorted(asked.test_sets)
    ]
    if asked.corruptions:
        needed = {name for kind in asked.corruptions.values() for name in kind.packages}
        found.append(Corruptions(workspace, "corruptions", tuple(sorted(needed))))
    if arm.name == "real" and asked.mirror:
        sources = {name for each in workspace.arms() for name in each.sources}
        names = [each.name for each in workspace.study.synthetic if each.name in sources]
        found += [Mirror(workspace, f"mirror/{name}", run=run) for name in names]
    return found


@cache
def named_test_set(workspace: Workspace, name: str) -> ImageSet:
    """Return a named test set at the study's size, classes matched by name.

    It is the source's test split, or all images of a source that has no such split. Raises
    DataError, naming the set, where something is wrong with it.
    """
    where = f"evaluation.test_sets.{name}"
    asked = workspace.study.evaluation.test_sets[name]
    source = dataclasses.replace(asked, per_class=None)
    try:
        split = split_of(source)
    except DataError as error:
        raise DataError(f"{where}: {error}") from error
    images = workspace.open(source, split, workspace.image_size, where)
    images = workspace.renumbered(images, where)
    if asked.per_class is None:
        return images
    names, labels = images.class_names, images.labels
    return take(images, per_class_rows(labels, names, asked.per_class, asked.seed, where=where))


def split_of(source: ImageSource) -> Split:
    """Return which split of a named source is taken: its test split, else all that it has."""
    try:
        source.list("test")
    except NoSuchSplit:
        return "train"
    return "test"


def artifact_of(workspace: Workspace, run: Artifact, found: Collection) -> Artifact:
    """Return where a run's predictions of a collection lie; device and threads are the run's."""
    settings = {"kind": "predictions", "run": run.fingerprint, "images": found.identity()}
    return Artifact(workspace.study.output / PREDICTIONS, f"{run.name}-{found.folder}", settings)
