"""Benchmarks can be asked for help, and what they left can be read; their times are not judged."""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
SCRIPTS = sorted(FOLDER.glob("bench_*.py"))
EVERY = sorted((FOLDER / "results").glob("*.json"))
RESULTS = [path for path in EVERY if not path.stem.startswith("campaign")]
ABSOLUTE_PATH = re.compile(r"(?<![\w./])/\w+/")


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_a_benchmark_says_what_it_measures(
    script: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # in this process, which has imported torch already
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "argv", [script.name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script), run_name="__main__")
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "--quick" in shown
    assert "--data" in shown


@pytest.mark.parametrize("path", RESULTS, ids=lambda path: path.stem)
def test_a_result_says_under_what_it_was_measured(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = json.loads(text)
    assert found.keys() >= {"n", "hardware", "commit", "command", "raw", "ratios"}
    assert found["n"] >= 1
    assert found["command"].startswith(f"python benchmarks/bench_{path.stem}.py")
    assert found["hardware"].keys() >= {"cpu", "cores", "flags", "torch", "threads"}
    assert all(isinstance(each["value"], float | int) for each in found["ratios"].values())
    assert not ABSOLUTE_PATH.search(text)


def test_every_result_has_its_script() -> None:
    assert {path.stem for path in RESULTS} <= {path.stem[len("bench_") :] for path in SCRIPTS}


def test_a_short_campaign_of_corruptions_finds_nothing(tmp_path: Path) -> None:
    asked = ["--trials", "12", "--seed", "1", "--short", "--output", str(tmp_path)]
    command = [sys.executable, "benchmarks/campaign_corruption.py", *asked]
    done = subprocess.run(command, cwd=FOLDER.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "campaign_corruption.json").read_text())
    assert sum(found["outcomes"].values()) == found["n"] == 12
    assert found["outcomes"]["equal"] >= 6
