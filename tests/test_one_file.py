"""Each of these takes one new file and touches no other: what a house is judged by."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "synthmix"

METRIC = '''
"""Share of test images that are predicted wrong."""

from dataclasses import dataclass
from typing import ClassVar

from synthmix.evaluation.metrics import Metric
from synthmix.evaluation.predictions import Predictions


@dataclass(frozen=True, kw_only=True)
class Error(Metric):
    """One minus accuracy."""

    direction: ClassVar[str] = "lower"
    bounds: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def compute(self, predictions: Predictions) -> float:
        return float((predictions.predicted != predictions.labels).mean())
'''

FILTER = '''
"""Leave out every second image."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from synthmix.study.filters import Filter


@dataclass(frozen=True, kw_only=True)
class Halves(Filter):
    """Rejects images of odd rows."""

    reason: ClassVar[str] = "stand at an odd row"

    def is_asked(self, study):
        return True

    def depends_on(self, space):
        return None

    def rejected(self, space, each, run):
        return np.arange(1, len(space.synthetic(each.name, run)), 2)
'''

ENGINE = '''
"""Tasks from the last to the first, in this process."""

from dataclasses import dataclass

from synthmix.engines import Engine


@dataclass(frozen=True, kw_only=True)
class Backwards(Engine):
    """Runs the last task first."""

    def map(self, task, items):
        for number in reversed(range(len(items))):
            yield number, task(items[number])
'''

STAGE = '''
"""Count the images of each set, before anything trains on them."""

from dataclasses import dataclass
from typing import ClassVar

from synthmix.store import Artifact
from synthmix.study.stages import Stage, Step, Task


@dataclass(frozen=True, kw_only=True)
class Count(Stage):
    """Leaves the number of images of each set."""

    after: ClassVar[tuple[str, ...]] = ("generate",)
    before: ClassVar[tuple[str, ...]] = ("train",)
    verb: ClassVar[str] = "counting"
    unit: ClassVar[str] = "images"
    folder: ClassVar[str] = "counts"

    def steps(self, workspace, wanted):
        return [
            Step(Task(workspace.placed, "count", each.name, 0), 1, _artifact(workspace, each.name))
            for each in workspace.study.synthetic
        ]

    def make(self, task):
        from synthmix.study.stages.work import at_work, workspace_of

        workspace = workspace_of(task.study)
        artifact = _artifact(workspace, task.target)
        with at_work(artifact, task.study) as damaged:
            if not artifact.is_complete:
                with artifact.part("count.txt") as path:
                    path.write_text(str(len(workspace.synthetic(task.target, 0))))
                artifact.seal()
        return damaged

    def depends_on(self, workspace, target):
        return None


def _artifact(workspace, name):
    return Artifact(workspace.study.output / "counts", name, {"kind": "count", "set": name})
'''

ANALYSIS = '''
"""How many test images every arm agrees on."""

from dataclasses import dataclass

import numpy as np

from synthmix.analyses import Analysis, Found, Section, Table


@dataclass(frozen=True, kw_only=True)
class Agreement(Analysis):
    """Share of the test images that all runs predict alike."""

    def find(self, evidence):
        runs = [each for arm in evidence.predicted.test.values() for each in arm.values()]
        share = float((np.stack(runs) == runs[0]).all(axis=0).mean())
        table = Table(["what", "share"], [["alike in all runs", share]])
        section = Section("Agreement <of> runs", ["All runs & arms."], [table])
        return Found({"share": share}, section)
'''

FILES = {
    "evaluation/metrics/error.py": METRIC,
    "study/filters/halves.py": FILTER,
    "engines/backwards.py": ENGINE,
    "study/stages/count.py": STAGE,
    "analyses/agreement.py": ANALYSIS,
}

STUDY = {
    "name": "extended",
    "real": {"use": "digits"},
    "synthetic": {"made": {"images": {"use": "array", "train_path": "made.npz"}}},
    "mixing": {"use": "replace", "total": 40, "ratios": [0, 0.5]},
    "controls": False,
    "training": {"steps": 2, "batch_size": 8, "flip": False, "precision": "float32"},
    "evaluation": {"corruptions": False, "mirror": 0},
    "seeds": 2,
    "engine": {"use": "backwards"},
    "output": "out",
}

PROGRAM = """
import json, sys
import numpy as np
from synthmix.study import resolve, run

random = np.random.default_rng(0)
pixels = random.integers(0, 256, (100, 8, 8, 3), dtype=np.uint8)
names = np.array([str(k) for k in range(10)])
np.savez("made.npz", images=pixels, labels=np.arange(100) // 10, class_names=names)
results = run(resolve(json.loads(sys.argv[1])), progress=False)
print(json.dumps(results.raw))
"""


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a study run by a copy of the package with one more file each."""
    folder = tmp_path_factory.mktemp("extended")
    package = folder / "src" / "synthmix"
    shutil.copytree(SOURCE, package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        assert not (package / name).exists()
        (package / name).write_text(dedent(text).lstrip(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(STUDY)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(folder / "src"),
            "SYNTHMIX_CACHE": str(folder / "cache"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "out"


def test_a_metric_a_filter_an_engine_a_stage_and_a_section(extended: Path) -> None:
    results = json.loads((extended / "results.json").read_text(encoding="utf-8"))
    real = next(arm for arm in results["arms"] if arm["name"] == "real")
    assert real["scores"]["error"]["mean"] == pytest.approx(1 - real["scores"]["accuracy"]["mean"])
    (selection,) = (extended / "selections").glob("made-*/manifest.json")
    facts = json.loads(selection.read_text(encoding="utf-8"))
    assert (facts["num_rejected"], facts["by_filter"]) == (50, {"halves": 50})
    (count,) = (extended / "counts").glob("made-*/count.txt")
    assert count.read_text() == "100"
    share = results["analyses"]["agreement"]["value"]["share"]
    assert 0 <= share <= 1
    page = (extended / "report.html").read_text(encoding="utf-8")
    assert "<h2>Agreement &lt;of&gt; runs</h2>" in page
    assert "All runs &amp; arms." in page
    assert f"{share:.4g}" in page
