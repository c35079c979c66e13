"""A tiny study's draws, names and numbers, pinned: a refactoring changes none of them.

`python -m tests.study.test_golden` writes `tests/golden/study/` anew. Do so only where a change of
draws, names or numbers is what you want, and say so in CHANGELOG.md.
"""

import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmix.analyses.record import LOGITS, VALIDATION
from synthmix.images import mark
from synthmix.results.compute import compute
from synthmix.store import Artifact
from synthmix.study.config.file import resolve
from synthmix.study.inputs.extra_images import artifact_of, collections
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.running.recording import record_of
from synthmix.types import Labels

GOLDEN = Path(__file__).parents[1] / "golden" / "study"

_FLOW = {"use": "flow", "widths": [16], "blocks": [1], "rank": 4, "fit_steps": 2, "steps": 1}
_PRECISE = {"device": "cpu", "precision": "float32"}
_MIXINGS: dict[str, Any] = {
    "replace": {"use": "replace", "total": 60, "ratios": [0, 0.25, 0.5, 1]},
    "pooled": {"use": "replace", "total": 60, "ratios": [0.5], "sources": "pooled"},
    "add": {"use": "add", "num_real": 200, "per_real": [0.25, 0.5]},
    "batch-ratio": {"use": "batch-ratio", "num_synthetic": 100, "ratios": [0.25, 0.5]},
    "per-class": {"use": "per-class", "per_class": {"3": 5, "8": 10}},
}


def study(mixing: dict[str, Any], made: Path) -> Workspace:
    """Return a study of digits with a fitted set and a ready-made one."""
    asked = {
        "name": "golden",
        "seed": 3,
        "real": {"use": "digits"},
        "synthetic": {
            "flow": {"generator": {**_FLOW, **_PRECISE, "batch_size": 16}, "per_class": 20},
            "made": {"images": {"use": "array", "path": str(made)}},
        },
        "mixing": mixing,
        "training": {"steps": 5, "batch_size": 16, **_PRECISE},
        "seeds": 2,
    }
    return Workspace(resolve(asked))


def write_made(path: Path) -> Path:
    """Write 400 images of ten classes, drawn from NumPy's stable stream of raw bits."""
    bits = np.random.PCG64(0).random_raw(400 * 8 * 8 * 3 // 8)
    pixels = bits.astype("<u8").view(np.uint8).reshape(400, 8, 8, 3)
    names = np.array([str(digit) for digit in range(10)])
    np.savez(path, x=pixels, y=np.arange(400) % 10, class_names=names)
    return path


def draws(folder: Path) -> dict[str, Any]:
    """Return marks of the rows every arm draws, and the fingerprints of everything without a set.

    A run of the fitted set has no name before the set is there; its rows are pinned all the same.
    """
    made = write_made(folder / "made.npz")
    return {name: _of(study(mixing, made)) for name, mixing in _MIXINGS.items()}


def _of(workspace: Workspace) -> dict[str, Any]:
    flow = workspace.study.set_named("flow")
    found: dict[str, Any] = {
        "train": workspace.train.fingerprint,
        "test": workspace.test.fingerprint,
        "made": workspace.synthetic("made", 0).fingerprint,
        "validation": mark(workspace.validation_rows),
        "fits": [workspace.fit_artifact(flow, run).fingerprint for run in range(2)],
        "sets": [workspace.synthetic_artifact(flow, run).fingerprint for run in range(2)],
    }
    for arm in workspace.arms():
        for run in range(2):
            drawn = workspace.mixture(arm, run)
            rows = {name: mark(rows) for name, rows in drawn.synthetic.items()}
            labels = {name: mark(labels) for name, labels in drawn.labels.items()}
            found[f"{arm.name} seed {run}"] = {
                "rows": {"real": mark(drawn.real), **rows},
                "labels": labels,
                "counts": [drawn.num_real, drawn.num_synthetic],
                "batch_share": drawn.batch_share,
                "run": None
                if "flow" in drawn.synthetic
                else workspace.run_artifact(arm, run).fingerprint,
            }
    return found


def results(folder: Path) -> dict[str, Any]:
    """Return the results of a study whose predictions are drawn, not learned: exact everywhere.

    Of images alone three in ten are wrong, of mixes fewer, and each arm has its own hard images.
    """
    write_made(folder / "made.npz")
    with chdir(folder):  # results name the file as the study does
        return _results()


def _results() -> dict[str, Any]:
    asked = {
        "name": "golden",
        "seed": 3,
        "real": {"use": "digits"},
        "synthetic": {"made": {"images": {"use": "array", "path": "made.npz"}}},
        "mixing": {"use": "replace", "total": 60, "ratios": [0, 0.5, 1]},
        "hypotheses": ["mix 0.5 beats real-only"],
        "training": {"steps": 5, "batch_size": 16, **_PRECISE},
        "evaluation": {"corruptions": {"kinds": ["contrast"], "num_images": 20}},
        "seeds": 3,
        "reduced_budget": True,
        "output": "out",
    }
    space = Workspace(resolve(asked))
    validation = space.train.labels[space.validation_rows]
    for number, arm in enumerate(space.arms()):
        for run in range(3):
            wrong = 77 - 20 * bool(arm.sources and arm.ratio < 1)
            runs = space.run_artifact(arm, run)
            sources = {LOGITS: space.test.labels, VALIDATION: validation}
            _store(runs, {k: _logits(v, [number, run], wrong) for k, v in sources.items()})
            for each in collections(space, arm, run):
                names = list(each.files())
                versions = range(each.num_predictions // len(each.labels) // len(names))
                drawn = [_logits(each.labels, [number, run, k], wrong) for k in versions]
                _store(artifact_of(space, runs, each), dict.fromkeys(names, np.stack(drawn)))
    found = compute(record_of(Workspace(space.study)))
    for key in ("synthmix", "versions", "digest"):
        del found[key]
    return found


def _logits(labels: Labels, seed: list[int], wrong: int) -> NDArray[np.float32]:
    """Return logits `[N, 10]` of which `wrong` in 256 point to another class than the label."""
    bits = np.random.PCG64(seed).random_raw(len(labels) * 11).astype(np.int64).reshape(-1, 11)
    logits = (bits[:, :10] % 1024).astype(np.float32) / 1024
    missed = bits[:, 10] % 256 < wrong
    shown = np.where(missed, (labels + 1 + (bits[:, 10] >> 8) % 9) % 10, labels)
    logits[np.arange(len(labels)), shown] += 2
    return logits


def _store(artifact: Artifact, files: dict[str, NDArray[np.float32]]) -> None:
    for name, logits in files.items():
        with artifact.part(name) as path, path.open("wb") as file:
            np.save(file, logits)
    artifact.seal(versions={})


def test_results_stay_as_they_are(tmp_path: Path) -> None:
    expected = json.loads((GOLDEN / "results.json").read_text(encoding="utf-8"))
    assert _rounded(json.loads(json.dumps(results(tmp_path)))) == _rounded(expected)


def _rounded(value: Any) -> Any:
    """Return the value to twelve digits: the last ones depend on the processor's sums."""
    if isinstance(value, dict):
        return {key: _rounded(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.11e}") if isinstance(value, float) else value


def test_draws_and_names_stay_as_they_are(tmp_path: Path) -> None:
    expected = json.loads((GOLDEN / "draws.json").read_text(encoding="utf-8"))
    found = draws(tmp_path)
    for name, mixing in expected.items():
        assert found[name] == mixing, name
    assert found.keys() == expected.keys()


if __name__ == "__main__":
    import tempfile

    GOLDEN.mkdir(parents=True, exist_ok=True)
    for name, make in {"draws": draws, "results": results}.items():
        with tempfile.TemporaryDirectory() as place:
            text = json.dumps(make(Path(place)), indent=1, sort_keys=True)
        (GOLDEN / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")
