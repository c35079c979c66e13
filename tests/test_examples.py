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
    mixes = [arm for arm in results["arms"] if arm["control"] is None]
    assert [arm["num_synthetic"] for arm in mixes] == [0, 100]


def test_gemma_scripts_reach_their_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    classes = ["--classes", "cat", "dog"]
    for name, wanted in {
        "generate_gemma_prompts": "OUT must end in",
        "generate_gemma_prompts_4bit": "synthmix weights fetch google/gemma-2b-it",
    }.items():
        target = tmp_path / ("a.json" if name.endswith("4bit") else "a.txt")
        done = script(name, str(target), *classes)
        assert done.returncode == 2, done.stderr
        assert wanted in done.stderr
        assert "Traceback" not in done.stderr


# what each misses where nothing is there
SCRIPTS = {
    "train_mixed_datasets": "nothing",
    "generate_confusion_matrices": "nothing",
    "generate_cifar10_dataset_with_stylegan_xl": "nothing does not exist; StyleGAN-XL weights",
    "generate_images_from_prompts_sdxl-turbo": "synthmix weights fetch stabilityai/sdxl-turbo",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_scripts_reach_their_commands(name: str, tmp_path: Path) -> None:
    done = script(name, str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "synthmix: " in done.stderr
    assert SCRIPTS[name] in done.stderr
    assert "Traceback" not in done.stderr
