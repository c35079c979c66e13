from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from synthmix.errors import DataError
from synthmix.evaluation.crossed import (
    Difference,
    MeanSquares,
    by_cell,
    by_class,
    compare,
    difference,
    equivalence,
    half_width,
    lead,
    mean_squares,
    p_above,
)
from synthmix.evaluation.runs import Runs, gather
from synthmix.evaluation.statistics import paired

Make = Callable[..., Runs]


def outcomes(num_seeds: int, num_images: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((2, num_seeds, num_images)) < 0.6


def test_mean_squares_against_statsmodels() -> None:
    one, other = outcomes(4, 15)
    cells = one.astype(int) - other
    rows, columns = np.indices(cells.shape)
    frame = pd.DataFrame({"d": cells.ravel(), "seed": rows.ravel(), "image": columns.ravel()})
    theirs = anova_lm(ols("d ~ C(seed) + C(image)", data=frame).fit())["mean_sq"]
    found = mean_squares(cells)
    assert (found.seeds, found.images, found.residual) == pytest.approx(tuple(theirs))


def test_satterthwaite_in_closed_form() -> None:
    (crossed, seeds, images), free = MeanSquares(6.0, 2.0, 1.0, 4, 11).errors()
    assert (crossed**2, seeds**2, images**2) == pytest.approx((7 / 44, 6 / 44, 2 / 44))
    assert free == pytest.approx([49 / (36 / 3 + 4 / 10 + 1 / 30), 3, 10])


@given(st.integers(2, 6), st.integers(3, 40), st.integers(0, 99))
def test_never_narrower_than_the_paired_t_over_seeds(
    num_seeds: int, num_images: int, seed: int
) -> None:
    one, other = outcomes(num_seeds, num_images, seed)
    found = difference(one, other)
    usual = paired(one.mean(axis=1).tolist(), other.mean(axis=1).tolist())
    assert usual.low is not None
    assert usual.high is not None
    assert found.low <= usual.low + 1e-12
    assert found.high >= usual.high - 1e-12


@given(st.integers(0, 99), st.floats(0.8, 0.99))
def test_interval_and_p_value_say_the_same(seed: int, level: float) -> None:
    found = difference(*outcomes(3, 50, seed))
    low, high = found.interval(level)
    assert (low > 0 or high < 0) == (found.p < 1 - level)
    assert found.p_above() + found.p_below() >= 1 - 1e-12


@given(st.integers(0, 99))
def test_order_of_images_and_seeds_does_not_matter(seed: int) -> None:
    one, other = outcomes(4, 30, seed)
    images = np.random.default_rng(seed).permutation(30)
    seeds = np.random.default_rng(seed).permutation(4)
    found, again = (
        difference(one, other),
        difference(one[seeds][:, images], other[seeds][:, images]),
    )
    assert (again.mean, again.low, again.p) == pytest.approx((found.mean, found.low, found.p))


def test_the_two_sides_are_mirrored() -> None:
    one, other = outcomes(3, 40)
    found, mirrored = difference(one, other), difference(other, one)
    assert (found.low, found.high) == pytest.approx((-mirrored.high, -mirrored.low))
    assert found.p_above(0.1) == pytest.approx(mirrored.p_below(-0.1))


def test_a_difference_without_any_noise() -> None:
    same = np.ones((3, 10), dtype=bool)
    assert difference(same, same).p == 1
    found = difference(same, ~same)
    assert (found.mean, found.low, found.high, found.p) == (1, 1, 1, 0)


def test_coverage_with_seeds_and_images_that_matter() -> None:
    """Sums of squares are drawn by their distributions; the worst cells of a wide grid."""
    random = np.random.default_rng(0)
    for num_seeds, num_images, spread, lasting in [
        (3, 600, 0.03, 0.05),
        (5, 600, 0.03, 0.1),
        (5, 10_000, 0.01, 0.1),
    ]:
        seeds, images, rest = 2 * spread**2, lasting, 0.1
        free, draws = (num_seeds - 1) * (num_images - 1), 10_000
        means = random.normal(
            0,
            (seeds / num_seeds + images / num_images + rest / num_seeds / num_images) ** 0.5,
            draws,
        )
        squares = MeanSquares(
            (num_images * seeds + rest) * random.chisquare(num_seeds - 1, draws) / (num_seeds - 1),
            (num_seeds * images + rest)
            * random.chisquare(num_images - 1, draws)
            / (num_images - 1),
            rest * random.chisquare(free, draws) / free,
            num_seeds,
            num_images,
        )
        assert np.mean(np.abs(means) <= half_width(squares)) > 0.93
        assert np.mean(p_above(means, squares) < 0.025) < 0.035


def test_many_pairs_at_once_are_the_pairs_one_by_one() -> None:
    cells = np.random.default_rng(0).integers(-1, 2, (6, 3, 20))
    together = mean_squares(cells)
    alone = [mean_squares(each) for each in cells]
    assert together.seeds == pytest.approx([each.seeds for each in alone])
    assert half_width(together) == pytest.approx([half_width(each) for each in alone])


def test_equivalence_against_statsmodels() -> None:
    """Where only seeds matter, it is the usual pair of one-sided paired t tests."""
    one, other = np.array([0.71, 0.69, 0.72, 0.70]), np.array([0.70, 0.70, 0.71, 0.70])
    values = one - other
    seeds = 100 * values.var(ddof=1)
    found = Difference(float(values.mean()), tuple(values), MeanSquares(seeds, 0, 0, 4, 100))
    assert equivalence(found, 0.02) == pytest.approx(ttost_paired(one, other, -0.02, 0.02)[0])


def test_by_class(make_runs: Make) -> None:
    one, other = make_runs("one", 0.6), make_runs("other", 0.6)
    dogs = one.labels == 1
    better = one.predicted.copy()
    better[:, dogs] = 1
    found = by_class(replace(one, predicted=better), other)
    assert [each.name for each in found if each.p_adjusted < 0.01] == ["dog"]
    alone = difference(better[:, dogs] == 1, other.correct[:, dogs])
    assert found[1].difference.mean == pytest.approx(alone.mean)
    raw = [each.difference.p for each in found]
    assert [each.p_adjusted for each in found] == pytest.approx(
        multipletests(raw, method="holm")[1]
    )


def test_by_cell(make_runs: Make) -> None:
    one, other = make_runs("one", 0.9), make_runs("other", 0.9)
    moved = one.predicted.copy()
    moved[:, np.flatnonzero(one.labels == 0)[::3]] = 3
    found = by_cell(replace(one, predicted=moved), other)
    assert len(found) == 12
    assert [each.name for each in found if each.p_adjusted < 0.01] == ["cat as frog"]
    cats = one.labels == 0
    share = (moved[:, cats] == 3).mean() - (other.predicted[:, cats] == 3).mean()
    assert next(x for x in found if x.name == "cat as frog").difference.mean == pytest.approx(share)


def test_chance_alone_changes_few_classes_and_cells(make_runs: Make) -> None:
    pairs = [(make_runs("a", 0.7, seed=k), make_runs("b", 0.7, seed=k)) for k in range(20)]
    assert sum(min(c.p_adjusted for c in by_class(*pair)) < 0.05 for pair in pairs) <= 3
    assert sum(min(c.p_adjusted for c in by_cell(*pair)) < 0.05 for pair in pairs) <= 3


def test_a_lead_over_another_gain(make_runs: Make) -> None:
    arm, base = make_runs("arm", 0.8), make_runs("base", 0.7)
    control, own = make_runs("control", 0.6), make_runs("own", 0.6)
    gains = compare(arm, base).mean - compare(control, own).mean
    assert lead(arm, base, control, own).mean == pytest.approx(gains)
    same = lead(arm, base, control, base)
    assert (same.mean, same.low) == pytest.approx(
        (compare(arm, control).mean, compare(arm, control).low)
    )


LABELS = np.array([0, 1, 2, 3] * 3)
RUN = {0: LABELS, 1: LABELS}


@pytest.mark.parametrize(
    ("predicted", "labels", "said"),
    [
        ({0: LABELS}, LABELS, "1 seed.*at least 2"),
        ({0: LABELS, 1: LABELS[:-1]}, LABELS, "seed 1: 11 predictions for 12 test images"),
        (
            {0: LABELS, 1: np.where(LABELS == 3, -1, LABELS)},
            LABELS,
            "no prediction for test image 3",
        ),
        ({0: LABELS % 3, 1: LABELS % 3}, LABELS % 3, "no image of frog"),
        (RUN, LABELS + 1, "labels must lie between 0 and 3"),
    ],
)
def test_predictions_that_cannot_be_judged(
    predicted: dict[int, np.ndarray], labels: np.ndarray, said: str
) -> None:
    with pytest.raises(DataError, match=said):
        gather("arm", predicted, labels, ("cat", "dog", "ship", "frog"))


def test_arms_that_cannot_be_compared() -> None:
    names = ("cat", "dog", "ship", "frog")
    arm = gather("arm", RUN, LABELS, names)
    with pytest.raises(DataError, match="not paired: run both at the same seeds"):
        compare(arm, gather("other", RUN | {2: LABELS}, LABELS, names))
    with pytest.raises(DataError, match="different test sets"):
        compare(arm, gather("other", RUN, LABELS[::-1].copy(), names))
    with pytest.raises(DataError, match="has no run of seed 7; it has 0, 1"):
        arm.only([0, 7])
    three = gather("other", RUN | {2: LABELS}, LABELS, names)
    assert compare(arm, three.only(arm.seeds)).mean == 0
