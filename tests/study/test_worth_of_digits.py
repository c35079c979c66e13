"""What real digits are worth when they are called synthetic: one each, repeated ones nothing."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.svm import SVC

from synthmix.analyses.comparisons import Comparisons
from synthmix.analyses.data_value import curve, prices
from synthmix.analyses.predicted import Predicted, comparisons_of
from synthmix.evaluation.worth import worth
from synthmix.study import resolve
from synthmix.study.inputs.basis import basis_of
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.running.recording import drawn
from synthmix.types import Pixels

SEEDS, TOTAL, KEPT = 16, 40, 10


def write_digits(folder: Path) -> None:
    """Write three disjoint parts: what the curve is made of, what is called synthetic, the test."""
    data = load_digits()
    pixels = np.repeat((data.images * 255 / 16).astype(np.uint8)[..., None], 3, axis=3)
    rows = np.random.default_rng(0).permutation(len(pixels))
    names = [str(digit) for digit in range(10)]
    for part, some in zip(("real", "held-out", "test"), np.split(rows, [650, 1250]), strict=True):
        labels = data.target[some].astype(np.int64)
        np.savez(folder / f"{part}.npz", images=pixels[some], labels=labels, class_names=names)


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A study whose synthetic images are real ones that its curve has never seen."""
    folder = tmp_path_factory.mktemp("digits")
    write_digits(folder)
    path = {name: str(folder / f"{name}.npz") for name in ("real", "held-out", "test")}
    real = {"use": "array", "train_path": path["real"], "test_path": path["test"]}
    asked = {
        "name": "worth",
        "real": real,
        "synthetic": {"held-out": {"images": {"use": "array", "train_path": path["held-out"]}}},
        "mixing": {"use": "replace", "total": TOTAL, "ratios": [1 - KEPT / TOTAL]},
        "controls": {
            "leave_out": ["half-steps", "strong-augmentation", "deranged-labels"],
            "curve": [20, 30, 80],
        },
        "validation": 0,
        "seeds": SEEDS,
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        found = Workspace(resolve(asked))
        assert len(found.test) > 0
    return found


@pytest.fixture(scope="module")
def compared(space: Workspace) -> Comparisons:
    """Its runs: every arm's images at every seed, learned by a support vector machine."""
    found = Predicted()
    made = space.synthetic("held-out", 0)
    for arm in space.arms():
        for run in range(SEEDS):
            mixture = space.mixture(arm, run)
            rows = mixture.synthetic.get("held-out", np.zeros(0, dtype=np.int64))
            pixels = np.concatenate([space.train.pixels[mixture.real], made.pixels[rows]])
            labels = np.concatenate([space.train.labels[mixture.real], made.labels[rows]])
            learned = SVC(gamma="scale", C=10).fit(_flat(pixels), labels)
            answers = learned.predict(_flat(space.test.pixels)).astype(np.int64)
            found.add(arm.name, run, answers, None)
    return comparisons_of(basis_of(space), found)


def _flat(pixels: Pixels) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return pixels[..., 0].reshape(len(pixels), -1) / 255


def test_held_out_real_images_are_worth_one_each(compared: Comparisons, space: Workspace) -> None:
    told = prices(compared, {arm.name: drawn(space, arm) for arm in space.arms()})
    (found,) = told["arms"]
    assert [each["num_real"] for each in told["curve"]] == [10, 20, 30, 40, 80]
    assert found["low"] <= 1 <= found["high"], found["sentence"]
    assert found["high"] - found["low"] <= 0.6, found["sentence"]


def test_repeated_real_images_are_worth_nothing(compared: Comparisons) -> None:
    twice = compared.runs[f"real-{KEPT}-duplicated-real"]
    found = worth(curve(compared), twice, KEPT, TOTAL - KEPT)
    assert found.high < 0.2, found.sentence
