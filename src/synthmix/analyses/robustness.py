"""Accuracy and calibration beyond the test set: named test sets, and corruptions by severity."""

from collections.abc import Mapping, Sequence

from synthmix.analyses.comparisons import score
from synthmix.analyses.record import (
    LOGITS,
    CollectionRecord,
    Record,
    file_of,
    logits_in,
    logits_of,
)
from synthmix.errors import Unfinished
from synthmix.evaluation.corruptions import SEVERITIES
from synthmix.evaluation.shift import Scored, mean, scored
from synthmix.types import Json

INTERVAL = (
    "Scores: 95 % Student t interval over seeds; differences in accuracy: paired, crossed seeds x "
    "images, 95 %; differences of other metrics: paired t interval over seeds; none is adjusted"
)
OURS = "levels of this project, not comparable with CIFAR-10-C or ImageNet-C"

ByArm = Mapping[str, Scored]


def of(record: Record, comparators: Mapping[str, str]) -> dict[str, Json]:
    """Return the scores of every evaluated arm on every extra set of images.

    `comparators` names which arm each mix is compared with. An entry is None where nothing was
    asked for, and `missing` says what was not predicted yet.
    """
    found: dict[str, Json] = {"interval": INTERVAL, "test_sets": {}, "corruptions": None}
    missing = []
    for each in record.collections:
        try:
            if each.kind == "test set":
                found["test_sets"][each.name] = _test_set(record, each, comparators)
            elif each.kind == "corruptions":
                found["corruptions"] = _corruptions(record, each, comparators)
        except Unfinished:
            missing.append("corruptions" if each.kind == "corruptions" else f"test-set/{each.name}")
    return {**found, "missing": missing}


def _by_arm(record: Record, found: CollectionRecord, file: str, version: int) -> dict[str, Scored]:
    """Return every evaluated arm's scores on one version of the images."""
    return {
        arm: scored(
            [logits_of(record.prediction(run), file, found)[version] for run in runs], found.labels
        )
        for arm, runs in found.artifacts.items()
    }


def _test_set(
    record: Record, each: CollectionRecord, comparators: Mapping[str, str]
) -> dict[str, Json]:
    found = _by_arm(record, each, LOGITS, 0)
    return {**each.facts, "arms": {name: _told(name, found, comparators) for name in found}}


def _corruptions(
    record: Record, each: CollectionRecord, comparators: Mapping[str, str]
) -> dict[str, Json]:
    kinds: Mapping[str, Sequence[float]] = each.facts["kinds"]
    versions = _versions(record, each)
    clean = _clean(record, each)
    found = {
        name: [_by_arm(record, each, file_of(name), number) for number in range(SEVERITIES)]
        for name in kinds
    }
    return {
        "protocol": _protocol(each, kinds, versions),
        "num_images": len(each.labels),
        "versions": versions,
        **each.facts,
        "severities": list(range(SEVERITIES + 1)),
        "arms": {name: _of_arm(name, clean, found, comparators) for name in each.artifacts},
    }


def _versions(record: Record, found: CollectionRecord) -> dict[str, list[str]]:
    """Return the versions of the packages that made the images, usually one each."""
    told: dict[str, set[str]] = {}
    for run in [run for runs in found.artifacts.values() for run in runs]:
        for package, number in record.prediction(run).manifest()["versions"].items():
            told.setdefault(package, set()).add(number)
    return {package: sorted(numbers) for package, numbers in sorted(told.items())}


def _protocol(
    each: CollectionRecord,
    kinds: Mapping[str, Sequence[float]],
    versions: Mapping[str, list[str]],
) -> str:
    levels = "; ".join(
        f"{name} {', '.join(f'{level:g}' for level in levels)}" for name, levels in kinds.items()
    )
    packages = ", ".join(f"{name} {'/'.join(numbers)}" for name, numbers in versions.items())
    return (
        f"{len(each.labels):,} test images (stratified, study seed {each.facts['seed']}), "
        f"severities 1 to {SEVERITIES}: {levels}; {packages}; {OURS}"
    )


def _clean(record: Record, each: CollectionRecord) -> dict[str, Scored]:
    """Return the scores on the same images as they are, from the runs' own predictions."""
    found = {}
    for name in each.artifacts:
        runs = [record.run(run) for run in record.arms[name].runs]
        found[name] = scored([logits_in(run, LOGITS)[each.rows] for run in runs], each.labels)
    return found


def _of_arm(
    name: str,
    clean: ByArm,
    kinds: Mapping[str, Sequence[ByArm]],
    comparators: Mapping[str, str],
) -> dict[str, Json]:
    """Return an arm's scores by severity (0 is uncorrupted), by kind and severity, and overall."""

    def told(sets: Sequence[ByArm]) -> Json:
        found = {arm: mean([each[arm] for each in sets]) for arm in clean}
        return _told(name, found, comparators)

    levels = [[versions[number] for versions in kinds.values()] for number in range(SEVERITIES)]
    return {
        "severities": [told([clean]), *(told(level) for level in levels)],
        "kinds": {kind: [told([one]) for one in versions] for kind, versions in kinds.items()},
        "mean": told([one for level in levels for one in level]),
    }


def _told(name: str, found: ByArm, comparators: Mapping[str, str]) -> dict[str, Json]:
    """Return an arm's scores and its difference to its comparator, None for who has none."""
    other = comparators.get(name)
    less = None if other is None else found[name].less(found[other])
    return {
        "scores": {key: score(value) for key, value in found[name].scores().items()},
        "difference": None if less is None else {key: score(value) for key, value in less.items()},
        "comparator": other,
    }
