"""What each of a user's sources took and passed over is told before any work."""

import shutil
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import yaml
from PIL import Image

from synthmix.cli.app import app
from synthmix.errors import SettingError
from synthmix.study.config.file import resolve
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import describe
from synthmix.study.planning.preflight import warnings
from synthmix.study.running.progress import Watch
from synthmix.study.running.runner import run
from tests.study.test_bad_input import asked, write_images, write_real


def moving(path: Path) -> None:
    frames = [Image.new("L", (8, 8), level) for level in (10, 90)]
    frames[0].save(path, save_all=True, append_images=frames[1:])


@pytest.fixture
def study(tmp_path: Path) -> dict[str, Any]:
    """Return a study of four sources, of which each passes a file over and takes an animation."""
    root = write_real(tmp_path / "real")
    made = write_images(tmp_path / "made", seed=2)
    photos = write_images(tmp_path / "photos", seed=3)
    for folder in (root / "train", root / "test", made, photos):
        moving(folder / "cat" / "moving.gif")
        (folder / "dog" / "caption.txt").write_text("a dog")
        (folder / "dog" / ".ipynb_checkpoints").mkdir()
        shutil.copy(folder / "dog" / "0.png", folder / "dog" / ".ipynb_checkpoints" / "0.png")
    return asked(
        tmp_path,
        root,
        synthetic={"made": {"images": {"use": "folder", "path": str(made)}}},
        evaluation={"test_sets": {"photos": {"use": "folder", "path": str(photos)}}},
    )


SOURCES = [
    ("real", "train"),
    ("real", "test"),
    ("synthetic.made", "train"),
    ("evaluation.test_sets.photos", "train"),
]


def test_every_source_is_in_the_plan(study: dict[str, Any]) -> None:
    plan = describe(resolve(study), measure=False)
    assert sorted((each["where"], each["split"]) for each in plan["sources"]) == sorted(SOURCES)
    for each in plan["sources"]:
        assert each["per_class"] == (11, 10)
        passed = {one["reason"]: (one["count"], one["examples"]) for one in each["passed_over"]}
        assert passed == {
            "hidden folders": (1, ("dog/.ipynb_checkpoints",)),
            "files of other kinds (endings: .txt)": (1, ("dog/caption.txt",)),
        }
    said = "\n".join(plan["warnings"])
    for where, split in SOURCES:
        assert f"{where} ({split}): 1 file of several images (animations, pages)" in said


def test_plan_prints_a_block_for_each_source(
    study: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "study.yaml").write_text(yaml.safe_dump(study))
    app(["plan", str(tmp_path / "study.yaml"), "--no-measure"], standalone_mode=False)
    told = capsys.readouterr().out
    block = (
        "evaluation.test_sets.photos (train): 21 images of 2 classes, 10 to 11 each\n"
        "  passed over: 1 hidden folder, such as dog/.ipynb_checkpoints\n"
        "  passed over: 1 file of other kinds (endings: .txt), such as dog/caption.txt\n"
    )
    assert block in told
    assert "warning: real (train): 1 file of several images" in told


def test_a_run_warns_of_what_is_not_meant_and_keeps_quiet_of_the_rest(
    study: dict[str, Any],
) -> None:
    told: list[str] = []

    class Listening(Watch):
        def warned(self, text: str) -> None:
            told.append(text)

        def stage(self, stage: str, todo: object) -> NoReturn:
            raise KeyboardInterrupt  # before any work

    with pytest.raises(KeyboardInterrupt):
        run(resolve(study), Listening())
    assert sum("of which the first is taken" in text for text in told) == 4
    assert not any("hidden" in text for text in told)


def test_images_cut_to_squares_and_enlarged_are_told(tmp_path: Path) -> None:
    root = write_real(tmp_path / "real")
    Image.fromarray(np.zeros((8, 30, 3), np.uint8)).save(root / "train" / "cat" / "wide.png")
    found = warnings(Workspace(resolve(asked(tmp_path, root, image_size=40))))
    assert any("1 of 21 images are not square" in text and "73%" in text for text in found)
    assert any("21 of 21 images are enlarged more than 4 times" in text for text in found)


def test_a_plan_prices_large_images_instead_of_decoding_them(tmp_path: Path) -> None:
    study = {**asked(tmp_path, "none", image_size=4096), "real": {"use": "digits"}}
    with pytest.raises(SettingError, match=r"^real: 1,198 images at 4096 x 4096 .* 60\.3 GB in .*"):
        describe(resolve(study), measure=False)
