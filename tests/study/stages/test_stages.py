"""What every stage promises, whichever files there are."""

from pathlib import Path

import pytest

from synthmix.study.config.file import resolve
from synthmix.study.inputs.interim import wanted
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import Steps
from synthmix.study.stages import STAGES, order, stage_named, up_to
from tests.study.test_reliability import STUDY


@pytest.fixture
def listed(tmp_path: Path) -> Steps:
    """The steps of a study that has some of every stage's but written prompts."""
    study = {**STUDY, "exclude_duplicates": True, "output": str(tmp_path / "out")}
    space = Workspace(resolve(study))
    return Steps(space, wanted(space))


@pytest.mark.parametrize("name", STAGES.names())
def test_a_stage_says_what_people_are_shown(name: str) -> None:
    stage = stage_named(name)
    assert stage.verb.endswith("ing")
    assert stage.unit.endswith("s")
    assert stage.folder
    assert {*stage.after, *stage.before} <= set(STAGES.names())


def test_no_two_stages_share_a_folder() -> None:
    folders = [stage_named(name).folder for name in order()]
    assert len(set(folders)) == len(folders)


@pytest.mark.parametrize("name", STAGES.names())
def test_a_stage_comes_behind_those_it_reads(name: str) -> None:
    position = {each: number for number, each in enumerate(order())}
    stage = stage_named(name)
    assert all(position[each] < position[name] for each in stage.after)
    assert all(position[each] > position[name] for each in stage.before)
    assert up_to(name) == [each for each in order() if each in up_to(name)]
    assert set(up_to(name)) >= {*stage.after, name}


@pytest.mark.parametrize("name", STAGES.names())
def test_its_steps_lie_in_its_folder_and_are_counted(listed: Steps, name: str) -> None:
    for step in listed.of(name):
        assert step.stage == name
        assert step.units > 0
        if step.artifact is not None:
            assert step.artifact.parent == listed.workspace.study.output / stage_named(name).folder
    assert name == "write" or listed.of(name)


def test_a_stage_is_listed_once_until_what_it_needs_is_made(listed: Steps) -> None:
    train, fit = listed.of("train"), listed.of("fit")
    assert listed.of("train") is train
    listed.made("generate")
    assert listed.of("fit") is fit
    assert listed.of("train") is not train
