"""Which generator is closest, and which labels are wrong, from runs that are known."""

from collections.abc import Callable

import numpy as np
import pytest

from synthmix.evaluation.closeness import (
    Pair,
    accuracy,
    cells,
    closest,
    confusion,
    pairs,
    per_class,
)
from synthmix.evaluation.crossed import Difference, MeanSquares
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.statistics import holm, over_seeds

NAMES = ("cat", "dog", "ship")
REAL = np.array([[90, 10, 0], [5, 95, 0], [0, 0, 100]])
MADE = np.array([[20, 5, 0], [15, 10, 0], [1, 0, 24]])


def test_confusion_counts_true_against_predicted_classes() -> None:
    labels = np.array([0, 0, 1, 2, 2])
    seen = np.array([0, 1, 1, 2, 0])
    expected = [[1, 1, 0], [0, 1, 0], [1, 0, 1]]
    assert confusion(seen, labels, 3).tolist() == expected
    assert accuracy([confusion(seen, labels, 3)]).mean == pytest.approx(3 / 5)


def test_cells_are_sorted_by_what_exceeds_the_real_images() -> None:
    found = cells([MADE, MADE], [REAL, REAL], NAMES)
    assert [cell.name for cell in found] == ["dog as cat", "cat as dog", "ship as cat"]
    first = found[0]
    assert first.share.mean == pytest.approx(0.6)
    assert first.real_share == pytest.approx(0.05)
    assert first.excess.mean == pytest.approx(0.55)
    assert first.num_images == 25


def test_a_class_without_images_has_no_score() -> None:
    empty = MADE.copy()
    empty[2] = 0
    told = per_class([MADE, empty])
    assert told[2] is None
    assert told[0] is not None
    assert told[0].mean == pytest.approx(0.8)


Maker = Callable[..., Runs]


def test_the_best_is_named_only_where_it_beats_every_other(make_runs: Maker) -> None:
    runs = {name: make_runs(name, value) for name, value in (("a", 0.7), ("b", 0.8), ("c", 0.7))}
    told = pairs(runs)
    assert [each.p_adjusted for each in told] == holm([each.difference.p for each in told])
    name, sentence = closest(_scores(runs), told)
    assert name == "b"
    assert "'b'" in sentence
    assert "is the closest to the real images" in sentence


def test_what_cannot_be_told_apart_is_said(make_runs: Maker) -> None:
    runs = {"a": make_runs("a", 0.8), "b": make_runs("b", 0.8), "c": make_runs("c", 0.6)}
    name, sentence = closest(_scores(runs), pairs(runs))
    assert name is None
    assert "not distinguishable from" in sentence
    assert "'c'" not in sentence


@pytest.mark.parametrize(
    ("names", "words"), [((), "No arm was trained"), (("a",), "There is one generator")]
)
def test_nothing_to_compare_is_said(names: tuple[str, ...], words: str, make_runs: Maker) -> None:
    runs = {name: make_runs(name, 0.8) for name in names}
    found, sentence = closest(_scores(runs), [])
    assert found is None
    assert words in sentence


def test_pairs_with_unequal_seeds_are_compared_at_the_common_ones(make_runs: Maker) -> None:
    one, other = make_runs("a", 0.8, seeds=5), make_runs("b", 0.7, seeds=3)
    (pair,) = pairs({"b": other, "a": one})
    assert pair.better == "a"
    assert len(pair.difference.values) == 3


def test_the_highest_mean_over_all_seeds_is_not_the_closest_where_common_seeds_say_otherwise() -> (
    None
):
    a, b = [0.80, 0.80, 0.80], [0.83, 0.83, 0.831, *[0.75] * 6]
    runs = {"a": over_seeds(a), "b": over_seeds(b)}
    assert runs["a"].mean > runs["b"].mean
    pattern = np.array([0.03, 0.03, 0.031])
    squares = MeanSquares(1000 * float(pattern.var(ddof=1)), 0.02, 0.02, 3, 1000)
    told = Pair("b", "a", Difference(float(pattern.mean()), tuple(pattern.tolist()), squares), 0.01)
    name, sentence = closest(runs, [told])
    assert name is None
    assert "not distinguishable from 'b', which is ahead by +3.03 points" in sentence


def test_equal_generators_are_seldom_told_apart(make_runs: Maker) -> None:
    named = 0
    for world in range(200):
        runs = {
            name: make_runs(name, 0.8, seeds=3, num_images=400, spread=0.01, seed=world)
            for name in ("a", "b", "c")
        }
        named += closest(_scores(runs), pairs(runs))[0] is not None
    # nominally at most 5 % of 200; 21 has a chance of 0.1 % there
    assert named <= 21


def _scores(runs: dict[str, Runs]) -> dict[str, object]:
    return {name: over_seeds(each.accuracy.tolist()) for name, each in runs.items()}
