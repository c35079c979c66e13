from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.evaluation import phrases
from synthmix.evaluation.crossed import Difference, MeanSquares
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.verdict import (
    Control,
    Evidence,
    Gate,
    Rule,
    better_budget,
    chance,
    judge,
    summarize,
)
from synthmix.types import Verdict, VerdictLabel

SEEDS, IMAGES = 5, 10_000


def found(points: float, error: float = 0.1) -> Difference:
    """Return a difference in points whose standard error over seeds is known, in points."""
    pattern = np.array([-1.0, -0.5, 0, 0.5, 1])
    values = (points + error * SEEDS**0.5 * pattern / pattern.std(ddof=1)) / 100
    squares = MeanSquares(IMAGES * float(values.var(ddof=1)), 0.02, 0.02, SEEDS, IMAGES)
    return Difference(points / 100, tuple(values.tolist()), squares)


def arm(gain: float | None, error: float = 0.1, name: str = "flow@0.5", **other: Any) -> Evidence:
    return Evidence(name, "all real images", None if gain is None else found(gain, error), **other)


def control(lead: float, gain: float | None, name: str = "strong augmentation") -> Control:
    return Control(name, found(lead), None if gain is None else found(gain))


CASES: list[tuple[Evidence, VerdictLabel]] = [
    (arm(2), "helps"),
    (arm(2, controls=(control(1.5, 0.5),)), "helps"),
    (arm(2, controls=(control(0.1, 1.9),)), "helps, but so does more augmentation"),
    (arm(2, controls=(control(-1, 3, "duplicated real"),)), "helps, but so does more augmentation"),
    # a control that is not shown to gain does not do the same, but its lead is not shown either
    (arm(2, controls=(control(0.1, 0.1),)), "no evidence"),
    (arm(2, controls=(control(0.1, None),)), "no evidence"),
    (
        arm(2, controls=(control(1.5, 0.5), control(0.1, 1.9))),
        "helps, but so does more augmentation",
    ),
    (arm(2, deranged=found(1)), "not attributable to labels"),
    (arm(2, deranged=found(-5)), "helps"),
    # two-sided p-values of 0.074 and 0.044
    (arm(2, deranged=found(0.24)), "helps"),
    (arm(2, deranged=found(0.29)), "not attributable to labels"),
    (arm(2, controls=(control(0.1, 0, "deranged labels"),)), "not attributable to labels"),
    (arm(2, full=found(0.2)), "substitutes"),
    (arm(2, full=found(5)), "substitutes"),
    (arm(2, full=found(-3)), "helps"),
    (
        arm(2, full=found(0.2), controls=(control(0.1, 1.9),)),
        "helps, but so does more augmentation",
    ),
    (arm(0, full=found(0.2)), "equivalent"),
    (arm(None, full=found(0.2)), "substitutes"),
    (arm(None, full=found(-9)), "hurts"),
    (arm(None, 1, full=found(-0.2, 1)), "no evidence"),
    (arm(None), "invalid"),
    (arm(2, invalid="arms are not paired"), "invalid"),
    (arm(-2), "hurts"),
    (arm(-2, deranged=found(1)), "hurts"),
    (arm(0.01, 0.03), "equivalent"),
    # shown to help, and by less than the margin: the effect comes first
    (arm(0.15, 0.02), "helps"),
    (arm(0.5, 1), "no evidence"),
    (arm(2, look_weight=1e-6), "no evidence"),
]


@pytest.mark.parametrize(("evidence", "label"), CASES, ids=lambda each: str(each)[:60])
def test_every_branch(evidence: Evidence, label: VerdictLabel) -> None:
    (verdict,) = judge([evidence])
    assert verdict.label == label
    assert verdict.sentence.startswith("flow@0.5")
    assert verdict.sentence.endswith(".")
    assert "{" not in verdict.sentence


def test_an_arm_without_controls_beside_one_whose_control_is_not_beaten() -> None:
    """Its gain is shown among the gains, and not among the credits, of which the other has none."""
    bare, weak = arm(0.3, name="flow@0.25"), arm(2, controls=(control(0.1, 0, "half-steps"),))
    verdicts = judge([bare, weak])
    assert [each.label for each in verdicts] == ["no evidence", "no evidence"]
    assert phrases.UNCREDITED in verdicts[0].sentence


def test_all_labels_are_reached() -> None:
    assert {label for _, label in CASES} == set(VerdictLabel.__args__)  # type: ignore[attr-defined]


def test_what_is_said() -> None:
    missing = ("strong augmentation", "deranged labels")
    helping, nothing = judge([arm(2, missing=missing), arm(0.5, 1, "flow@1")])
    assert "+2.00 points [" in helping.sentence
    assert helping.unclaimed == tuple(phrases.UNCLAIMED[name] for name in missing)
    assert nothing.detectable is not None
    assert nothing.text == (f"no evidence (could have seen {100 * nothing.detectable:.2f} points)")
    hopeless = replace(nothing, detectable=3.5)
    assert hopeless.text == "no evidence (could not have seen any difference)"
    assert phrases.visible(3.5) == "not even one of 100 points"
    assert phrases.visible(0.0052) == "one of 0.52 points"
    (invalid,) = judge([arm(2, invalid="arms are not paired")])
    assert invalid.text == "invalid: arms are not paired"


def test_more_arms_ask_for_more() -> None:
    """A difference that one arm alone would show is lost among many."""
    (alone,) = judge([arm(0.4)])
    among = judge([arm(0.4)] + [arm(0, 0.1, f"arm {k}") for k in range(9)])
    assert (alone.label, among[0].label) == ("helps", "no evidence")
    assert alone.p_adjusted is not None
    assert among[0].p_adjusted == pytest.approx(10 * alone.p_adjusted)
    assert (among[0].detectable or 0) > (alone.detectable or 0)


@pytest.mark.parametrize(
    ("gate", "state", "label"),
    [
        (Gate(None, 0.5), "not available", "helps"),
        (Gate(0.94, 0.95), "passed", "helps"),
        (Gate(0.94, 0.70), "failed", "invalid"),
        (Gate(0.94, 0.70, reduced_budget=True), "waived", "helps"),
    ],
)
def test_the_baseline_gate(gate: Gate, state: str, label: str) -> None:
    (verdict,) = judge([arm(2)], gate)
    assert (gate.state, verdict.label) == (state, label)
    assert gate.sentence.endswith(".")

    if label == "invalid":
        assert verdict.text == "invalid: baseline too weak to judge"


def test_a_baseline_that_only_guesses_is_said_to_have_learned_nothing() -> None:
    by_chance = chance(np.repeat([0, 1], [60, 40]))
    assert by_chance == pytest.approx(0.6 + 2 * (0.24 / 100) ** 0.5)
    for reached, is_said in ((0.65, True), (0.75, False)):
        sentence = Gate(None, reached, by_chance=by_chance).sentence
        assert ("nothing was learned" in sentence) == is_said


def test_the_margin_is_a_setting() -> None:
    evidence = arm(0.1, 0.1)
    assert judge([evidence])[0].label == "no evidence"
    assert judge([evidence], rule=Rule(margin=0.01))[0].label == "equivalent"


def verdict(label: VerdictLabel, name: str = "a") -> Verdict:
    return Verdict(name, label, f"{name} is so.", detectable=0.01, reason="why")


@pytest.mark.parametrize(
    ("labels", "label"),
    [
        (["hurts", "helps", "no evidence"], "helps"),
        (["helps", "substitutes"], "substitutes"),
        (["hurts", "hurts"], "hurts"),
        (["hurts", "no evidence"], "no evidence"),
        (["equivalent", "equivalent"], "equivalent"),
        (["hurts", "equivalent"], "no evidence"),
        (["invalid", "helps"], "helps"),
        (["invalid", "invalid"], "invalid"),
        (["hurts", "not attributable to labels"], "not attributable to labels"),
        ([], "no evidence"),
    ],
)
def test_the_verdict_of_a_study(labels: list[VerdictLabel], label: VerdictLabel) -> None:
    found = summarize([verdict(each, f"arm {k}") for k, each in enumerate(labels)])
    assert (found.arm, found.label) == ("study", label)
    assert found.sentence.endswith(".")


def test_a_study_hides_no_arm_that_hurts() -> None:
    labels: list[VerdictLabel] = ["no evidence", "no evidence", "hurts"]
    found = summarize([verdict(each, f"arm {k}") for k, each in enumerate(labels)])
    assert found.sentence == (
        "2 of 3 arms (arm 0, arm 1): no evidence (could have seen 1.00 points). arm 0 is so. "
        "Not so the others: hurts (arm 2)."
    )
    uneven = [replace(verdict("no evidence", f"arm {k}"), detectable=0.01 + k) for k in (0, 0.01)]
    told = summarize(uneven).sentence
    assert told == "2 of 2 arms (arm 0, arm 0.01): no evidence. arm 0 is so."
    mixed = summarize([verdict("hurts", "a"), verdict("equivalent", "b")])
    assert mixed.sentence == "None of 2 arms is shown to help: hurts (a); equivalent (b)."


def test_the_better_budget_is_the_comparator() -> None:
    assert better_budget([0.7, 0.7], [0.6, 0.9]) == "half"
    assert better_budget([0.7, 0.8], [0.8, 0.7]) == "full"


Make = Callable[..., Runs]


@given(seed=st.integers(0, 30), shift=st.integers(1, 3))
def test_relabelling_classes_and_reordering_images_changes_nothing(seed: int, shift: int) -> None:
    """The same permutation of images, and of classes, in every arm: the same verdicts."""
    from synthmix.evaluation.crossed import compare

    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(4), 25)
    names = ("a", "b", "c", "d")

    def runs(name: str, accuracy: float) -> Runs:
        right = random.random((3, 100)) < accuracy
        return Runs(name, (0, 1, 2), np.where(right, labels, (labels + 1) % 4), labels, names)

    arms = [runs("real", 0.6), runs("one", 0.8), runs("two", 0.55)]
    order = random.permutation(100)

    def verdicts(some: list[Runs]) -> list[tuple[str, float]]:
        evidence = [Evidence(x.name, "real", compare(x, some[0])) for x in some[1:]]
        return [(v.label, round(v.p_adjusted or 0, 9)) for v in judge(evidence)]

    moved = [
        replace(
            x,
            predicted=(x.predicted[:, order] + shift) % 4,
            labels=(x.labels[order] + shift) % 4,
        )
        for x in arms
    ]
    assert verdicts(moved) == verdicts(arms)


@given(seed=st.integers(0, 30), extra=st.integers(1, 40))
def test_images_that_all_arms_get_right_do_not_change_a_significance(seed: int, extra: int) -> None:
    """A constant added to every arm's count leaves its difference in images as it is."""
    from synthmix.evaluation.crossed import difference

    one, other = np.random.default_rng(seed).random((2, 3, 200)) < 0.6
    right = np.ones((3, extra), dtype=bool)
    found = difference(one, other)
    more = difference(np.hstack([one, right]), np.hstack([other, right]))
    assert more.mean * (200 + extra) == pytest.approx(found.mean * 200)
    assert more.squares.seeds * (200 + extra) == pytest.approx(float(found.squares.seeds) * 200)
