import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

from synthmix.errors import DataError
from synthmix.evaluation.crossed import (
    FEW,
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
from synthmix.evaluation.statistics import holm, paired

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
    assert found.mean == 1
    assert 0.5 < found.low < 1 < found.high
    assert 0.001 < found.p < 0.01  # the sign test of ten images has 0.002


@pytest.mark.parametrize("num_seeds", [2, 3, 5])
@pytest.mark.parametrize(
    ("num_images", "is_shown"),
    [(8, False), (80, False), (800, False), (990, False), (1100, True), (10_000, True)],
)
def test_none_of_n_leaves_three_open(num_seeds: int, num_images: int, is_shown: bool) -> None:
    """The rule of three: 0.3 points take 1,000 images on which two arms never differ."""
    right = np.arange(num_images) % 7 > 0
    found = difference(np.tile(right, (num_seeds, 1)), np.tile(right, (num_seeds, 1)))
    assert (equivalence(found, 0.003) < 0.05) == is_shown
    assert 3 <= num_images * found.high <= 4.5
    assert found.low == -found.high


@pytest.mark.parametrize("num_differ", [0, 1, 2, 3, 5, 10, 15])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_what_was_missed_ends_at_the_exact_bound(num_differ: int, level: float) -> None:
    """Clopper & Pearson 1934: few images of which one arm alone gets all right."""
    num_images = 5000
    cells = np.tile(np.arange(num_images) < num_differ, (3, 1))
    _, high = difference(cells, np.zeros_like(cells)).interval(level)
    exact = stats.binomtest(num_differ, num_images).proportion_ci(level).high
    assert 0.99 * exact < high < 1.18 * exact


@pytest.mark.parametrize("num_differ", range(4, 25))
def test_a_gain_on_few_images_is_no_surer_than_the_sign_test(num_differ: int) -> None:
    cells = np.tile(np.arange(200) < num_differ, (2, 1))
    found = difference(cells, np.zeros_like(cells))
    assert found.p_above() >= 0.5**num_differ


def test_many_images_that_differ_are_left_as_they_are() -> None:
    """To the last digit the three tests of the crossed model."""
    for seed in range(20):
        found = difference(*outcomes(3, 80, seed))
        assert found.squares.seen < FEW
        found = difference(*outcomes(3, 200, seed))
        assert found.squares.seen > FEW
        errors, free = found.squares.errors()
        half = (stats.t.ppf(0.975, free) * errors).max()
        assert found.interval(0.95) == (found.mean - half, found.mean + half)
        t = np.divide(found.mean + 1, errors, out=np.full(3, np.inf), where=errors > 0)
        assert found.p_above(-1) == stats.t.sf(t, free).max()


Matrices = st.tuples(st.integers(2, 5), st.integers(1, 60)).flatmap(
    lambda shape: arrays(np.int8, shape, elements=st.integers(-1, 1))
)


@given(Matrices, st.lists(st.floats(-1, 1), min_size=2, max_size=6))
def test_whatever_the_outcomes_an_interval_has_a_width(
    cells: np.ndarray, bounds: list[float]
) -> None:
    found = difference(cells, np.zeros_like(cells))
    assert np.isfinite([found.low, found.high]).all()
    assert found.low < found.mean < found.high
    assert 0 < found.p <= 1
    above = [found.p_above(bound) for bound in sorted(bounds)]
    assert all(0 < p <= 1 for p in above)
    assert above == sorted(above)
    for bound, p in zip(sorted(bounds), above, strict=True):
        assert p + found.p_below(bound) >= 1 - 1e-12
        assert (bound < found.interval(0.9)[0]) == (p < 0.05) or abs(p - 0.05) < 1e-9


def test_no_difference_is_impossible() -> None:
    cells = np.ones((3, 4000), dtype=np.int8)
    cells[:, :40] = 0
    assert 0 < difference(cells, -cells).p < 1e-300


def test_a_class_of_one_image_has_no_difference(make_runs: Make) -> None:
    one, other = make_runs("one", 0.8, num_images=40), make_runs("other", 0.6, num_images=40)
    keep = np.flatnonzero((one.labels != 2) & (one.labels != 3) | (np.arange(40) == 2))
    few = [replace(e, predicted=e.predicted[:, keep], labels=e.labels[keep]) for e in (one, other)]
    found = by_class(few[0], few[1])
    assert [each.num_images for each in found] == [10, 10, 1, 0]
    assert [each.difference is None for each in found] == [False, False, True, True]
    assert [each.p_adjusted is None for each in found] == [False, False, True, True]
    p = [each.difference.p for each in found[:2] if each.difference]
    assert [each.p_adjusted for each in found[:2]] == holm(p)
    assert not {each.name for each in by_cell(few[0], few[1])} & {"ship as cat", "ship as dog"}


@pytest.mark.parametrize(("num_classes", "num_images"), [(2, 50), (7, 4), (30, 3)])
def test_all_cells_at_once_are_the_cells_one_by_one(num_classes: int, num_images: int) -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(num_classes), num_images)
    names = tuple(map(str, range(num_classes)))
    one, other = (
        gather(
            arm, {s: random.integers(0, num_classes, len(labels)) for s in range(3)}, labels, names
        )
        for arm in ("one", "other")
    )
    each_alone = {
        f"{true} as {seen}": difference(
            one.predicted[:, labels == true] == seen, other.predicted[:, labels == true] == seen
        )
        for true in range(num_classes)
        for seen in range(num_classes)
        if true != seen
    }
    p = stats.false_discovery_control([each.p for each in each_alone.values()])
    adjusted = dict(zip(each_alone, p.tolist(), strict=True))
    found = by_cell(one, other)
    assert {each.name: each.difference for each in found}.items() <= each_alone.items()
    assert {each.name: each.p_adjusted for each in found}.items() <= adjusted.items()
    absent = each_alone.keys() - {each.name for each in found}
    assert all(each_alone[name].mean == 0 and adjusted[name] == 1 for name in absent)


def test_a_thousand_classes_take_a_second() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(1000), 5)
    names = tuple(map(str, range(1000)))
    one, other = (
        gather(arm, {s: random.permutation(labels) for s in range(2)}, labels, names)
        for arm in ("one", "other")
    )
    began = time.process_time()
    assert len(by_cell(one, other)) > 15_000
    assert time.process_time() - began < 5  # one by one they would take minutes


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
    squares = MeanSquares(10_000 * values.var(ddof=1), 0, 0, 4, 10_000)
    found = Difference(float(values.mean()), tuple(values), squares)
    assert equivalence(found, 0.02) == pytest.approx(ttost_paired(one, other, -0.02, 0.02)[0])


def test_by_class(make_runs: Make) -> None:
    one, other = make_runs("one", 0.6), make_runs("other", 0.6)
    dogs = one.labels == 1
    better = one.predicted.copy()
    better[:, dogs] = 1
    found = by_class(replace(one, predicted=better), other)
    assert [each.name for each in found if (each.p_adjusted or 1) < 0.01] == ["dog"]
    alone = difference(better[:, dogs] == 1, other.correct[:, dogs])
    assert found[1].difference == alone
    raw = [each.difference.p for each in found if each.difference is not None]
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
