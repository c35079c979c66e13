"""From a record of a finished study to `results.json`: everything a report says is in it."""

from dataclasses import asdict
from typing import Any

import numpy as np

from synthmix.analyses import ANALYSES, Evidence, generator_scores, robustness, verdict
from synthmix.analyses.predicted import Predicted
from synthmix.analyses.record import (
    LOGITS,
    RUNS,
    ArmRecord,
    Record,
    logits_in,
    validation_in,
)
from synthmix.arms import Arm
from synthmix.errors import ArtifactError
from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.evaluation.statistics import over_seeds, paired
from synthmix.registry import Registry
from synthmix.store import Artifact, read_json, signed
from synthmix.types import Labels, Score
from synthmix.versions import differing, joined

METRICS: Registry[Metric] = Registry("synthmix.evaluation.metrics", "Metric")
SCHEMA = 1
"""Raised when a reader of earlier results would misread later ones."""

INTERVAL = "95 % Student t interval over seeds; differences paired by seed"

Runs = dict[str, list[dict[str, Any]]]
"""What results store of each run, by arm, a seed each."""


def compute(record: Record) -> dict[str, Any]:
    """Return every number, from the stored predictions; raises ArtifactError where a run lacks."""
    predicted = Predicted()
    runs = {
        name: [_run(record, name, seed, predicted) for seed in range(len(arm.runs))]
        for name, arm in record.arms.items()
    }
    names = [each for arm in record.arms.values() for each in arm.runs]
    made_with = joined([read_json(record.folder / RUNS / e / "manifest.json") for e in names])
    comparators, compared = verdict.comparators(record, predicted)
    arms = [_arm(record, arm, runs) for arm in record.basis.contrasts.arms.values()]
    shown = {key: value for key, value in record.head.items() if key != "study_seed"}
    results = {
        **shown,
        "schema": SCHEMA,
        "baseline": record.real,
        "metrics": {name: _metric(name) for name in METRICS.names()},
        "interval": INTERVAL,
        "versions": made_with,
        "arms": arms,
        "notes": [*record.notes, *differing(made_with)],
        "duplicates": record.duplicates,
        "prompts": record.prompts,
        "verdict": verdict.of(record.basis, record.arms, predicted, record.duplicates),
        "robustness": robustness.of(record, comparators),
        "classification_accuracy_scores": generator_scores.of(record, compared),
    }
    found = _further(Evidence(record, predicted, compared, comparators))
    return signed(results | ({"analyses": found} if found else {}))


def _further(evidence: Evidence) -> dict[str, Any]:
    """Return what further analyses found, with the sections that they declare."""
    found = {name: ANALYSES.build(name, {}).find(evidence) for name in ANALYSES.names()}
    return {
        name: {
            "value": each.value,
            "section": None if each.section is None else asdict(each.section),
        }
        for name, each in found.items()
        if each is not None
    }


def _metric(name: str) -> dict[str, Any]:
    metric = METRICS.get(name)
    low, high = (None if np.isinf(bound) else bound for bound in metric.bounds)
    return {"direction": metric.direction, "bounds": [low, high], "summary": METRICS.summary(name)}


def _run(record: Record, arm: str, seed: int, predicted: Predicted) -> dict[str, Any]:
    name = record.arms[arm].runs[seed]
    artifact = record.run(name)
    predictions = predictions_of(artifact, record.basis.labels)
    validation = validation_in(artifact)
    predicted.add(arm, seed, predictions.predicted, validation)
    numbers = {key: METRICS.build(key, {}).compute(predictions) for key in METRICS.names()}
    return {
        "seed": seed,
        "artifact": name,
        **numbers,
        "validation_accuracy": _accuracy(validation, record.basis.validation_labels),
        "per_class_accuracy": predictions.per_class_accuracy,
        "confusion": predictions.confusion.tolist(),
    }


def predictions_of(artifact: Artifact, labels: Labels) -> Predictions:
    """Return a run's stored predictions of the test images; raises ArtifactError where missing."""
    logits = logits_in(artifact, LOGITS)
    if len(logits) != len(labels):
        raise ArtifactError(
            f"{artifact.path.name} holds {len(logits)} predictions for {len(labels)} test images."
        )
    return Predictions(logits, labels)


def _accuracy(validation: Labels | None, labels: Labels) -> float | None:
    return None if validation is None else float((validation == labels).mean())


def _arm(record: Record, arm: Arm, runs: Runs) -> dict[str, Any]:
    mine, baseline = runs[arm.name], runs[record.real]
    drawn: ArmRecord = record.arms[arm.name]
    return {
        "name": arm.name,
        "source": "+".join(arm.sources) or None,
        "ratio": arm.ratio,
        "control": arm.control,
        "of": arm.of,
        "num_real": drawn.num_real,
        "num_synthetic": drawn.num_synthetic,
        "per_class_real": list(drawn.per_class_real),
        "per_class_synthetic": list(drawn.per_class_synthetic),
        "runs": mine,
        "scores": {key: _over(mine, key) for key in METRICS.names()}
        | {"per_class_accuracy": _per_class(mine, None)},
        "difference": None
        if arm.role == "real"
        else {key: _over(mine, key, baseline) for key in METRICS.names()}
        | {"per_class_accuracy": _per_class(mine, baseline)},
    }


def _over(
    runs: list[dict[str, Any]], key: str, baseline: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    values = [run[key] for run in runs]
    if baseline is None:
        return _score(over_seeds(values))
    return _score(paired(values, [run[key] for run in baseline[: len(runs)]]))


def _per_class(
    runs: list[dict[str, Any]], baseline: list[dict[str, Any]] | None
) -> list[dict[str, Any]]:
    found = []
    for label in range(len(runs[0]["per_class_accuracy"])):
        values = [run["per_class_accuracy"][label] for run in runs]
        if baseline is None:
            found.append(_score(over_seeds(values)))
        else:
            others = [run["per_class_accuracy"][label] for run in baseline[: len(runs)]]
            found.append(_score(paired(values, others)))
    return found


def _score(score: Score) -> dict[str, Any]:
    values = list(score.values)
    return {"mean": score.mean, "low": score.low, "high": score.high, "values": values}
