"""A study whose class names no sentence holds: class_map says how they are spoken."""

import json
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import SynthmixError
from synthmix.study.config.file import resolve
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.preflight import check_settings, notes, warnings
from synthmix.study.stages._prompts import prompts_of
from tests.generators.diffusers import pipelines
from tests.study.test_bad_input import asked, write_images, write_real

NAMES = ("Apple___Black_rot", "n01440764")


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipelines.sdxl(tmp_path_factory.mktemp("sdxl"))


def workspace(sdxl: Path, folder: Path, prompts: dict[str, Any], **changes: Any) -> Workspace:
    if not (folder / "real").exists():
        write_real(folder / "real", names=NAMES)
    generator = {"use": "diffusers", "model": str(sdxl), "height": 32, "width": 32}
    drawn = {"generator": generator, "prompts": prompts, "per_class": 4}
    study = asked(folder, folder / "real", synthetic={"drawn": drawn}, **changes)
    return Workspace(resolve(study))


def texts(found: Workspace) -> list[str]:
    check_settings(found)
    return [each.text for each in prompts_of(found, found.study.synthetic[0]) or ()][:2]


def test_an_id_is_refused_at_the_start_unless_class_map_speaks_it(
    sdxl: Path, tmp_path: Path
) -> None:
    labels = {"use": "class-labels"}
    with pytest.raises(SynthmixError, match="'n01440764' has no form that a sentence can hold"):
        check_settings(workspace(sdxl, tmp_path, labels))
    found = workspace(sdxl, tmp_path, labels, class_map={"n01440764": "tench"})
    assert texts(found) == ["A photo of an Apple Black rot", "A photo of a tench"]
    assert not any("class lost" in each for each in warnings(found))


def test_a_file_has_the_classes_own_names(sdxl: Path, tmp_path: Path) -> None:
    path = tmp_path / "prompts.json"
    path.write_text(json.dumps({NAMES[0]: ["an apple with black rot"], NAMES[1]: ["a tench"]}))
    prompts = {"use": "file", "path": str(path)}
    found = workspace(sdxl, tmp_path, prompts, class_map={"n01440764": "tench"})
    assert texts(found) == ["an apple with black rot", "a tench"]
    assert not any("class lost" in each for each in warnings(found))


def test_another_spoken_name_is_another_set(sdxl: Path, tmp_path: Path) -> None:
    labels = {"use": "class-labels"}
    paths = set()
    for name in ("tench", "carp"):
        found = workspace(sdxl, tmp_path, labels, class_map={"n01440764": name})
        paths.add(found.synthetic_artifact(found.study.synthetic[0], 0).path)
    assert len(paths) == 2


def test_images_that_are_there_keep_their_classes_names(sdxl: Path, tmp_path: Path) -> None:
    write_images(tmp_path / "ready", names=NAMES, seed=3)
    found = workspace(sdxl, tmp_path, {"use": "class-labels"}, class_map={"n01440764": "tench"})
    ready = {"images": {"use": "folder", "path": str(tmp_path / "ready")}}
    study = found.study.asked | {"synthetic": {"ready": ready}}
    assert Workspace(resolve(study)).synthetic("ready", 0).class_names == NAMES


def test_the_plan_shows_how_classes_are_spoken(sdxl: Path, tmp_path: Path) -> None:
    labels = {"use": "class-labels"}
    found = workspace(sdxl, tmp_path, labels, class_map={"n01440764": "tench"})
    assert notes(found) == ["class_map: 'n01440764' is spoken 'tench'."]
