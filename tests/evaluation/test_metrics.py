"""Metrics: a contract over every file, closed forms, and independent implementations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import (
    accuracy_score,
    brier_score_loss,
    confusion_matrix,
    log_loss,
    recall_score,
)

from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.registry import Registry

METRICS: Registry[Metric] = Registry("synthmix.evaluation.metrics", "Metric")
NAMES = METRICS.names()


def predictions(seed: int, count: int = 200, classes: int = 5, skill: float = 1.0) -> Predictions:
    random = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), random.integers(0, classes, count - classes)])
    logits = random.normal(size=(count, classes)).astype(np.float32)
    logits[np.arange(count), labels] += skill
    return Predictions(logits, labels.astype(np.int64))


def value(name: str, of: Predictions) -> float:
    return METRICS.build(name, {}).compute(of)


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=25)
@given(st.integers(0, 10_000), st.floats(-3, 8))
def test_within_bounds_and_independent_of_order(name: str, seed: int, skill: float) -> None:
    one = predictions(seed, skill=skill)
    low, high = METRICS.get(name).bounds
    assert low - 1e-12 <= value(name, one) <= high + 1e-12
    order = np.random.default_rng(seed).permutation(len(one.labels))
    other = Predictions(one.logits[order], one.labels[order])
    assert value(name, other) == pytest.approx(value(name, one), abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_a_perfect_classifier_is_at_its_best(name: str) -> None:
    perfect = value(name, predictions(0, skill=1000.0))
    best = METRICS.get(name).bounds[METRICS.get(name).direction == "higher"]
    assert perfect == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_against_scikit_learn(seed: int) -> None:
    one = predictions(seed)
    probabilities = softmax(one.logits.astype(np.float64), axis=1)
    assert value("accuracy", one) == accuracy_score(one.labels, one.predicted)
    assert value("nll", one) == pytest.approx(log_loss(one.labels, probabilities))
    brier = brier_score_loss(one.labels, probabilities, labels=range(5), scale_by_half=False)
    assert value("brier", one) == pytest.approx(brier)
    assert np.array_equal(one.confusion, confusion_matrix(one.labels, one.predicted))
    assert one.per_class_accuracy == pytest.approx(
        recall_score(one.labels, one.predicted, average=None).tolist()
    )


def test_a_classifier_that_knows_nothing() -> None:
    none = Predictions(np.zeros((40, 4), dtype=np.float32), np.arange(40) % 4)
    assert value("nll", none) == pytest.approx(np.log(4))
    assert value("brier", none) == pytest.approx(0.75)
    # confidence 1/4, and class 0 is right a quarter of the time
    assert value("ece", none) == pytest.approx(0.0, abs=1e-9)


def test_calibration_error_in_closed_form() -> None:
    # ten images at 90 % confidence of which six are right: |0.6 - 0.9|
    logits = np.log(np.tile([0.9, 0.1], (10, 1))).astype(np.float32)
    labels = np.array([0] * 6 + [1] * 4)
    assert value("ece", Predictions(logits, labels)) == pytest.approx(0.3, abs=1e-6)
