"""Every study that comes with the project is valid."""

from pathlib import Path

import pytest

from synthmix.study import load, plan, resolve
from synthmix.study.file import read

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.yaml"))
QUICKSTART = STUDIES[0].with_name("quickstart.yaml")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_loads(path: Path) -> None:
    study = load(path)
    assert study.name == path.stem
    assert study.resolved()["name"] == path.stem


def test_the_quickstart_is_planned_offline(tmp_path: Path) -> None:
    study = resolve({**read(QUICKSTART), "output": str(tmp_path / "out")})
    found = plan(study, measure=False)
    stages = [step["stage"] for step in found["steps"]]
    assert (stages.count("fit"), stages.count("generate"), stages.count("train")) == (3, 3, 15)
    assert found["steps"][-1]["detail"] == "0 real + 300 synthetic"
    assert not (tmp_path / "out").exists()


def test_the_package_names_stay_functions_once_their_modules_are_loaded() -> None:
    from synthmix import study
    from synthmix.study import planning, running

    assert study.run is running.run
    assert study.plan is planning.describe
    for name in study.__all__:
        assert callable(getattr(study, name))
        assert callable(getattr(study, name)), "a module took the name's place"
