"""Device and precision are resolved once, by the plan; workers name nothing by their own."""

import json
from pathlib import Path

import pytest

from synthmix import hardware
from synthmix.errors import SettingError
from synthmix.study.config.file import Study, resolve
from synthmix.study.inputs.interim import wanted
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import steps
from synthmix.study.running import runner
from synthmix.study.stages import make, order, work
from tests.study.test_reliability import STUDY


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """A study that leaves device and precision open, with a fitted set and predictions."""
    return resolve({**STUDY, "seeds": 1, "output": str(tmp_path / "out"), "precision": "auto"})


def as_on_another_machine(monkeypatch: pytest.MonkeyPatch, precision: str) -> None:
    """Let this process be a worker whose `auto` stands for something else."""
    monkeypatch.setattr(hardware, "has_native_bfloat16", lambda device: precision == "bfloat16")
    work._WORKSPACES.clear()


def test_a_worker_of_another_kind_does_what_the_plan_says(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_on_another_machine(monkeypatch, "float32")
    for stage in order():
        todo = steps(Workspace(study), stage)
        as_on_another_machine(monkeypatch, "bfloat16")
        for step in todo:
            make(step.task)
        as_on_another_machine(monkeypatch, "float32")
        for step in steps(Workspace(study), stage):
            assert step.state == "done", f"{stage}: {step.task.label}"
    runner.evaluate(study)
    results = json.loads((study.output / "results.json").read_text(encoding="utf-8"))
    assert results["precision"] == "float32"


def test_the_bytes_are_those_of_the_machine_that_planned(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the name alone: what is computed has the precision that the name stands for."""
    found = {}
    for worker in ("float32", "bfloat16"):
        here = resolve({**study.asked, "output": str(tmp_path / worker)})
        as_on_another_machine(monkeypatch, "float32")
        (fit,) = steps(Workspace(here), "fit")
        train = steps(Workspace(here), "train")[0]
        as_on_another_machine(monkeypatch, worker)
        make(fit.task)
        make(train.task)
        assert fit.artifact is not None
        assert train.artifact is not None
        found[worker] = [each.artifact.manifest()["parts"] for each in (fit, train)]
    assert found["float32"] == found["bfloat16"]


def test_a_device_that_a_worker_lacks_is_named(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hardware, "available_devices", lambda: ["cuda", "cpu"])
    train = steps(Workspace(study), "train")[0]
    monkeypatch.setattr(hardware, "available_devices", lambda: ["cpu"])
    with pytest.raises(SettingError, match="device is 'cuda'; this machine has: cpu"):
        make(train.task)


def test_a_plan_and_its_workers_agree_on_every_set(study: Study) -> None:
    space = Workspace(study)
    assert set(space.placed.machines) == {"training", "synthetic.flow.generator"}
    assert wanted(Workspace(space.placed)) == wanted(space)
