"""A short campaign of hostile study files; `make campaign` runs a long one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "campaign_settings.py"


@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="forks")
def test_hostile_studies_are_planned_or_told_in_one_line() -> None:
    command = [sys.executable, str(SCRIPT), "--trials", "40", "--seed", "17"]
    done = subprocess.run(command, capture_output=True, text=True)
    found = json.loads(done.stdout)
    assert (done.returncode, found["bad"]) == (0, [])
    assert found["outcomes"]["told"] > 20
    assert found["outcomes"]["accepted"] > 1
