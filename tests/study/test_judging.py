"""Each arm is compared with its own real images, at their better budget, and with its controls."""

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from synthmix.analyses.comparisons import Comparisons, without
from synthmix.analyses.predicted import Predicted
from synthmix.analyses.verdict import of as verdict_of
from synthmix.errors import DataError
from synthmix.evaluation.runs import Runs, gather
from synthmix.mixing import Arm
from synthmix.study.inputs.basis import basis_of
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.running.recording import drawn
from tests.study.test_workspace import workspace

SEEDS = 3


def simulated(found: Workspace, accuracy: Mapping[str, float]) -> dict[str, Runs]:
    """Return runs of every arm; the harder an image, the fewer arms get it right."""
    labels = found.test.labels
    difficulty = np.random.default_rng(0).uniform(size=len(labels))
    runs = {}
    for arm in found.arms():
        wanted = accuracy.get(arm.name, accuracy["else"])
        rows = {}
        for seed in range(SEEDS):
            noise = np.random.default_rng([seed, len(arm.name)]).normal(0, 0.05, len(labels))
            right = difficulty + noise < wanted
            rows[seed] = np.where(right, labels, (labels + 1) % 10)
        runs[arm.name] = gather(arm.name, rows, labels, found.class_names)
    return runs


def compared(
    accuracy: Mapping[str, float], validation: Mapping[str, Any] | None = None, **changes: Any
) -> Comparisons:
    found = space(**changes)
    return Comparisons(found.contrasts, None, simulated(found, accuracy), validation or {}, {})


def of(found: Workspace, predicted: Predicted, duplicates: Any) -> Any:
    arms = {arm.name: drawn(found, arm) for arm in found.arms()}
    return verdict_of(basis_of(found), arms, predicted, duplicates)


def space(**changes: Any) -> Workspace:
    return opened(json.dumps({"seeds": SEEDS, "controls": True, "mixing": REPLACE, **changes}))


@cache
def opened(study: str) -> Workspace:
    return workspace(**json.loads(study))


REPLACE = {"use": "replace", "total": 60, "ratios": [0.25, 0.5, 1]}
EQUAL = {"else": 0.7}


def arm_of(found: Comparisons, name: str) -> Arm:
    return {arm.name: arm for arm in found.mixes}[name]


def test_mixes_are_judged_and_controls_are_not() -> None:
    names = [arm.name for arm in compared(EQUAL).mixes]
    assert names == ["one@0.25", "one@0.5", "one@1", "two@0.25", "two@0.5", "two@1"]


def test_a_gain_over_its_own_real_images_helps_one_arm_alone() -> None:
    found = compared({"else": 0.6, "one@0.5": 0.8, "real": 0.85})
    told = {verdict.arm: verdict for verdict in found.verdicts(None)}
    assert told["one@0.5"].label == "helps"
    assert "its own 30 real images alone" in told["one@0.5"].sentence
    assert told["one@0.25"].label != "helps"
    assert told["one@1"].label == "hurts", "it has all real images to be compared with"
    assert told["one@0.5"].unclaimed == ()


def test_strong_augmentation_that_does_as_well_takes_the_credit() -> None:
    found = compared({"else": 0.6, "one@0.5": 0.8, "real-30-strong-augmentation": 0.81})
    told = {verdict.arm: verdict for verdict in found.verdicts(None)}
    assert told["one@0.5"].label == "helps, but so does more augmentation"


def test_wrong_labels_that_do_as_well_take_the_credit() -> None:
    found = compared({"else": 0.6, "one@0.5": 0.8, "one@0.5-deranged-labels": 0.8})
    told = {verdict.arm: verdict for verdict in found.verdicts(None)}
    assert told["one@0.5"].label == "not attributable to labels"
    other = compared({"else": 0.6, "two@0.5": 0.8, "one@0.5-deranged-labels": 0.8, "real": 0.9})
    told = {verdict.arm: verdict for verdict in other.verdicts(None)}
    assert told["two@0.5"].label == "helps", "the other source's labels are none of its business"


def test_the_better_budget_on_validation_is_the_comparator() -> None:
    accuracy = {"else": 0.6, "real-30-half-steps": 0.75, "one@0.5": 0.75}
    better = {"real-30": [0.5] * SEEDS, "real-30-half-steps": [0.6] * SEEDS}
    evidence = compared(accuracy, better).evidence(arm_of(compared(accuracy), "one@0.5"))
    assert evidence.gain is not None
    assert abs(evidence.gain.mean) < 0.03
    assert evidence.comparator.endswith("at half the steps")
    worse = {"real-30": [0.6] * SEEDS, "real-30-half-steps": [0.5] * SEEDS}
    evidence = compared(accuracy, worse).evidence(arm_of(compared(accuracy), "one@0.5"))
    assert evidence.gain is not None
    assert evidence.gain.mean > 0.1


def test_seeds_that_an_arm_does_not_have_do_not_choose_its_comparator() -> None:
    accuracy = {"else": 0.6, "real-30-half-steps": 0.75, "one@0.5": 0.75}
    late = {"real-30": [0.6, 0.6, 0.1], "real-30-half-steps": [0.5, 0.5, 0.9]}
    everything = compared(accuracy, late)
    arm = arm_of(everything, "one@0.5")
    assert everything.evidence(arm).comparator.endswith("at half the steps")
    stopped = replace(everything, runs={**everything.runs, arm.name: first_two(everything, arm)})
    evidence = stopped.evidence(arm)
    assert not evidence.comparator.endswith("at half the steps")
    for found in (evidence.gain, evidence.full, evidence.deranged, evidence.controls[0].gain):
        assert found is not None
        assert len(found.values) == 2


def first_two(found: Comparisons, arm: Arm) -> Runs:
    return found.runs[arm.name].first(2)


def test_what_deranged_labels_are_compared_with_is_needed_too() -> None:
    fewer = {"leave_out": ["strong-augmentation", "duplicated-real"]}
    found = compared(EQUAL, controls=fewer)
    needed = found.contrasts.needs(arm_of(found, "one@0.25"))
    assert {"one@0.5-deranged-labels", "real-30", "real-30-half-steps"} <= set(needed)


def test_at_another_share_gains_are_compared_not_accuracies() -> None:
    accuracy = {"else": 0.6, "real-45": 0.7, "one@0.25": 0.75, "real-30-strong-augmentation": 0.65}
    found = compared(accuracy)
    controls = {each.name: each for each in found.evidence(arm_of(found, "one@0.25")).controls}
    lead = controls["strong augmentation"].lead
    assert abs(lead.mean) < 0.03, "both gained 5 points on their own real images"
    assert set(controls) == {"strong augmentation", "duplicated real"}


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("strong-augmentation", "augmentation"),
        ("duplicated-real", "repeating"),
        ("deranged-labels", "right labels"),
        ("half-steps", "too long"),
        ("real-part", "add anything"),
        ("real-curve", "worth"),
    ],
)
def test_what_was_left_out_cannot_be_claimed(kind: str, words: str) -> None:
    found = compared(EQUAL, controls={"leave_out": [kind]})
    for verdict in found.verdicts(None):
        if verdict.arm == "one@0.5":
            assert [claim for claim in verdict.unclaimed if words in claim]


def test_where_all_real_images_are_kept_they_are_the_comparator() -> None:
    add = {"use": "add", "per_real": [0.5, 1], "num_real": 60}
    found = compared({"else": 0.6, "one@1": 0.75}, mixing=add)
    evidence = found.evidence(arm_of(found, "one@1"))
    assert evidence.comparator == "all 60 real images alone"
    assert evidence.full is None
    assert evidence.missing == ()
    assert {verdict.arm: verdict.label for verdict in found.verdicts(None)}["one@1"] == "helps"


def test_everything_a_verdict_rests_on_is_named() -> None:
    found = compared(EQUAL)
    assert found.contrasts.needs(arm_of(found, "one@0.25")) == [
        "real",
        "real-45",
        "real-30",
        "real-30-duplicated-real",
        "real-30-strong-augmentation",
        "one@0.5-deranged-labels",
        "real-half-steps",
        "real-45-half-steps",
        "real-30-half-steps",
    ]


def test_images_can_be_left_out_but_no_class() -> None:
    runs = compared(EQUAL).runs
    fewer = without(runs, [0, 5])
    assert len(fewer["real"].labels) == len(runs["real"].labels) - 2
    rows = np.flatnonzero(runs["real"].labels == 3).tolist()
    with pytest.raises(DataError, match="no image of '3'"):
        without(runs, rows)


def test_one_seed_is_no_evidence() -> None:
    found = workspace(seeds=1, controls=True, mixing=REPLACE)
    one = Predicted({arm.name: {0: found.test.labels} for arm in found.arms()})
    told = of(found, one, {"test_rows": []})
    assert told["label"] == "invalid"
    assert "needs at least 2" in told["text"]


def test_a_missing_prediction_is_named() -> None:
    found = workspace(seeds=2, controls=False, mixing=REPLACE)
    all_right = {arm.name: dict.fromkeys(range(2), found.test.labels) for arm in found.arms()}
    all_right["one@0.5"] = {0: found.test.labels, 1: found.test.labels[:-1]}
    told = of(found, Predicted(all_right), {"test_rows": []})
    assert told["label"] == "invalid"
    assert "one@0.5" in told["text"]


def test_an_image_without_a_prediction_is_named() -> None:
    found = workspace(seeds=2, controls=False, mixing=REPLACE)
    missing = found.test.labels.copy()
    missing[7] = -1
    predicted = {arm.name: dict.fromkeys(range(2), found.test.labels) for arm in found.arms()}
    predicted["two@1"] = {0: found.test.labels, 1: missing}
    told = of(found, Predicted(predicted), {"test_rows": []})
    assert told["text"].startswith("invalid: Arm 'two@1', seed 1: no prediction for test image 7")
    assert told["arms"] == []


def test_runs_at_other_seeds_are_one_line() -> None:
    found = workspace(seeds=2, controls=False, mixing=REPLACE)
    predicted = {arm.name: dict.fromkeys(range(2), found.test.labels) for arm in found.arms()}
    predicted["real"] = dict.fromkeys((0, 2), found.test.labels)
    with pytest.raises(DataError, match="'real' has no run of seed 1; it has 0, 2") as caught:
        of(found, Predicted(predicted), {"test_rows": []})
    assert "\n" not in str(caught.value)


def test_results_have_the_verdict_with_and_without_duplicates() -> None:
    found = compared({"else": 0.6, "one@0.5": 0.8, "real": 0.9})
    predicted = {
        name: dict(zip(each.seeds, each.predicted, strict=True))
        for name, each in found.runs.items()
    }
    told = of(space(), Predicted(predicted), {"test_rows": [1, 2, 3]})
    assert told["label"] == "helps"
    assert told["gate"]["state"] == "not available"
    arm = next(each for each in told["arms"] if each["arm"] == "one@0.5")
    assert arm["gain"]["low"] > 0
    assert len(arm["classes"]) == 10
    assert told["without_duplicates"]["num_left_out"] == 3
    assert told["without_duplicates"]["label"] == "helps"


def test_each_run_stands_beside_that_of_its_own_real_images() -> None:
    accuracy = {"else": 0.6, "one@0.5": 0.8, "real": 0.9}
    found = compared(accuracy)
    predicted = {
        name: dict(zip(each.seeds, each.predicted, strict=True))
        for name, each in found.runs.items()
    }
    told = of(space(), Predicted(predicted), {"test_rows": []})
    arms = {each["arm"]: each["mcnemar"] for each in told["arms"]}
    assert [(run["seed"], run["real"]) for run in arms["one@0.5"]] == [
        (seed, "real-30") for seed in range(SEEDS)
    ]
    assert {run["real"] for run in arms["one@1"]} == {"real"}, "it has no real images of its own"
    for run in arms["one@0.5"]:
        mine = found.runs["one@0.5"].correct[run["seed"]]
        theirs = found.runs["real-30"].correct[run["seed"]]
        assert run["only_arm"] - run["only_real"] == mine.sum() - theirs.sum()
        assert run["only_arm"] == (mine & ~theirs).sum()
        assert run["p"] < 0.05
