"""A plan's seconds and bytes count all that a run does and leaves."""

from pathlib import Path

import pytest

from synthmix.study import resolve, run
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.costs import Prices, prices
from synthmix.study.planning.plan import describe
from synthmix.study.planning.power import outlook
from synthmix.study.planning.throughput import Speed, measured_speed, remember
from synthmix.study.stages import Step, Task
from tests.study.test_reliability import STUDY


def small(folder: Path, **changes: object) -> Workspace:
    return Workspace(resolve({**STUDY, "output": str(folder / "out"), "seeds": 2, **changes}))


def step(stage: str, target: str) -> Step:
    return Step(Task(resolve(STUDY), stage, target, 0), 5, None)


def test_predicting_is_part_of_a_runs_time(tmp_path: Path) -> None:
    space = small(tmp_path)
    found = Prices(space, Speed(step=1.0, image=0.5), weights=0)
    predicted = len(space.test) + len(space.validation_rows)
    assert predicted == 599 + 120
    assert found.seconds(step("train", "real")) == 5 + 0.5 * predicted
    assert Prices(space, None, 0).seconds(step("train", "real")) is None
    assert found.seconds(step("fit", "flow")) is None


def test_speeds_are_remembered_for_these_images_and_this_recipe(tmp_path: Path) -> None:
    space = small(tmp_path, controls=True)
    remember(space, "train", "real", 2.0)
    assert Prices(space, None, 0).seconds(step("train", "flow@1")) == 10
    assert Prices(space, None, 0).seconds(step("train", "real-half-steps")) is None
    others = small(tmp_path, controls=True, real={"use": "digits", "test_fraction": 0.5})
    assert Prices(others, None, 0).seconds(step("train", "real")) is None


def test_both_speeds_are_measured(tmp_path: Path) -> None:
    found = measured_speed(small(tmp_path))
    assert found.step > found.image > 0


def test_a_large_batch_is_measured_by_a_part_of_it(tmp_path: Path) -> None:
    # the whole would be 65,536 images a step, which takes minutes
    found = measured_speed(small(tmp_path, training={"batch_size": 65_536}))
    assert found.step > 100 * found.image


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A small finished study."""
    folder = tmp_path_factory.mktemp("estimates")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        space = small(folder)
        run(space.study)
        assert len(space.test) > 0
    return space


def test_bytes_are_those_that_a_run_leaves(finished: Workspace) -> None:
    found = prices(finished, measure=False)
    (made,) = (finished.study.output / "runs").glob("real-seed0-*")
    left = sum(path.stat().st_size for path in made.rglob("*") if path.is_file())
    assert found.num_bytes(step("train", "real")) == pytest.approx(left, rel=0.1)
    assert found.weights > 0.5 * left, "weights are most of it"
    assert found.scratch == 3 * found.weights


def test_what_was_measured_is_what_is_planned_with(finished: Workspace) -> None:
    told = outlook(finished)
    assert told["spread"] == "the spread that the stored results here have measured"
    assert told["cases"][0]["effect"] != outlook(finished, 0.003)["cases"][0]["effect"]
    plan = describe(finished.study, measure=False)
    assert plan["outlook"] == told
    assert {step["seconds"] for step in plan["steps"]} == {0.0}


def test_a_study_without_mixes_has_nothing_to_see(tmp_path: Path) -> None:
    told = outlook(small(tmp_path, synthetic={}))
    assert (told["arms"], told["cases"][0]["effect"]) == (0, None)
