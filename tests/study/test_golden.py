"""A tiny study's draws, names and numbers, pinned: a refactoring changes none of them.

`python -m tests.study.test_golden` writes `tests/golden/study/` anew. Do so only where a change of
draws, names or numbers is what you want, and say so in CHANGELOG.md.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.images import mark
from synthmix.study.file import resolve
from synthmix.study.workspace import Workspace

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


def test_draws_and_names_stay_as_they_are(tmp_path: Path) -> None:
    expected = json.loads((GOLDEN / "draws.json").read_text(encoding="utf-8"))
    found = draws(tmp_path)
    for name, mixing in expected.items():
        assert found[name] == mixing, name
    assert found.keys() == expected.keys()


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        text = json.dumps(draws(Path(place)), indent=1, sort_keys=True)
    GOLDEN.mkdir(parents=True, exist_ok=True)
    (GOLDEN / "draws.json").write_text(f"{text}\n", encoding="utf-8")
