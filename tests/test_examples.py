"""The examples run as they stand, from a folder of their own; the scripts reach their commands."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from synthmix.store import read_json

ROOT = Path(__file__).parents[1]


def example(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # in this process, which has torch already: importing it takes longer than the example
    monkeypatch.chdir(folder)
    runpy.run_path(str(ROOT / "examples" / f"{name}.py"), run_name="__main__")


def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "scripts" / f"{name}.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("path", sorted((ROOT / "examples").glob("*.py")), ids=lambda p: p.stem)
def test_examples_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 60


def test_train_from_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    example("train_from_python", tmp_path, monkeypatch)
    assert "flow@0.5     50 real   50 synthetic" in capsys.readouterr().out
    assert (tmp_path / "results" / "tiny" / "report.html").exists()


def test_own_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    example("own_images", tmp_path, monkeypatch)
    results = read_json(tmp_path / "results" / "own-images" / "results.json")
    assert [arm["num_synthetic"] for arm in results["arms"]] == [0, 100]


@pytest.mark.parametrize("name", ["train_mixed_datasets", "generate_confusion_matrices"])
def test_the_scripts_reach_their_commands(name: str, tmp_path: Path) -> None:
    done = script(name, str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "synthmix: " in done.stderr
    assert "Traceback" not in done.stderr
