"""A folder of the output that is a link, perhaps to another file system, is like any other."""

import json
import tempfile
from pathlib import Path

import pytest

from synthmix.study import load, run
from synthmix.study.inputs.interim import wanted
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import Steps, stale
from tests.study.test_reliability import write_study

OTHER_FILE_SYSTEM = Path("/dev/shm")


@pytest.mark.parametrize("folder", ["runs", "synthetic"])
def test_a_linked_folder_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    path = write_study(tmp_path, seeds=1, evaluation={"corruptions": False, "mirror": 0})
    place = OTHER_FILE_SYSTEM if OTHER_FILE_SYSTEM.is_dir() else tmp_path
    with tempfile.TemporaryDirectory(dir=place) as elsewhere:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / folder).symlink_to(elsewhere)
        study = load(path)
        run(study)
        results = (tmp_path / "out" / "results.json").read_bytes()
        assert list(Path(elsewhere).glob("*/manifest.json"))
        space = Workspace(study)
        listed = Steps(space, wanted(space))
        assert ({step.state for step in listed.every()}, stale(listed)) == ({"done"}, [])
        timed = json.loads((tmp_path / "out" / "timing.json").read_text())
        lying = {each.name for each in Path(elsewhere).glob("*-*")}
        assert lying
        assert timed["stages"].keys() >= lying
        # cut short, it is made anew where it lies, and the rest is kept
        part = next(
            each for each in Path(elsewhere).rglob("*") if each.suffix in (".npy", ".parquet")
        )
        part.write_bytes(b"cut")
        run(study)
        assert (tmp_path / "out" / "results.json").read_bytes() == results
        assert part.stat().st_size > 3
        edited = load(write_study(tmp_path, seeds=1, training={"steps": 6, "batch_size": 16}))
        if folder == "runs":
            other = Workspace(edited)
            old = stale(Steps(other, wanted(other)))
            assert len([each for each in old if "/runs/" in each]) == 3
