"""A copied folder gives its numbers again: without images, without the frameworks of training."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.errors import DataError
from synthmix.results.compute import compute
from synthmix.results.stored import LABELS, RECORD, read_record, write_record
from synthmix.store import json_text, read_json, signed, write_json
from synthmix.study import load, resolve, run
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.running.recording import record_of
from synthmix.study.running.reproduce import recompute
from tests.study.test_reliability import STUDY

BLOCKED = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"torch", "torchvision", "timm", "sklearn"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from synthmix.cli.main import main
main()
"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished study whose own images are gone."""
    folder = tmp_path_factory.mktemp("stored")
    random = np.random.default_rng(0)
    names = np.array([f"class {k}" for k in range(3)])
    for split, count in (("train", 150), ("test", 60), ("made", 90)):
        pixels = random.integers(0, 256, (count, 8, 8, 3), dtype=np.uint8)
        labels = np.arange(count) % 3
        np.savez(folder / f"{split}.npz", images=pixels, labels=labels, class_names=names)
    real = {"train_path": str(folder / "train.npz"), "test_path": str(folder / "test.npz")}
    study = {
        "name": "copied",
        "real": {"use": "array", **real},
        "synthetic": {
            "flow": {**STUDY["synthetic"]["flow"], "per_class": 20},
            "made": {"images": {"use": "array", "train_path": str(folder / "made.npz")}},
        },
        "mixing": {"use": "replace", "total": 60, "ratios": [0, 0.5, 1]},
        "controls": {"curve": [15, 30]},
        "training": {**STUDY["training"], "steps": 4},
        "hypotheses": ["flow beats made"],
        "evaluation": {
            "corruptions": {"kinds": ["jpeg"], "num_images": 12},
            "test_sets": {"more": {"use": "array", **real}},
            "mirror": 10,
        },
        "seeds": 2,
        "output": str(folder / "out"),
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        run(resolve(study))
    shutil.rmtree(folder / "cache")
    for each in folder.glob("*.npz"):
        each.unlink()
    return folder / "out"


def test_a_copied_folder_is_evaluated_without_torch_and_images(
    finished: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(finished, tmp_path / "elsewhere")
    (copied / "results.json").unlink()
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, "evaluate", str(copied), "--json"],
        env={**os.environ, "SYNTHMIX_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (copied / "results.json").read_bytes() == (finished / "results.json").read_bytes()


def test_the_verdict_is_compared_without_images(finished: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(finished, tmp_path / "elsewhere")
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, "evaluate", str(copied)],
        env={**os.environ, "SYNTHMIX_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "equal the stored ones, byte for byte" in done.stdout


def load_of(folder: Path) -> Any:
    return resolve({**load(folder / "study.yaml").asked, "output": str(folder)})


def test_a_flipped_bit_of_the_record_is_no_record(finished: Path, tmp_path: Path) -> None:
    mark = load_of(finished).fingerprint
    assert read_record(finished, mark) is not None
    assert read_record(finished, "0" * 16) is None, "another study's"
    for name in (RECORD, LABELS):
        copied = shutil.copytree(finished, tmp_path / name)
        content = bytearray((copied / name).read_bytes())
        content[len(content) // 2] ^= 1
        (copied / name).write_bytes(content)
        assert read_record(copied, mark) is None
        with pytest.raises(
            DataError, match=r"record\.json or labels\.npz beside it is miss.*images are"
        ):
            recompute(load_of(copied))


def test_a_record_without_its_digest_was_edited(finished: Path, tmp_path: Path) -> None:
    copied = shutil.copytree(finished, tmp_path / "edited")
    record = read_json(copied / RECORD)
    del record["digest"]
    write_json(copied / RECORD, record)
    assert read_record(copied, load_of(finished).fingerprint) is None


def test_a_record_read_back_is_the_one_that_was_written(finished: Path, tmp_path: Path) -> None:
    record = read_record(finished, load_of(finished).fingerprint)
    assert record is not None
    copied = shutil.copytree(finished, tmp_path / "again")
    again = read_record(copied, load_of(finished).fingerprint)
    assert again is not None
    write_record(again)
    assert (copied / RECORD).read_bytes() == (finished / RECORD).read_bytes()
    stored = (finished / "results.json").read_text(encoding="utf-8")
    assert json_text(compute(record)) == stored


def test_what_an_earlier_version_did_not_compute_is_no_difference(
    finished: Path, tmp_path: Path
) -> None:
    copied = shutil.copytree(finished, tmp_path / "earlier")
    results = read_json(copied / "results.json")
    del results["digest"], results["metrics"]["ece"], results["robustness"]
    for arm in results["arms"]:
        del arm["scores"]["ece"]
    write_json(copied / "results.json", signed(results))
    found = recompute(load_of(copied))
    assert found.differing == ()
    assert "metrics.ece" in found.added
    assert "have every stored value, and what the stored ones lack: arms.0" in found.sentence
    results["arms"][0]["num_real"] += 1
    write_json(copied / "results.json", signed(results))
    assert recompute(load_of(copied)).differing == ("arms.0.num_real",)


def test_a_spoiled_arm_stays_spoiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Why an arm cannot be judged is told by its images, which a copied folder lacks."""
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(1)
    pixels = random.integers(0, 256, (120, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(120) % 2
    for name, rows in (("train", slice(0, 60)), ("test", slice(60, 120)), ("made", slice(50, 120))):
        names = np.array(["cat", "dog"])
        path = tmp_path / f"{name}.npz"
        np.savez(path, images=pixels[rows], labels=labels[rows], class_names=names)
    real = {"train_path": str(tmp_path / "train.npz"), "test_path": str(tmp_path / "test.npz")}
    study = resolve(
        {
            "name": "spoiled",
            "real": {"use": "array", **real},
            "synthetic": {"made": {"images": {"use": "array", "train_path": str(path)}}},
            "mixing": {"use": "replace", "total": 40, "ratios": [0, 0.5]},
            "controls": False,
            "training": {**STUDY["training"], "steps": 2},
            "evaluation": {"corruptions": False, "mirror": 0},
            "seeds": 2,
            "output": str(tmp_path / "out"),
        }
    )
    run(study)
    results = json.loads((tmp_path / "out" / "results.json").read_text(encoding="utf-8"))
    assert results["verdict"]["arms"][0]["label"] == "invalid"
    record = read_record(tmp_path / "out", study.fingerprint)
    assert record is not None
    assert compute(record) == results == compute(record_of(Workspace(study)))
