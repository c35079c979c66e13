"""From stored predictions to `results.json`: everything a report says is in it."""

import os
import platform
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import synthmix
from synthmix.aside import unused
from synthmix.errors import ArtifactError
from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions
from synthmix.evaluation.statistics import over_seeds, paired
from synthmix.images import resized
from synthmix.mixing import Arm
from synthmix.registry import Registry
from synthmix.report.pictures import STUDY
from synthmix.store import (
    Artifact,
    is_altered,
    json_text,
    read_json,
    replacing,
    signed,
    write_json,
)
from synthmix.study import concerns, leaks, looks, stored, verdict, versions, wording
from synthmix.study.file import Study, SyntheticSet, component_settings
from synthmix.study.looks import Wanted
from synthmix.study.predicted import Predicted
from synthmix.study.stages import order, stage_named
from synthmix.study.stages._work import seconds_of
from synthmix.study.workspace import Workspace, results_path
from synthmix.types import ImageSet, Labels, Pixels, Score

METRICS: Registry[Metric] = Registry("synthmix.evaluation.metrics", "Metric")
BASELINE = "real"
SAMPLES = 8
THUMBNAIL = 96


def evaluate(study: Study, warned: Callable[[str], None] | None = None) -> Path:
    """Compute every number from the stored predictions; returns the path of `results.json`.

    `warned` is told where other results went. Raises ArtifactError where a run is missing.
    """
    return write(study, compute(study), warned)


def compute(study: Study) -> dict[str, Any]:
    """Return every number, from the stored predictions; raises ArtifactError where a run lacks."""
    workspace = Workspace(study)
    wanted = looks.wanted(workspace)
    predicted = Predicted()
    runs = {
        arm.name: [_run(workspace, arm, run, predicted) for run in range(wanted.arms[arm.name])]
        for arm in workspace.arms()
    }
    arms = [_arm(workspace, arm, runs) for arm in workspace.arms()]
    folder = study.output / "runs"
    artifacts = [each["artifact"] for found in runs.values() for each in found]
    made_with = versions.joined([read_json(folder / each / "manifest.json") for each in artifacts])
    notes = _notes(study, workspace, wanted) + versions.differing(made_with)
    results = {**_head(study, workspace, wanted, made_with), "arms": arms, "notes": notes}
    results["duplicates"] = leaks.found_in(workspace, wanted.sets)
    results["prompts"] = wording.of(workspace)
    results["verdict"] = verdict.of(workspace, predicted, results["duplicates"])
    results |= verdict.beyond(workspace, predicted, wanted.sets)
    return signed(results)


def write(
    study: Study, results: dict[str, Any], warned: Callable[[str], None] | None = None
) -> Path:
    """Write `results.json` with its samples and times; other results are renamed and kept."""
    workspace, path = Workspace(study), results_path(study.output)
    kept = _keep_other(path, results)
    if kept is not None and warned is not None:
        warned(f"{path} held other results; they are kept as {kept.name}.")
    write_json(path, results)
    _write_beside(workspace)
    return path


def write_beside(study: Study) -> None:
    """Write what a report shows besides `results.json`: `samples.npz` and `timing.json`."""
    _write_beside(Workspace(study))


def _write_beside(workspace: Workspace) -> None:
    output = workspace.study.output
    _write_samples(workspace, output / "samples.npz")
    write_json(output / "timing.json", _timing(workspace))


def _head(
    study: Study, workspace: Workspace, wanted: Wanted, made_with: dict[str, str]
) -> dict[str, Any]:
    resolved = study.resolved()
    return {
        "synthmix": synthmix.__version__,
        "schema": 1,
        "name": study.name,
        "study_fingerprint": study.fingerprint,
        "declared": _declared(study),
        "reduced_budget": study.reduced_budget,
        "redeclared": _redeclared(study),
        "class_names": list(workspace.class_names),
        "image_size": workspace.image_size,
        "baseline": BASELINE,
        "mixing": resolved["mixing"],
        "seeds": study.seeds,
        "training": resolved["training"],
        "real": {
            "source": resolved["real"]["use"],
            "settings": resolved["real"],
            "num_train": len(workspace.train_rows),
            "num_pool": workspace.num_pool,
            "num_validation": len(workspace.validation_rows),
            "num_test": len(workspace.test),
            "fingerprint": workspace.train.fingerprint,
            "test_fingerprint": workspace.test.fingerprint,
        },
        "synthetic": {
            each.name: _set(workspace, each, wanted.sets[each.name]) for each in study.synthetic
        },
        "metrics": {name: _metric(name) for name in METRICS.names()},
        "interval": "95 % Student t interval over seeds; differences paired by seed",
        "versions": made_with,
        "device": workspace.machine()["device"],
        "precision": workspace.machine()["precision"],
    }


def _redeclared(study: Study) -> str | None:
    """Return the file with this study's earlier hypotheses where they were changed since it began.

    A sentence that was written when results were known is no prediction.
    """
    for path in sorted(study.output.glob("resolved-*.json")):
        try:
            before = read_json(path)
        except ArtifactError:
            continue  # damaged, and put aside for that
        is_study = isinstance(before, dict) and "hypotheses" in before and not is_altered(before)
        if is_study and before["hypotheses"] != list(study.hypotheses):
            return path.name
    return None


def _declared(study: Study) -> list[str]:
    found = []
    if study.reduced_budget:
        found.append(
            "This study declares a reduced budget: its accuracies lie below what a full recipe "
            "reaches, and its differences speak of this budget alone."
        )
    if study.seeds < 3:
        found.append(f"Only {study.seeds} seed(s): at least 3 are needed to screen, 5 to confirm.")
    return found


def _metric(name: str) -> dict[str, Any]:
    metric = METRICS.get(name)
    low, high = (None if np.isinf(bound) else bound for bound in metric.bounds)
    return {"direction": metric.direction, "bounds": [low, high], "summary": METRICS.summary(name)}


def _set(workspace: Workspace, each: SyntheticSet, seeds: int) -> dict[str, Any]:
    if each.generator is None:
        assert each.images is not None
        images = workspace.synthetic(each.name, 0)
        settings = component_settings(each.images)
        return {
            "generator": None,
            "images": settings,
            "per_class": len(images) // images.num_classes,
            "fitted_per_seed": False,
            "terms": "as the images' owner states",
            "artifacts": [],
        }
    return {
        "generator": component_settings(each.generator)["use"],
        "settings": component_settings(each.generator),
        "per_class": each.per_class,
        "fitted_per_seed": each.is_fitted,
        "terms": each.generator.terms,
        "artifacts": [workspace.synthetic_artifact(each, run).path.name for run in range(seeds)],
    }


def _run(workspace: Workspace, arm: Arm, run: int, predicted: Predicted) -> dict[str, Any]:
    artifact = workspace.run_artifact(arm, run)
    predictions = predictions_of(artifact, workspace.test)
    validation = stored.validation(artifact)
    predicted.add(arm.name, run, predictions.predicted, validation)
    numbers = {name: METRICS.build(name, {}).compute(predictions) for name in METRICS.names()}
    return {
        "seed": run,
        "artifact": artifact.path.name,
        **numbers,
        "validation_accuracy": _accuracy(validation, workspace),
        "per_class_accuracy": predictions.per_class_accuracy,
        "confusion": predictions.confusion.tolist(),
    }


def predictions_of(artifact: Artifact, test: ImageSet) -> Predictions:
    """Return a run's stored predictions of the test images; raises ArtifactError where missing."""
    logits = stored.logits_in(artifact, stored.LOGITS)
    if len(logits) != len(test):
        raise ArtifactError(
            f"{artifact.path.name} holds {len(logits)} predictions for {len(test)} test images."
        )
    return Predictions(logits, test.labels)


def _accuracy(validation: Labels | None, workspace: Workspace) -> float | None:
    if validation is None:
        return None
    return float((validation == workspace.train.labels[workspace.validation_rows]).mean())


def _arm(workspace: Workspace, arm: Arm, runs: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    mine, baseline = runs[arm.name], runs[BASELINE]
    drawn = workspace.mixture(arm, 0)
    real = np.bincount(workspace.train.labels[drawn.real], minlength=len(workspace.class_names))
    return {
        "name": arm.name,
        "source": "+".join(arm.sources) or None,
        "ratio": arm.ratio,
        "control": arm.control,
        "of": arm.of,
        "num_real": drawn.num_real,
        "num_synthetic": drawn.num_synthetic,
        "per_class_real": real.tolist(),
        "per_class_synthetic": _synthetic_per_class(workspace, drawn.synthetic),
        "runs": mine,
        "scores": {key: _over(mine, key) for key in METRICS.names()}
        | {"per_class_accuracy": _per_class(mine, None)},
        "difference": None
        if arm.name == BASELINE
        else {key: _over(mine, key, baseline) for key in METRICS.names()}
        | {"per_class_accuracy": _per_class(mine, baseline)},
    }


def _synthetic_per_class(workspace: Workspace, rows: Any) -> list[int]:
    supply = workspace.supply(0)
    counts = np.zeros(len(workspace.class_names), dtype=np.int64)
    for name, chosen in rows.items():
        counts += np.bincount(supply.synthetic[name][chosen], minlength=len(counts))
    found: list[int] = counts.tolist()
    return found


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


def _notes(study: Study, workspace: Workspace, wanted: Wanted) -> list[str]:
    found = [
        f"Every arm took {study.recipe.steps} optimiser steps of {study.recipe.batch_size} images "
        "(controls named half-steps half as many); the last weights (averaged over steps where "
        "ema_decay is above 0) were evaluated; nothing was chosen on the test set."
    ]
    if any(each.is_fitted for each in study.synthetic) and study.mixing.settings().get("ratios"):
        found.append(
            "Generators were fitted on the whole real pool of their seed, so an arm that replaces "
            "real images uses a generator that saw real images the arm itself lacks."
        )
    for each in study.synthetic:
        if not each.is_fitted and _seeds_share(workspace, each, wanted):
            found.append(f"Seeds share images of '{each.name}': its result is for this one set.")
    return found + concerns.of_images(workspace, wanted.sets)


def _seeds_share(workspace: Workspace, each: SyntheticSet, wanted: Wanted) -> bool:
    """Whether some arm takes an image of this set at more than one seed."""
    for arm in workspace.arms():
        if each.name in arm.sources:
            runs = range(wanted.arms[arm.name])
            rows = np.concatenate([workspace.mixture(arm, r).synthetic[each.name] for r in runs])
            if len(np.unique(rows)) < len(rows):
                return True
    return False


def _keep_other(path: Path, results: Mapping[str, Any]) -> Path | None:
    """Rename results that differ instead of overwriting them; returns their new name."""
    if not path.is_file() or path.read_bytes() == json_text(results).encode():
        return None
    try:
        other = read_json(path)
        study = other["study_fingerprint"]
        is_ours = re.fullmatch("[0-9a-f]{16}", study) and not is_altered(other)
    except (ArtifactError, LookupError, TypeError):
        is_ours = False
    name = "altered" if not is_ours else study
    name = "before" if name == results["study_fingerprint"] else name
    kept = unused(path.with_name(f"results-{name}.json"))
    os.replace(path, kept)
    return kept


def _write_samples(workspace: Workspace, path: Path) -> None:
    rows = workspace.train_rows
    real = _first(workspace.train.pixels, workspace.train.labels, rows, len(workspace.class_names))
    found = {BASELINE: real}
    for each in workspace.study.synthetic:
        images = workspace.synthetic(each.name, 0)
        everything = np.arange(len(images))
        found[each.name] = _first(images.pixels, images.labels, everything, images.num_classes)
    mark = {STUDY: np.array(workspace.study.fingerprint)}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **found, **mark)  # type: ignore[arg-type]


def _first(pixels: Pixels, labels: Any, rows: Any, num_classes: int) -> Pixels:
    count = min(SAMPLES, *(int((labels[rows] == k).sum()) for k in range(num_classes)))
    chosen = [rows[labels[rows] == label][:count] for label in range(num_classes)]
    size = min(pixels.shape[1], THUMBNAIL)
    grids = [[resized(pixels[row], size, "box") for row in part] for part in chosen]
    return np.asarray(grids, dtype=np.uint8)


def _timing(workspace: Workspace) -> dict[str, Any]:
    folders = [workspace.study.output / stage_named(each).folder for each in order()]
    timed = [path.parent for each in folders for path in sorted(each.glob("*/timing.json"))]
    seconds = {folder.name: seconds_of(folder) for folder in timed}
    stages = {name: value for name, value in seconds.items() if value is not None}
    total = round(sum(stages.values()), 1)
    return {
        "study_fingerprint": workspace.study.fingerprint,
        "total_seconds": total,
        "stages": stages,
        "seconds_per_image": _seconds_per_image(workspace, stages),
        "host": platform.machine(),
    }


def _seconds_per_image(workspace: Workspace, stages: dict[str, float]) -> dict[str, float]:
    """Return what an image of each set took, its generator's fitting included."""
    found = {}
    for each in workspace.study.synthetic:
        if each.generator is None or each.per_class is None:
            continue
        names = [workspace.synthetic_artifact(each, 0).path.name]
        names += [workspace.fit_artifact(each, 0).path.name] if each.is_fitted else []
        if all(name in stages for name in names):
            count = each.per_class * len(workspace.class_names)
            found[each.name] = round(sum(stages[name] for name in names) / count, 6)
    return found
