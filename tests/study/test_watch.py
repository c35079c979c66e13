"""What is shown of a study at work where there is no terminal."""

import io
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from synthmix.store import Artifact
from synthmix.study.config.file import resolve
from synthmix.study.running import progress
from synthmix.study.stages import Step, Task
from tests.study.test_reliability import STUDY


def test_a_pipe_gets_a_line_at_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.3)
    artifact = Artifact(tmp_path, "flow-seed0", {"a": 1})
    step = Step(Task(resolve({**STUDY, "output": str(tmp_path)}), "fit", "flow", 0), 100, artifact)
    out = io.StringIO()
    console = Console(file=out, width=60)
    with progress.Terminal(console).stage("fit", [step]):
        artifact.report(10, 1000)
        time.sleep(0.6)
        for completed in range(20, 60, 10):
            artifact.report(completed, 1000)
            time.sleep(0.5)
    lines = [
        line for line in out.getvalue().splitlines() if line.startswith("fitting: flow seed 0")
    ]
    assert 2 <= len(lines) <= 6
    told = r"fitting: flow seed 0 \d+ of 1,000 steps, [\d.]+ steps/s, 0:\d\d:\d\d left"
    assert all(re.fullmatch(told, line) for line in lines[1:]), lines
    assert re.fullmatch(told.partition(",")[0] + r".*", lines[0])
