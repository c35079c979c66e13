"""A study of few images ends with a report, and its plan says what cannot be told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.results.compute import compute
from synthmix.study.config.file import resolve
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.small_samples import concerns
from synthmix.study.running.recording import record_of
from synthmix.study.running.runner import run

NAMES = ("apple", "fig", "pear")


def study(
    folder: Path, train: tuple[int, ...], test: tuple[int, ...], **changes: Any
) -> dict[str, Any]:
    """Return a study of classes with so many images; grey tells them apart."""
    random = np.random.default_rng(0)

    def drawn(counts: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
        labels = np.repeat(np.arange(len(counts)), counts)
        pixels = 60 * labels[:, None, None, None] + random.normal(60, 20, (len(labels), 8, 8, 3))
        return pixels.clip(0, 255).astype(np.uint8), labels

    names = np.array(NAMES[: len(train)])
    (x, y), (x_test, y_test), (x_made, y_made) = drawn(train), drawn(test), drawn(train)
    real, made = folder / "real.npz", folder / "made.npz"
    np.savez(real, x_train=x, y_train=y, x_test=x_test, y_test=y_test, class_names=names)
    np.savez(made, x=x_made, y=y_made, class_names=names)
    return {
        "name": "few",
        "output": str(folder / "out"),
        "real": {"use": "array", "path": str(real)},
        "synthetic": {"made": {"images": {"use": "array", "path": str(made)}}},
        "mixing": {"use": "add", "per_real": [1]},
        "controls": False,
        "seeds": 2,
        "training": {"steps": 2, "batch_size": 4, "device": "cpu"},
        "evaluation": {"corruptions": False, "mirror": 0},
        "engine": {"use": "local", "processes": 1},
    } | changes


def told(asked: dict[str, Any]) -> str:
    return "\n".join(concerns(Workspace(resolve(asked))))


@pytest.mark.parametrize(
    ("train", "test"),
    [
        ((12, 12), (20, 20)),  # one validation image of each class
        ((40, 5), (20, 20)),  # none, or one, of a class
        ((40, 40), (20, 1)),
        ((40, 2), (5, 5)),
        ((9, 9, 9), (1, 1, 1)),
        ((3, 3), (1, 1)),  # no validation image at all
    ],
)
def test_a_study_of_few_images_ends(
    tmp_path: Path, train: tuple[int, ...], test: tuple[int, ...]
) -> None:
    asked = study(tmp_path, train, test)
    report = run(resolve(asked))
    assert report.is_file()
    assert "NaN" not in (tmp_path / "out" / "results.json").read_text()
    json.dumps(compute(record_of(Workspace(resolve(asked)))), allow_nan=False)


def test_a_class_of_one_test_image_is_null_with_a_reason(tmp_path: Path) -> None:
    run(resolve(study(tmp_path, (12, 40), (1, 20))))
    verdict = json.loads((tmp_path / "out" / "results.json").read_text())["verdict"]
    one, other = verdict["arms"][0]["classes"]
    assert (one["name"], one["mean"], one["p"], one["p_adjusted"]) == ("apple", None, None, None)
    assert one["reason"] == "1 test image(s): at least 2 are needed"
    assert other["mean"] is not None
    assert "reason" not in other
    advised = verdict["per_class"]["made"]
    assert advised["apple"]["per_class"] is None
    assert advised["apple"]["reason"] == "1 validation image(s): at least 2 are needed"
    assert advised["fig"]["per_class"] is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"mixing": {"use": "add", "per_real": [1, 1, 0.5]}}, "1 is asked for more than once"),
        ({"mixing": {"use": "replace", "ratios": [0.02]}}, "takes 1 image, none of"),
        (
            {"mixing": {"use": "replace", "ratios": [0.5, 0.501, 1]}},
            "mixing: 'made@0.5' and 'made@0.501' are the same mix, of 36 real and 36 synthetic",
        ),
        (
            {"mixing": {"use": "batch-ratio", "ratios": [0.25, 0.26, 0.5]}},
            "mixing: 'made@0.25' and 'made@0.26' are the same mix",
        ),
        ({"mixing": {"use": "batch-ratio", "ratios": [0.25, 0.5]}}, ""),
        (
            {"training": {"steps": 2, "batch_size": 4096, "device": "cpu"}},
            "training.batch_size is 4,096, and the smallest arm, 'real', has 72 images",
        ),
        (
            {"training": {"steps": 3, "batch_size": 8, "device": "cpu"}},
            "only 24 of the 144 images of the largest arm, 'made@1', are ever seen",
        ),
        ({"validation": 0.01}, "which of 80 images is none|too few images of"),
    ],
)
def test_what_is_probably_not_meant_is_said(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    enough = {"training": {"steps": 40, "batch_size": 8, "device": "cpu"}}
    found = told(study(tmp_path, (40, 40), (20, 20), **(enough | changes)))
    if not said:
        assert found == ""
    else:
        assert any(each in found for each in said.split("|")), found


def test_a_small_control_is_called_one(tmp_path: Path) -> None:
    asked = study(tmp_path, (40, 40), (20, 20), controls=True)
    asked["mixing"] = {"use": "replace", "ratios": [0.95]}
    said = "the smallest arm, 'real-4' (a control: the real images of a mix alone), has 4 images"
    asked["training"] = {"steps": 40, "batch_size": 64, "device": "cpu"}
    asked["controls"] = {"curve": [36]}
    assert said in told(asked)


def test_which_class_and_how_many_is_said(tmp_path: Path) -> None:
    found = told(study(tmp_path, (12, 1, 40), (1, 20, 20)))
    assert "few training images of 'fig' (1)" in found
    assert "validation: too few images of 'apple' (1), 'fig' (0)" in found
    assert "too few test images of 'apple' (1)" in found
