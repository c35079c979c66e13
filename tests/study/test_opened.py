"""Images that are changed while a study runs are named, and at once."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from synthmix.errors import DataError
from synthmix.study import run
from synthmix.study.config.file import resolve
from synthmix.study.inputs import opened
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import steps
from synthmix.study.running.progress import Watch
from synthmix.study.stages import Step
from synthmix.study.stages._training import train

NAMES = ("apple", "pear")


def write(folder: Path, seed: int, count: int = 12) -> None:
    for row in range(count):
        pixels = np.random.default_rng([seed, row]).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        (folder / NAMES[row % 2]).mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / NAMES[row % 2] / f"{row:02d}.png")


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """Return a study of images in folders: real ones, a ready-made set, a named test set."""
    for number, name in enumerate(("data/train", "data/test", "made", "other")):
        write(tmp_path / name, number)

    def source(name: str) -> dict[str, Any]:
        return {"use": "folder", "path": str(tmp_path / name)}

    return {
        "name": "changing",
        "real": source("data"),
        "synthetic": {"made": {"images": source("made")}},
        "mixing": {"use": "replace", "ratios": [0.5]},
        "controls": False,
        "training": {"steps": 2, "batch_size": 4},
        "seeds": 2,
        "validation": 0,
        "evaluation": {"test_sets": {"other": source("other")}, "mirror": 0},
        "engine": {"use": "local", "processes": 1},
        "output": str(tmp_path / "out"),
    }


class Changing(Watch):
    """Changes something once the first run is trained, and counts the runs."""

    def __init__(self, change: Callable[[], object], stage: str = "train") -> None:
        self.change, self.at, self.done = change, stage, 0

    def finished(self, step: Step, damaged: Sequence[str]) -> None:
        if step.stage == self.at:
            self.done += 1
            if self.done == 1:
                self.change()


def other_picture(path: Path) -> None:
    Image.fromarray(np.full((8, 8, 3), 7, np.uint8)).save(path)


FIRST = {
    "real (train)": "data/train/apple/00.png",
    "real (test)": "data/test/apple/00.png",
    "synthetic.made (train)": "made/apple/00.png",
    "evaluation.test_sets.other (train)": "other/apple/00.png",
}


@pytest.mark.parametrize("where", FIRST)
def test_other_images_are_noticed_before_the_next_run(
    asked: dict[str, Any], tmp_path: Path, where: str
) -> None:
    watch = Changing(lambda: other_picture(tmp_path / FIRST[where]))
    with pytest.raises(DataError) as told:
        run(resolve(asked), watch)
    assert f"{where}: its images were changed while the study ran (as many as before" in str(
        told.value
    )
    assert "run it again" in str(told.value)
    assert watch.done == 1
    assert run(resolve(asked)).report.is_file()


def test_more_images_and_classes_are_counted(asked: dict[str, Any], tmp_path: Path) -> None:
    watch = Changing(lambda: other_picture(tmp_path / "data/test/apple/99.png"))
    with pytest.raises(DataError, match=r"real \(test\): .*class 'apple' has 7 images, 6 before"):
        run(resolve(asked), watch)

    def add_class() -> None:
        for split in ("train", "test"):
            (tmp_path / "data" / split / "plum").mkdir()
            other_picture(tmp_path / "data" / split / "plum/00.png")

    asked["output"] = str(tmp_path / "again")
    with pytest.raises(DataError, match=r"real \(train\): .*1 class more, such as 'plum'"):
        run(resolve(asked), Changing(add_class))


def test_a_change_at_the_end_is_named_too(asked: dict[str, Any], tmp_path: Path) -> None:
    watch = Changing(lambda: other_picture(tmp_path / FIRST["real (test)"]), "predict")
    with pytest.raises(DataError, match=r"real \(test\): its images were changed"):
        run(resolve(asked), watch)


def test_another_time_of_the_same_images_is_no_change(
    asked: dict[str, Any], tmp_path: Path
) -> None:
    watch = Changing(lambda: os.utime(tmp_path / FIRST["real (train)"], ns=(1, 1)))
    assert run(resolve(asked), watch).report.is_file()
    assert watch.done > 1


@pytest.mark.parametrize(("seconds", "wanted"), [(0.5, 10), (2.0, 2)])
def test_a_look_that_takes_long_is_not_taken_after_every_task(
    monkeypatch: pytest.MonkeyPatch, seconds: float, wanted: int
) -> None:
    now, looks = [100.0], []

    def look() -> None:
        looks.append(now[0])
        now[0] += seconds

    monkeypatch.setattr(opened.time, "monotonic", lambda: now[0])
    pace = opened.Pace()
    for _ in range(10):
        pace.look(look)
        now[0] += 5
    assert len(looks) == wanted


def test_a_worker_that_finds_other_images_says_so(asked: dict[str, Any], tmp_path: Path) -> None:
    step = steps(Workspace(resolve(asked)), "train")[0]
    other_picture(tmp_path / FIRST["real (train)"])
    with pytest.raises(DataError, match=r"real \(train\): its images were changed"):
        train(step.task)
    assert not (tmp_path / "out" / "runs").exists()
