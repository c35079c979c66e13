"""Studies whose numbers are computed from seeded random predictions, as a real study's are."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import t as student

from synthmix import report

METRICS = {
    "accuracy": {"direction": "higher", "bounds": [0, 1], "summary": "share of correct answers"},
    "nll": {"direction": "lower", "bounds": [0, None], "summary": "mean negative log-likelihood"},
    "ece": {"direction": "lower", "bounds": [0, 1], "summary": "gap of confidence to accuracy"},
    "brier": {"direction": "lower", "bounds": [0, 2], "summary": "squared error of probabilities"},
}
ANIMALS = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


@pytest.fixture(scope="session")
def make_study():
    """Return the function that writes a study's results into a folder."""
    return make


@pytest.fixture(scope="session")
def study(tmp_path_factory):
    """Return the folder of a study of ten classes, three seeds and five arms, reported once."""
    folder = make(tmp_path_factory.mktemp("study"))
    report.write(folder)
    return folder


def make(
    folder: Path,
    *,
    num_classes: int = 10,
    num_seeds: int = 3,
    sources: tuple[str, ...] = ("flow", "copy"),
    ratios: tuple[float, ...] = (0.5, 1.0),
    test_per_class: int = 60,
    image_size: int = 8,
    num_images: int = 8,
    class_names: list[str] | None = None,
    samples: bool = True,
    timing: bool = True,
    **changes: object,
) -> Path:
    """Write a study's `results.json`, `samples.npz` and `timing.json`; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    names = class_names or [*ANIMALS, *(f"class {k}" for k in range(10, num_classes))]
    names = names[:num_classes]
    plan = [("real", None, 0.0)]
    plan += [(f"{source}@{ratio:g}", source, ratio) for source in sources for ratio in ratios]
    runs = {
        arm: [
            _run(arm, source, ratio, seed, num_classes, test_per_class, sources)
            for seed in range(num_seeds)
        ]
        for arm, source, ratio in plan
    }
    results = _facts(names, num_seeds, sources, image_size, num_classes * test_per_class)
    results["arms"] = [
        _arm(arm, source, ratio, runs[arm], runs["real"], num_classes)
        for arm, source, ratio in plan
    ]
    results.update(changes)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    if samples:
        _samples(folder, num_classes, num_images, image_size, sources)
    if timing:
        times = {"total_seconds": 83.4, "host": "example", "started": "2026-01-01T00:00:00Z"}
        times["stages"] = {"fit flow seed 0": 12.5, "train real seed 0": 3.25}
        (folder / "timing.json").write_text(json.dumps(times), encoding="utf-8")
    return folder


def _run(arm, source, ratio, seed, num_classes, test_per_class, sources):
    """Return one run's scores, computed from logits."""
    random = np.random.default_rng([seed, 7])  # paired by seed
    own = np.random.default_rng([seed, sources.index(source) + 1 if source else 0, int(8 * ratio)])
    labels = np.repeat(np.arange(num_classes), test_per_class)
    skill = np.linspace(2.2, 4.2, num_classes) + np.log(num_classes) - 2.3
    if source is not None:
        quality = [0.9, -0.3, 0.2, -1.2][sources.index(source) % 4]
        skill = skill + quality * (ratio - 1.1 * ratio**2) * np.linspace(4, -0.6, num_classes)
    logits = random.normal(size=(len(labels), num_classes))
    logits += 0.35 * own.normal(size=logits.shape)
    logits[np.arange(len(labels)), labels] += skill[labels]
    near = (labels + 1) % num_classes
    logits[np.arange(len(labels)), near] += 0.6
    probabilities = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    return _scored(f"run-{arm}-{seed}", seed, labels, probabilities)


def _scored(artifact, seed, labels, probabilities):
    num_classes = probabilities.shape[1]
    answers, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = answers == labels
    confusion = np.zeros((num_classes, num_classes), dtype=int)
    np.add.at(confusion, (labels, answers), 1)
    bins = np.minimum((confidence * 15).astype(int), 14)
    gaps = [abs((right[bins == b] - confidence[bins == b]).sum()) for b in range(15)]
    return {
        "seed": seed,
        "artifact": artifact,
        "accuracy": float(right.mean()),
        "nll": float(-np.log(probabilities[np.arange(len(labels)), labels]).mean()),
        "ece": float(sum(gaps) / len(labels)),
        "brier": float(((probabilities - np.eye(num_classes)[labels]) ** 2).sum(axis=1).mean()),
        "validation_accuracy": None,
        "per_class_accuracy": (np.diag(confusion) / confusion.sum(axis=1)).tolist(),
        "confusion": confusion.tolist(),
    }


def score(values):
    """Return mean and t interval as a study stores them."""
    values = np.asarray(values, dtype=float)
    mean, low, high = float(values.mean()), None, None
    if len(values) > 1:
        half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
        low, high = float(mean - half), float(mean + half)
    return {"mean": mean, "low": low, "high": high, "values": values.tolist()}


def _arm(name, source, ratio, runs, base, num_classes):
    num_synthetic = round(300 * ratio)
    classes = np.array([run["per_class_accuracy"] for run in runs])
    base_classes = np.array([run["per_class_accuracy"] for run in base])
    change = [run["accuracy"] - other["accuracy"] for run, other in zip(runs, base, strict=True)]
    return {
        "name": name,
        "source": source,
        "ratio": ratio,
        "num_real": 300 - num_synthetic,
        "num_synthetic": num_synthetic,
        "per_class_real": [(300 - num_synthetic) // num_classes] * num_classes,
        "per_class_synthetic": [num_synthetic // num_classes] * num_classes,
        "runs": runs,
        "scores": {
            **{metric: score([run[metric] for run in runs]) for metric in METRICS},
            "per_class_accuracy": [score(column) for column in classes.T],
        },
        "difference": None
        if source is None
        else {
            "accuracy": score(change),
            "per_class_accuracy": [score(column) for column in (classes - base_classes).T],
        },
    }


def _facts(names, num_seeds, sources, image_size, num_test):
    return {
        "synthmix": "0.1.0",
        "schema": 1,
        "name": "quickstart",
        "declared": ["The training budget is reduced: numbers are lower than published ones."],
        "class_names": names,
        "image_size": image_size,
        "baseline": "real",
        "mixing": {"use": "replace", "total": 300, "ratios": [0, 0.5, 1.0]},
        "seeds": num_seeds,
        "training": {
            "model": "resnet8",
            "steps": 300,
            "batch_size": 64,
            "learning_rate": 0.1,
            "precision": "float32",
            "threads": 1,
            "augmentation": {"flip": False, "shift": 1},
        },
        "real": {
            "source": "digits",
            "num_train": 1078,
            "num_validation": 119,
            "num_test": num_test,
            "fingerprint": "0123456789abcdef",
        },
        "synthetic": {
            source: {
                "generator": source,
                "per_class": 100,
                "fitted_per_seed": i == 0,
                "terms": "made here",
                "artifacts": [f"{source}-00ff00ff00ff00ff"],
            }
            for i, source in enumerate(sources)
        },
        "metrics": METRICS,
        "interval": "95 % t interval over seeds; differences paired by seed",
        "versions": {"torch": "2.9.0", "numpy": "2.4.0"},
        "device": "cpu",
        "notes": ["leaks: exact and hash only"],
        "verdict": None,
    }


def _samples(folder, num_classes, num_images, size, sources):
    """Write blobs: a hue and a place for each class, noisier where they are synthetic."""
    random = np.random.default_rng(3)
    rows, columns = np.mgrid[:size, :size] / size
    arrays = {}
    for i, source in enumerate(("real", *sources)):
        hue = np.random.default_rng(0).uniform(60, 255, (num_classes, 1, 1, 1, 3))
        place = random.uniform(0.25, 0.75, (num_classes, num_images, 1, 1, 2))
        disc = np.hypot(rows - place[..., 0], columns - place[..., 1]) < 0.28
        noise = random.normal(0, 8 + 10 * i, (num_classes, num_images, size, size, 3))
        arrays[source] = (disc[..., None] * hue + 20 + noise).clip(0, 255).astype(np.uint8)
    np.savez(folder / "samples.npz", **arrays)
