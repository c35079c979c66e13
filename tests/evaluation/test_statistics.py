import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as contingency_mcnemar
from statsmodels.stats.multitest import multipletests

from synthmix.evaluation.statistics import holm, mcnemar, over_seeds, paired


def test_against_scipy() -> None:
    values = [0.91, 0.93, 0.90, 0.95]
    score = over_seeds(values)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert (score.low, score.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))


def test_paired_differences_against_scipy() -> None:
    one, other = [0.91, 0.93, 0.90], [0.90, 0.90, 0.88]
    score = paired(one, other)
    theirs = stats.ttest_rel(one, other).confidence_interval(0.95)
    assert (score.low, score.high) == (pytest.approx(theirs.low), pytest.approx(theirs.high))
    assert score.mean == pytest.approx(0.02)


def test_one_seed_has_no_interval() -> None:
    assert over_seeds([0.9]).low is None


def test_pairing_needs_equal_numbers() -> None:
    with pytest.raises(ValueError, match="argument"):
        paired([1.0, 2.0], [1.0])


def test_coverage_by_simulation() -> None:
    random = np.random.default_rng(0)
    scores = [over_seeds(random.normal(0.9, 0.01, 3).tolist()) for _ in range(2000)]
    covered = np.mean([(s.low or 0) <= 0.9 <= (s.high or 0) for s in scores])
    assert 0.935 < covered < 0.965


def test_mcnemar_in_closed_form() -> None:
    one = np.array([True] * 8 + [False] * 2 + [True] * 5)
    other = np.array([False] * 8 + [True] * 2 + [True] * 5)
    found = mcnemar(one, other)
    # P(X <= 2) minus half of P(X = 2) for 10 fair coins, both sides
    assert (found.only_one, found.only_other) == (8, 2)
    assert found.p == pytest.approx(2 * ((1 + 10 + 45) - 45 / 2) / 1024)


def test_mcnemar_lies_below_the_exact_test_of_statsmodels() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        one, other = random.random((2, 60)) < 0.6
        only_one, only_other = int((one & ~other).sum()), int((other & ~one).sum())
        theirs = contingency_mcnemar([[0, only_one], [only_other, 0]], exact=True).pvalue
        least, total = min(only_one, only_other), only_one + only_other
        assert mcnemar(one, other).p == pytest.approx(
            min(
                1,
                2
                * (
                    stats.binomtest(least, total, alternative="less").pvalue
                    - stats.binom.pmf(least, total, 0.5) / 2
                ),
            )
        )
        assert mcnemar(one, other).p <= theirs


def test_two_equal_runs_have_no_mcnemar_evidence() -> None:
    same = np.ones(5, dtype=bool)
    assert mcnemar(same, same).p == 1


@settings(max_examples=20)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_holm_against_statsmodels(p: list[float]) -> None:
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1].tolist())


def test_holm_of_nothing() -> None:
    assert holm([]) == []
