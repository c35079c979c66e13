"""Scores on other images: the metrics themselves, paired as a verdict pairs them."""

import numpy as np
import pytest

from synthmix.evaluation.crossed import compare
from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.evaluation.runs import gather
from synthmix.evaluation.shift import Scored, mean, scored
from synthmix.evaluation.statistics import over_seeds, paired
from synthmix.registry import Registry

METRICS: Registry[Metric] = Registry("synthmix.evaluation.metrics", "Metric")
LABELS = np.arange(200) % 4
NAMES = ("a", "b", "c", "d")


def logits(seeds: int, skill: float, seed: int) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    right = np.eye(4)[LABELS]
    return [
        (skill * right + random.normal(0, 1, right.shape)).astype(np.float32) for _ in range(seeds)
    ]


def test_scores_are_the_metrics_of_each_run() -> None:
    runs = logits(3, 2.0, 0)
    found = scored(runs, LABELS).scores()
    assert set(found) == set(METRICS.names())
    for name, score in found.items():
        metric = METRICS.build(name, {})
        values = [metric.compute(Predictions(each, LABELS)) for each in runs]
        assert score == over_seeds(values)


def test_a_difference_in_accuracy_is_that_of_a_verdict() -> None:
    one, other = logits(3, 2.0, 0), logits(3, 1.0, 1)
    runs = [
        gather(name, {s: each.argmax(axis=1) for s, each in enumerate(found)}, LABELS, NAMES)
        for name, found in (("one", one), ("other", other))
    ]
    less = scored(one, LABELS).less(scored(other, LABELS))
    assert less["accuracy"] == compare(*runs).score
    mine, theirs = scored(one, LABELS).numbers["nll"], scored(other, LABELS).numbers["nll"]
    assert less["nll"] == paired(mine, theirs)


def test_seeds_that_one_arm_lacks_are_left_out() -> None:
    one, other = scored(logits(5, 2.0, 0), LABELS), scored(logits(3, 1.0, 1), LABELS)
    assert len(one.less(other)["accuracy"].values) == 3
    assert len(other.less(one)["ece"].values) == 3


def test_one_seed_has_no_interval() -> None:
    one, other = scored(logits(1, 2.0, 0), LABELS), scored(logits(1, 1.0, 1), LABELS)
    assert {score.low for score in one.less(other).values()} == {None}


def test_a_mean_over_versions_is_taken_seed_by_seed_and_image_by_image() -> None:
    many = [scored(logits(2, skill, 0), LABELS) for skill in (0.5, 1.0, 2.0)]
    found = mean(many)
    assert isinstance(found, Scored)
    for seed in range(2):
        accuracies = [each.numbers["accuracy"][seed] for each in many]
        assert found.numbers["accuracy"][seed] == pytest.approx(np.mean(accuracies))
        assert found.correct[seed].mean() == pytest.approx(np.mean(accuracies))
    # images that are right in one version only count for a third: less noise than one version
    one, other = (mean([scored(logits(2, s, k), LABELS) for k in range(6)]) for s in (1.0, 0.8))
    wide = scored(logits(2, 1.0, 0), LABELS).less(scored(logits(2, 0.8, 9), LABELS))["accuracy"]
    narrow = one.less(other)["accuracy"]
    assert narrow.low is not None and wide.low is not None  # noqa: PT018
    assert narrow.mean - narrow.low < wide.mean - wide.low
