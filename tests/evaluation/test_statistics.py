import numpy as np
import pytest
from scipy import stats

from synthmix.evaluation.statistics import over_seeds, paired


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
