"""Every study that comes with the project is valid."""

from pathlib import Path

import pytest

from synthmix.evaluation.hypotheses import Subject, parse
from synthmix.study import load, plan, resolve
from synthmix.study.config.file import read

STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.yaml"))
QUICKSTART = STUDIES[0].with_name("quickstart.yaml")


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_study_loads(path: Path) -> None:
    study = load(path)
    assert study.name == path.stem
    if any("checkpoint" in each.get("generator", {}) for each in study.asked["synthetic"].values()):
        return  # its weights are not here: tests of its generator resolve it with others
    assert study.resolved()["name"] == path.stem


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_every_hypothesis_speaks_of_arms_that_are_there(path: Path) -> None:
    study = load(path)
    subjects = [
        Subject(arm.name, "+".join(arm.sources) or None, arm.ratio)
        for arm in study.mixing.arms([each.name for each in study.synthetic])
    ]
    for text in study.hypotheses:
        assert parse(text, subjects).pairs


def test_the_origins_findings_are_declared() -> None:
    study = load(QUICKSTART.with_name("cifar10-origin.yaml"))
    counts = {each.name: 10 * (each.per_class or 0) for each in study.synthetic}
    assert counts.pop("stylegan-xl") == 60_000
    assert set(counts.values()) == {10_000}
    assert study.recipe.model == "resnet34"
    assert len(study.hypotheses) == 3


def test_the_quickstart_is_planned_offline(tmp_path: Path) -> None:
    study = resolve({**read(QUICKSTART), "output": str(tmp_path / "out")})
    found = plan(study, measure=False)
    stages = [step["stage"] for step in found.steps]
    assert (stages.count("fit"), stages.count("generate"), stages.count("train")) == (3, 3, 33)
    details = {step["target"]: step["detail"] for step in found.steps}
    assert details["flow@1"] == "0 real + 300 synthetic"
    assert details["real-600"] == "600 real + 0 synthetic (real-curve)"
    assert not (tmp_path / "out").exists()


def test_the_package_names_stay_functions_once_their_modules_are_loaded() -> None:
    from synthmix import study
    from synthmix.study import api
    from synthmix.study.planning import plan
    from synthmix.study.running import runner

    assert study.run is api.run
    assert study.plan is api.plan
    assert callable(runner.run)
    assert callable(plan.describe)
    for name in study.__all__:
        assert callable(getattr(study, name))
        assert callable(getattr(study, name)), "a module took the name's place"
