"""Accuracy and calibration beyond the test set: named test sets, and corruptions by severity."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from synthmix.errors import Unfinished
from synthmix.evaluation.corruptions import SEVERITIES
from synthmix.evaluation.shift import Scored, mean, scored
from synthmix.store import Artifact, canonical
from synthmix.study import leaks
from synthmix.study.extra_images import (
    EVALUATED,
    Collection,
    Corruptions,
    TestSet,
    artifact_of,
    collections,
    file_of,
    stored_logits,
)
from synthmix.study.file import component_settings
from synthmix.study.judging import score
from synthmix.study.stored import LOGITS, logits_in
from synthmix.study.workspace import Workspace
from synthmix.types import Json


@dataclass(frozen=True)
class Arms:
    """How many seeds each arm has, and which arm each mix is compared with."""

    seeds: Mapping[str, int]
    comparators: Mapping[str, str]
    sets: Mapping[str, int]
    """Run seeds of each synthetic set."""


INTERVAL = (
    "Scores: 95 % Student t interval over seeds; differences in accuracy: paired, crossed seeds x "
    "images, 95 %; differences of other metrics: paired t interval over seeds; none is adjusted"
)
OURS = "levels of this project, not comparable with CIFAR-10-C or ImageNet-C"


def of(workspace: Workspace, arms: Arms) -> dict[str, Json]:
    """Return the scores of every evaluated arm on every extra set of images.

    An entry is None where nothing was asked for, and `missing` says what was not predicted yet.
    """
    found: dict[str, Json] = {"interval": INTERVAL, "test_sets": {}, "corruptions": None}
    missing = []
    for each in collections(workspace, workspace.arms()[0], 0):
        try:
            if isinstance(each, TestSet):
                found["test_sets"][each.name] = _test_set(workspace, each, arms)
            elif isinstance(each, Corruptions):
                found["corruptions"] = _corruptions(workspace, each, arms)
        except Unfinished:
            missing.append(each.key)
    return {**found, "missing": missing}


@dataclass(frozen=True)
class _Stored:
    """All arms' predictions of one collection, in the order of their seeds."""

    found: Collection
    runs: Mapping[str, Sequence[Artifact]]

    def by_arm(self, file: str, version: int) -> dict[str, Scored]:
        """Return every evaluated arm's scores on one version of the images."""
        return {
            name: scored(
                [stored_logits(run, file, self.found)[version] for run in runs], self.found.labels
            )
            for name, runs in self.runs.items()
        }

    def versions(self) -> dict[str, list[str]]:
        """Return the versions of the packages that made the images, usually one each."""
        told: dict[str, set[str]] = {}
        for run in [run for runs in self.runs.values() for run in runs]:
            for package, number in run.manifest()["versions"].items():
                told.setdefault(package, set()).add(number)
        return {package: sorted(numbers) for package, numbers in sorted(told.items())}


def _stored(workspace: Workspace, found: Collection, arms: Arms) -> _Stored:
    listed = {}
    for arm in workspace.arms():
        if arm.control in EVALUATED:
            runs = [workspace.run_artifact(arm, run) for run in range(arms.seeds[arm.name])]
            listed[arm.name] = [artifact_of(workspace, run, found) for run in runs]
    return _Stored(found, listed)


def _test_set(workspace: Workspace, each: TestSet, arms: Arms) -> dict[str, Json]:
    source = component_settings(workspace.study.evaluation.test_sets[each.name])
    count, images = len(each.images), each.images
    found = _stored(workspace, each, arms).by_arm(LOGITS, 0)
    return {
        "protocol": f"{count:,} images of {canonical(source)}, content {images.fingerprint}, "
        f"brought to {workspace.image_size} pixels ({workspace.study.resize})",
        "num_images": count,
        "per_class": images.per_class(),
        "invalid": leaks.spoiled_set(workspace, each.name, arms.sets) or None,
        "repeated": leaks.repeated(workspace, each.name) or None,
        "arms": {name: _told(name, found, arms) for name in found},
    }


def _corruptions(workspace: Workspace, each: Corruptions, arms: Arms) -> dict[str, Json]:
    everything = _stored(workspace, each, arms)
    kinds = workspace.study.evaluation.corruptions
    clean = _clean(workspace, each, arms, list(everything.runs))
    found = {
        name: [everything.by_arm(file_of(name), number) for number in range(SEVERITIES)]
        for name in kinds
    }
    return {
        "protocol": _protocol(workspace, each, everything.versions()),
        "num_images": len(each.rows),
        "seed": workspace.study.seed,
        "versions": everything.versions(),
        "kinds": {name: list(kind.levels) for name, kind in kinds.items()},
        "severities": list(range(SEVERITIES + 1)),
        "arms": {name: _of_arm(name, clean, found, arms) for name in everything.runs},
    }


def _protocol(workspace: Workspace, each: Corruptions, versions: Mapping[str, list[str]]) -> str:
    kinds = workspace.study.evaluation.corruptions
    levels = "; ".join(
        f"{name} {', '.join(f'{level:g}' for level in kind.levels)}" for name, kind in kinds.items()
    )
    packages = ", ".join(f"{name} {'/'.join(numbers)}" for name, numbers in versions.items())
    return (
        f"{len(each.rows):,} test images (stratified, study seed {workspace.study.seed}), "
        f"severities 1 to {SEVERITIES}: {levels}; {packages}; {OURS}"
    )


def _clean(
    workspace: Workspace, each: Corruptions, arms: Arms, names: Sequence[str]
) -> dict[str, Scored]:
    """Return the scores on the same images as they are, from the runs' own predictions."""
    by_name = {arm.name: arm for arm in workspace.arms()}
    found = {}
    for name in names:
        runs = [workspace.run_artifact(by_name[name], r) for r in range(arms.seeds[name])]
        logits = [logits_in(run, LOGITS)[each.rows] for run in runs]
        found[name] = scored(logits, each.labels)
    return found


ByArm = Mapping[str, Scored]


def _of_arm(
    name: str, clean: ByArm, kinds: Mapping[str, Sequence[ByArm]], arms: Arms
) -> dict[str, Json]:
    """Return an arm's scores by severity (0 is uncorrupted), by kind and severity, and overall."""

    def told(sets: Sequence[ByArm]) -> Json:
        found = {arm: mean([each[arm] for each in sets]) for arm in clean}
        return _told(name, found, arms)

    levels = [[versions[number] for versions in kinds.values()] for number in range(SEVERITIES)]
    return {
        "severities": [told([clean]), *(told(level) for level in levels)],
        "kinds": {kind: [told([one]) for one in versions] for kind, versions in kinds.items()},
        "mean": told([one for level in levels for one in level]),
    }


def _told(name: str, found: ByArm, arms: Arms) -> dict[str, Json]:
    """Return an arm's scores and its difference to its comparator, None for who has none."""
    other = arms.comparators.get(name)
    less = None if other is None else found[name].less(found[other])
    return {
        "scores": {key: score(value) for key, value in found[name].scores().items()},
        "difference": None if less is None else {key: score(value) for key, value in less.items()},
        "comparator": other,
    }
