"""Killed at any moment, a study ends with the bytes of an undisturbed one."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from synthmix import checkpoints
from synthmix.generators.flow import _fit
from synthmix.store import sha256
from synthmix.study import load, run
from synthmix.study.running.progress import Watch
from synthmix.study.stages import Step, _training

KILLING = Path(__file__).with_name("killing.py")
STUDY = {
    "name": "small",
    "real": {"use": "digits"},
    "synthetic": {
        "flow": {
            "generator": {
                "use": "flow",
                "fit_steps": 8,
                "fit_batch_size": 16,
                "widths": [16],
                "blocks": [1],
                "rank": 4,
                "steps": 1,
                "batch_size": 16,
            },
            "per_class": 8,
        }
    },
    "mixing": {"use": "replace", "total": 60, "ratios": [0.5, 1]},
    "controls": False,
    "training": {"steps": 5, "batch_size": 16},
    "seeds": 2,
    "evaluation": {"corruptions": {"kinds": ["gaussian-noise", "jpeg"], "num_images": 20}},
    "engine": {"use": "local", "processes": 1},
}


PREDICTIONS = 6 + 2
"""Artifacts: corrupted images by every run, synthetic ones by the runs of real images alone."""


def write_study(folder: Path, **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**STUDY, "output": str(folder / "out"), **changes}))
    return path


def checksums(output: Path) -> dict[str, str]:
    """Return the sha256 of everything a study leaves that is promised to repeat."""
    files = [path for path in output.rglob("*") if path.is_file()]
    kept = [p for p in files if p.name != "timing.json" and ".locks" not in p.parts]
    # the report shows the time beside the checksums
    return {str(p.relative_to(output)): sha256(p) for p in kept if p.name != "report.html"}


def finish(study: Path, seed: int, moments: int) -> int:
    command = [sys.executable, str(KILLING), str(study), str(seed), str(moments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr[-2000:]
    return int(json.loads(done.stdout.splitlines()[-1]))


def in_own_file(sums: dict[str, str]) -> dict[str, str]:
    """Leave out what names the output folder."""
    return {name: value for name, value in sums.items() if name != "study.yaml"}


def test_killed_at_random_moments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = write_study(tmp_path / "undisturbed")
    assert finish(undisturbed, 0, 0) == 0
    disturbed = write_study(tmp_path / "disturbed")
    kills = finish(disturbed, seed=0, moments=150)
    assert kills >= 20
    expected = in_own_file(checksums(tmp_path / "undisturbed" / "out"))
    assert in_own_file(checksums(tmp_path / "disturbed" / "out")) == expected
    assert {"results.json"} <= set(expected)
    assert sum(name.endswith("manifest.json") for name in expected) == 2 + 2 + 6 + PREDICTIONS
    assert sum(name.endswith(".parquet") for name in expected) == 2 * 3


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study whose folder the tests below copy."""
    folder = tmp_path_factory.mktemp("finished")
    os.environ["SYNTHMIX_CACHE"] = str(folder / "cache")
    run(load(write_study(folder, seeds=1)))
    return folder


def test_a_finished_study_is_not_done_again(finished: Path) -> None:
    before = {p: p.stat().st_mtime_ns for p in (finished / "out" / "runs").rglob("*.npy")}
    run(load(finished / "study.yaml"))
    after = {p: p.stat().st_mtime_ns for p in (finished / "out" / "runs").rglob("*.npy")}
    assert before == after


@pytest.mark.parametrize("damage", ["truncate", "edit"])
@pytest.mark.parametrize("part", ["synthetic/*/data/*.parquet", "runs/*/logits.npy"])
def test_damage_is_named_and_only_that_part_redone(
    finished: Path, part: str, damage: str, capfd: pytest.CaptureFixture[str]
) -> None:
    output = finished / "out"
    expected = checksums(output)
    victim = sorted(output.glob(part))[0]
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(bytes(content[: len(content) // 2] if damage == "truncate" else content))
    others = {p: p.stat().st_mtime_ns for p in output.rglob("*.npy") if p.parent != victim.parent}
    done = subprocess.run(
        [sys.executable, "-m", "synthmix", "run", str(finished / "study.yaml")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert victim.name in done.stderr.replace("\n", "")
    assert {p: p.stat().st_mtime_ns for p in others} == others
    now = {name: value for name, value in checksums(output).items() if "/damaged/" not in name}
    assert now == {name: value for name, value in expected.items() if "/damaged/" not in name}


class Told(Watch):
    """Remembers what was found damaged."""

    def __init__(self) -> None:
        self.damaged: list[str] = []

    def finished(self, step: Step, damaged: Sequence[str]) -> None:
        self.damaged += [f"{Path(each).parent.name}/{Path(each).name}" for each in damaged]


def test_damaged_manifests_are_put_aside_and_made_anew(finished: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    expected = (output / "results.json").read_bytes()
    shards = {path: path.stat().st_mtime_ns for path in output.glob("synthetic/*/data/*.parquet")}
    victims = [
        sorted(output.glob(f"{kind}/*/manifest.json"))[0]
        for kind in ("generators", "synthetic", "runs", "predictions")
    ]
    before = [path.read_bytes() for path in victims]
    for path, text in zip(victims, ("", "[]", "{", "\0" * 50), strict=True):
        path.write_text(text)
    told = Told()
    run(load(write_study(tmp_path, seeds=1)), told)
    assert told.damaged == [f"{path.parent.name}/manifest.json" for path in victims]
    assert [path.read_bytes() for path in victims] == before
    assert all(list(path.parent.glob("damaged/*-manifest.json")) for path in victims)
    assert {path: path.stat().st_mtime_ns for path in shards} == shards, "images are kept"
    assert (output / "results.json").read_bytes() == expected


@pytest.mark.parametrize("kind", ["generators", "runs"])
def test_a_damaged_checkpoint_is_told_of_and_begun_anew(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    output = tmp_path / "out"
    shutil.copytree(finished / "out", output)
    expected = (output / "results.json").read_bytes()
    folder = sorted((output / kind).glob("*-seed0-*"))[0]
    shutil.rmtree(folder)
    left = 3

    def stopping(*arguments: Any) -> None:
        nonlocal left
        checkpoints.save(*arguments)
        left -= 1
        if left == 0:
            raise KeyboardInterrupt

    study = load(write_study(tmp_path, seeds=1))
    monkeypatch.setattr(_training, "CHECKPOINT_SECONDS", 0.0)
    monkeypatch.setattr(_training, "save", stopping)
    monkeypatch.setattr(_fit, "save", stopping)
    with pytest.raises(KeyboardInterrupt):
        run(study)
    monkeypatch.undo()
    (checkpoint,) = (folder / "progress").glob("*.pt")
    content = bytearray(checkpoint.read_bytes())
    content[len(content) // 2] ^= 1
    checkpoint.write_bytes(content)
    told = Told()
    run(study, told)
    assert told.damaged == [f"progress/{checkpoint.name}"]
    assert (folder / "damaged" / f"000-{checkpoint.name}").read_bytes() == content
    assert (output / "results.json").read_bytes() == expected


def test_damaged_files_beside_the_artifacts_are_kept_and_made_anew(
    finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished / "out", tmp_path / "out")
    study = write_study(tmp_path, seeds=1)
    expected = (tmp_path / "out" / "results.json").read_bytes()
    for name in ("resolved.json", "results.json", "timing.json"):
        (tmp_path / "out" / name).write_text("{")
    for path in (tmp_path / "out" / "runs").glob("*/timing.json"):
        path.write_text("{")
    run(load(study))
    assert (tmp_path / "out" / "results.json").read_bytes() == expected
    kept = [*(tmp_path / "out").glob("re*-*.json")]
    assert sorted(path.name.partition("-")[0] for path in kept) == ["resolved", "results"]
    assert {path.read_text() for path in kept} == {"{"}


def test_two_processes_on_one_study(tmp_path: Path) -> None:
    study = write_study(tmp_path / "twice", seeds=1)
    command = [sys.executable, "-m", "synthmix", "run", str(study), "--quiet"]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for each in both:
        _, errors = each.communicate(timeout=200)
        assert each.returncode == 0, errors
    alone = write_study(tmp_path / "alone", seeds=1)
    run(load(alone))
    expected = in_own_file(checksums(tmp_path / "alone" / "out"))
    assert in_own_file(checksums(tmp_path / "twice" / "out")) == expected


def test_a_set_grows_without_redoing_what_is_there(finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished / "out", tmp_path / "out")
    bigger = {**STUDY["synthetic"]["flow"], "per_class": 12}  # type: ignore[index]
    study = write_study(tmp_path, seeds=1, synthetic={"flow": bigger})
    run(load(study))
    sets = list((tmp_path / "out" / "synthetic").glob("flow-*"))
    assert len(sets) == 1
    assert json.loads((sets[0] / "manifest.json").read_text())["num_images"] == 120
    # the results of the smaller study are kept under their own name
    assert len(list((tmp_path / "out").glob("results-*.json"))) == 1
