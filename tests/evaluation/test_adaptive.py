from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from synthmix.errors import SettingError
from synthmix.evaluation.adaptive import Looks, extended, follow, kept
from synthmix.evaluation.verdict import judge
from synthmix.types import Verdict

OPEN = Verdict("a", "no evidence", "", is_open=True)
CLOSED = Verdict("a", "hurts", "")


@pytest.mark.parametrize("looks", [Looks(), Looks(2, 3, 10), Looks(4, 1, 4)])
def test_looks_spend_the_whole_level_and_no_more(looks: Looks) -> None:
    assert looks.numbers[0] == looks.first
    assert looks.numbers[-1] == looks.most
    weights = [looks.weight(number) for number in looks.numbers]
    assert sum(weights) == pytest.approx(1)
    assert min(weights) > 0


def test_what_has_been_spent_is_the_square_of_the_share_of_seeds() -> None:
    """Kim & DeMets 1987 with exponent 2: 9 of 81, then 25, 49 and all of them."""
    looks = Looks(3, 2, 9)
    spent = np.cumsum([looks.weight(number) for number in looks.numbers])
    assert spent == pytest.approx([9 / 81, 25 / 81, 49 / 81, 1])


def test_only_open_arms_grow_and_what_they_are_compared_with() -> None:
    seeds = {"real": 3, "a": 3, "b": 3, "augmented": 3}
    verdicts = {"a": OPEN, "b": CLOSED}
    needs = {"a": ["real"], "b": ["augmented"]}
    assert extended(verdicts, seeds, needs, Looks(), 100) == {"a": 5, "real": 5}


def test_a_comparator_is_paid_for_once() -> None:
    seeds = {"real": 3, "a": 3, "b": 3}
    needs = {"a": ["real"], "b": ["real"]}
    verdicts = {"a": OPEN, "b": OPEN}
    assert extended(verdicts, seeds, needs, Looks(), 6) == {"a": 5, "b": 5, "real": 5}
    assert extended(verdicts, seeds, needs, Looks(), 5) == {"a": 5, "real": 5}
    assert extended(verdicts, seeds, needs, Looks(), 3) == {}


def test_a_comparator_that_is_ahead_does_not_shrink() -> None:
    seeds = {"real": 9, "a": 3}
    assert extended({"a": OPEN}, seeds, {"a": ["real"]}, Looks(), 100) == {"a": 5}


def test_it_ends() -> None:
    seeds = {"real": 9, "a": 9}
    assert extended({"a": OPEN}, seeds, {"a": ["real"]}, Looks(), 100) == {}
    assert Looks().following(9) is None


def test_looks_that_cannot_be() -> None:
    with pytest.raises(SettingError, match="at least 2 at first"):
        Looks(first=1)
    with pytest.raises(SettingError, match="4 seeds are no look"):
        Looks().weight(4)


def named(**is_open: bool) -> list[Verdict]:
    return [Verdict(arm, "no evidence", "", is_open=found) for arm, found in is_open.items()]


def test_a_study_is_followed_as_far_as_its_runs_go() -> None:
    seen: list[Mapping[str, int]] = []

    def judged(seeds: Mapping[str, int]) -> list[Verdict] | None:
        seen.append(seeds)
        return None if seeds["a"] == 7 else named(a=True, b=False)

    first, needs = {"real": 3, "a": 3, "b": 3}, {"a": ["real"], "b": ["real"]}
    found = follow(judged, first, needs, Looks())
    assert [look["a"] for look in found.looks] == [3, 5, 7]
    assert found.seeds == {"real": 7, "a": 7, "b": 3}
    assert (found.spent, found.is_settled) == (8, False)
    assert list(found.looks) == seen


@pytest.mark.parametrize(("budget", "most"), [(None, 9), (8, 7), (7, 5), (3, 3), (0, 3)])
def test_a_budget_is_for_all_looks_together(budget: int | None, most: int) -> None:
    first, needs = {"real": 3, "a": 3}, {"a": ["real"]}
    found = follow(lambda _: named(a=True), first, needs, Looks(), budget)
    assert found.seeds == {"real": most, "a": most}
    assert found.spent == 2 * (most - 3)
    assert found.is_settled


def test_a_verdict_that_was_given_stays() -> None:
    before = kept({}, named(a=True, b=False))
    after = kept(before, [Verdict("a", "helps", ""), Verdict("b", "helps", "")])
    assert after["a"].label == "helps"
    assert after["b"] == before["b"]


def test_a_decided_arm_is_not_reopened_by_what_others_show_later() -> None:
    def judged(seeds: Mapping[str, int]) -> list[Verdict]:
        later = seeds["a"] > 3
        own = Verdict("b", "no evidence", "", is_open=True) if later else Verdict("b", "helps", "")
        return [*named(a=True), own]

    first, needs = {"real": 3, "a": 3, "b": 3}, {"a": ["real"], "b": ["real"]}
    found = follow(judged, first, needs, Looks())
    assert found.seeds == {"real": 9, "a": 9, "b": 3}
    assert found.verdicts["b"].label == "helps"


def test_a_study_does_what_is_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    """The benchmark counts many studies at once; here the same ones are judged one by one."""
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    import _adaptive
    import _studies

    design, num_studies = _studies.Design(9, 600, 0.01), 12
    effects = np.zeros(_studies.ROWS)
    effects[[0, 1, 2, _studies.AUGMENTED]] = 0.08, 0.11, -0.08, 0.04
    fast, runs = _adaptive._studies(np.random.default_rng(3), design, effects, num_studies)
    random, looks = np.random.default_rng(3), _adaptive.LOOKS
    arms = [f"arm {arm}" for arm in range(_studies.ARMS)]
    others = ["comparator", "augmented", "deranged"]
    ends = set()
    for study in range(num_studies):
        right = _studies.outcomes(random, design, effects)
        sums = {n: _studies.summed([right[:, :n]], 600) for n in looks.numbers}

        def judged(seeds: Mapping[str, int], sums: dict[int, object] = sums) -> list[Verdict]:
            numbers = [seeds[arm] for arm in arms]
            every = {n: _studies.evidence(sums[n], 0, looks.weight(n)) for n in set(numbers)}
            return judge([every[n][arm] for arm, n in enumerate(numbers)])

        first = dict.fromkeys([*arms, *others], looks.first)
        found = follow(judged, first, dict.fromkeys(arms, others), looks)
        assert [found.verdicts[arm].label == "helps" for arm in arms] == fast[study].tolist()
        assert sum(found.seeds.values()) == runs[study]
        ends |= {(found.verdicts[arm].label, found.seeds[arm]) for arm in arms}
    assert len(ends) > 5, "studies that all end alike show nothing"
