"""Synthetic images that show a test or validation image are left out where a study asks for it."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmix.errors import SettingError
from synthmix.study import run
from synthmix.study.file import resolve
from synthmix.study.running import check
from synthmix.study.workspace import Workspace

SIZE, NAMES, PER_CLASS = 32, ("cat", "dog"), 24


def pictures(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return smooth random pictures, whose perceptual hashes are far apart."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    size = (SIZE, SIZE)
    return np.stack([np.asarray(Image.fromarray(e).resize(size, 2)) for e in coarse])


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """Return a study whose ready-made set holds four test and two validation images."""
    real, test = pictures(40, 0), pictures(20, 1)
    made = pictures(2 * PER_CLASS, 2)
    labels = np.arange(40) % 2
    file = tmp_path / "real.npz"
    splits = {"x_train": real, "y_train": labels, "x_test": test, "y_test": labels[:20]}
    np.savez(file, class_names=np.array(NAMES), **splits)
    study: dict[str, Any] = {
        "name": "planted",
        "real": {"use": "array", "path": str(file)},
        "mixing": {"use": "replace", "total": 20, "ratios": [1]},
        "controls": False,
        "training": {"steps": 2, "batch_size": 8},
        "seeds": 2,
        "evaluation": {"corruptions": False},
        "engine": {"use": "local", "processes": 1},
        "output": str(tmp_path / "out"),
    }
    held_back = Workspace(resolve(study)).validation_rows
    made[[0, 1, 2]] = test[[5, 6, 7]]
    # the same picture, a little brighter
    made[3] = np.clip(test[8].astype(int) + 3, 0, 255)
    made[[10, 11]] = real[held_back[:2]]
    # training images may be shown: they are the arms' own
    made[20] = real[np.setdiff1d(np.arange(40), held_back)[0]]
    path = tmp_path / "made.npz"
    np.savez(path, x=made, y=np.arange(len(made)) % 2, class_names=np.array(NAMES))
    return {**study, "synthetic": {"made": {"images": {"use": "array", "path": str(path)}}}}


PLANTED = [0, 1, 2, 3, 10, 11]


def drawn(study: dict[str, Any], run: int) -> set[int]:
    workspace = Workspace(resolve(study))
    arm = {each.name: each for each in workspace.arms()}["made@1"]
    return set(workspace.mixture(arm, run).synthetic["made"].tolist())


def test_planted_images_are_found_and_never_drawn(asked: dict[str, Any]) -> None:
    study = {**asked, "exclude_duplicates": True}
    assert Workspace(resolve(study)).left_out("made", 0).tolist() == PLANTED
    rows = [drawn(study, run) for run in range(2)]
    assert not set(PLANTED) & (rows[0] | rows[1])
    assert len(rows[0]) == len(rows[1]) == 20, "counts stay exact"
    assert not rows[0] & rows[1], "and seeds apart, 40 of 42 images"
    assert set(PLANTED) & (drawn(asked, 0) | drawn(asked, 1)), "they are drawn unless asked"


def test_an_arm_that_falls_short_names_the_largest_total(asked: dict[str, Any]) -> None:
    largest = {**asked["mixing"], "total": 36}
    check(Workspace(resolve({**asked, "mixing": {**largest, "ratios": [1]}})))
    made = {**asked["synthetic"]["made"], "per_class": 18}
    study = {**asked, "synthetic": {"made": made}, "exclude_duplicates": True}
    short = {**study, "mixing": largest}
    with pytest.raises(SettingError) as caught:
        check(Workspace(resolve(short)))
    text = str(caught.value)
    count = int(text.partition("total is ")[2].partition(";")[0])
    assert "that show a test or validation image are left out" in text
    check(Workspace(resolve({**short, "mixing": {**largest, "total": count}})))
    with pytest.raises(SettingError):
        check(Workspace(resolve({**short, "mixing": {**largest, "total": count + 1}})))


def test_a_set_without_duplicates_is_drawn_as_ever(asked: dict[str, Any], tmp_path: Path) -> None:
    images = {"use": "array", "path": str(tmp_path / "clean.npz")}
    clean = pictures(2 * PER_CLASS, 3)
    np.savez(images["path"], x=clean, y=np.arange(len(clean)) % 2, class_names=np.array(NAMES))
    study = {**asked, "synthetic": {"made": {"images": images}}}
    assert drawn(study, 1) == drawn({**study, "exclude_duplicates": True}, 1)
    one, other = (
        Workspace(resolve(each)) for each in (study, {**study, "exclude_duplicates": True})
    )
    for arm in one.arms():
        assert one.run_artifact(arm, 0).path == other.run_artifact(arm, 0).path


def test_results_say_what_was_found_left_out_and_not_checked(asked: dict[str, Any]) -> None:
    run(resolve({**asked, "exclude_duplicates": True}))
    found = json.loads((Path(asked["output"]) / "results.json").read_text())
    told = found["duplicates"]
    assert told["are_left_out"]
    assert told["sets"]["made"]["left_out"] == [6]
    assert told["sets"]["made"]["counts"]["test"] == {"exact": 3, "near": 1}
    assert told["sets"]["made"]["counts"]["validation"]["exact"] == 2
    assert told["sets"]["made"]["counts"]["train"]["exact"] == 1
    assert "crops" in told["not_checked"]
    assert found["verdict"]["without_duplicates"]["num_left_out"] == 4
    page = (Path(asked["output"]) / "report.html").read_text()
    assert "were left out of every mix, on request" in page


def test_a_set_that_is_fitted_here_can_be_searched_too(asked: dict[str, Any]) -> None:
    flow = {"use": "flow", "fit_steps": 2, "fit_batch_size": 8, "widths": [16], "blocks": [1]}
    generator = {**flow, "rank": 2, "steps": 1, "batch_size": 8}
    study = {
        **asked,
        "synthetic": {"flow": {"generator": generator, "per_class": 12}},
        "exclude_duplicates": True,
    }
    run(resolve(study))
    found = json.loads((Path(asked["output"]) / "results.json").read_text())
    assert found["duplicates"]["are_left_out"]
    assert found["duplicates"]["sets"]["flow"]["left_out"] == [0, 0]
