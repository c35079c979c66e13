"""What filters leave of a set: an artifact of rows, drawn from and never guessed."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.study.config.file import Study, resolve
from synthmix.study.inputs.interim import wanted
from synthmix.study.inputs.selection import REJECTED
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import Steps, describe
from synthmix.study.running.runner import run
from tests.study.test_reliability import STUDY


def study(folder: Path, **changes: Any) -> Study:
    return resolve({**STUDY, "seeds": 1, "output": str(folder / "out"), **changes})


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished study whose sets were filtered."""
    folder = tmp_path_factory.mktemp("selection")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        found = study(folder, exclude_duplicates=True)
        run(found)
    return found


def test_a_plan_says_where_counts_are_not_known_yet(tmp_path: Path) -> None:
    for is_asked in (False, True):
        plan = describe(study(tmp_path, exclude_duplicates=is_asked), measure=False)
        rows = {row["target"]: row["detail"] for row in plan["steps"] if row["stage"] == "train"}
        assert rows["real"].endswith("60 real + 0 synthetic")
        assert ("if filters leave so many" in rows["flow@1"]) is is_asked


def test_the_selection_is_an_artifact_of_rows(finished: Study) -> None:
    space = Workspace(finished)
    flow = finished.set_named("flow")
    artifact = space.selection_artifact(flow, 0)
    manifest = artifact.manifest()
    stored = np.load(artifact.path / REJECTED)
    assert manifest["by_filter"] == {"duplicates": len(stored)}
    assert manifest["num_rejected"] == len(stored)
    assert manifest["num_images"] == len(space.synthetic("flow", 0))
    labels, drawable = space.labels_of(flow), space.drawable(flow, 0)
    assert np.flatnonzero(drawable < 0).tolist() == stored.tolist()
    assert (np.where(drawable < 0, -1 - drawable, drawable) == labels).all()


def test_what_is_stored_is_what_is_drawn_from(finished: Study) -> None:
    """Rows that the artifact rejects are out of every mix, whoever wrote them there."""
    space = Workspace(finished)
    artifact = space.selection_artifact(finished.set_named("flow"), 0)
    arm = next(each for each in space.arms() if each.name == "flow@0.5")
    taken = space.mixture(arm, 0).synthetic["flow"]
    before = np.load(artifact.path / REJECTED)
    try:
        artifact.reopen()
        with artifact.part(REJECTED) as path, path.open("wb") as file:
            np.save(file, taken[:1])
        artifact.seal()
        assert taken[0] not in Workspace(finished).mixture(arm, 0).synthetic["flow"]
    finally:
        artifact.reopen()
        with artifact.part(REJECTED) as path, path.open("wb") as file:
            np.save(file, before)
        artifact.seal()


def test_a_finished_study_has_nothing_left_to_select(finished: Study) -> None:
    space = Workspace(finished)
    steps = Steps(space, wanted(space)).of("select")
    assert [step.state for step in steps] == ["done"]
    assert space.unknown_selections(0) == []


def test_a_study_without_filters_selects_nothing(tmp_path: Path) -> None:
    space = Workspace(study(tmp_path))
    assert Steps(space, wanted(space)).of("select") == []
    assert space.filters == []
