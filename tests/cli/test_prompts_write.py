"""`synthmix prompts write`: every strategy to every format, and back through `file`."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from synthmix.cli.app import app
from synthmix.errors import DataError, SettingError
from synthmix.prompts.file import File
from tests.prompts.language_model import models

NAMES = ("cat", "dog")


def write(*arguments: str, names: tuple[str, ...] = NAMES) -> dict[str, object]:
    command = ["prompts", "write", *arguments, "--classes", *names, "--json"]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.build(tmp_path_factory.mktemp("taught"), taught=120)


def settings(model: Path) -> list[str]:
    changes = {"model": model, "precision": "float32", "attempts": 60, "parallel": 1}
    return [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]


@pytest.mark.parametrize("suffix", ["json", "jsonl", "parquet"])
def test_what_is_written_is_read_by_file(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"a.{suffix}"
    told = write("class-labels", str(target), "--per-class", "3", names=("cat", "ice_cream"))
    assert told["prompts"] == 6
    assert told["per_class"] == {"cat": 3, "ice_cream": 3}
    assert [each.name for each in tmp_path.iterdir()] == [target.name]
    texts = [each.text for each in File(path=str(target)).write(("ice_cream", "cat"), 3, seed=0)]
    assert texts == ["A photo of an ice cream", "A photo of a cat"] * 3


def test_json_is_the_shape_for_exchange(tmp_path: Path) -> None:
    write("class-labels", str(tmp_path / "a.json"), "--per-class", "2")
    found = json.loads((tmp_path / "a.json").read_text())
    assert found == {name: {str(n): f"A photo of a {name}" for n in range(2)} for name in NAMES}


def test_attributes_are_written_with_what_they_were_made_of(tmp_path: Path) -> None:
    groups = {"colour": {"red": 3, "blue": 2}, "size": {"small": 2, "large": 2}}
    classes = {name: {"names": {}, "groups": groups} for name in NAMES}
    stored = tmp_path / "classes.json"
    stored.write_text(json.dumps({"format": "synthmix attribute classes 1", "classes": classes}))
    target = tmp_path / "a.parquet"
    where = f"visual_genome={stored}"
    write("clustered-attributes", str(target), "--per-class", "2", "--set", where, "--seed", "4")
    rows = pq.read_table(target).to_pylist()
    places = [(row["class"], row["index"]) for row in rows]
    assert places == [("cat", 0), ("dog", 0), ("cat", 1), ("dog", 1)]
    for row in rows:
        assert set(json.loads(row["source"])["attributes"]) == {"colour", "size"}
        assert row["strategy"] == "clustered-attributes"


def test_a_language_model_starts_from_a_file_of_prompts(taught: Path, tmp_path: Path) -> None:
    subjects = tmp_path / "subjects.csv"
    subjects.write_text("class,prompt\ncat,A photo of a cat\ndog,A photo of a dog\n")
    target = tmp_path / "a.jsonl"
    start = ["--set", f"from={subjects}"]
    told = write("language-model", str(target), "--per-class", "2", *settings(taught), *start)
    assert "accepted at the first attempt" in str(told["told"])
    rows = [json.loads(line) for line in target.read_text().splitlines()]
    assert [row["source"]["subject"] for row in rows] == ["a cat", "a dog"] * 2
    with pytest.raises(SettingError, match="from is 'nowhere', which does not exist"):
        write("language-model", str(tmp_path / "b.json"), "--set", "from=nowhere")


def test_killed_and_run_again(taught: Path, tmp_path: Path) -> None:
    target, ledger = tmp_path / "a.jsonl", tmp_path / "a.jsonl.ledger"
    command = [sys.executable, "-m", "synthmix", "prompts", "write", "language-model"]
    command += [str(target), "--per-class", "6", "--quiet", *settings(taught), "--classes", *NAMES]
    started = subprocess.Popen(command)
    while not ledger.exists() or ledger.read_bytes().count(b"\n") < 3:
        assert started.poll() is None
        time.sleep(0.01)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    assert not target.exists()
    kept = [json.loads(line)["text"] for line in ledger.read_text().split("\n")[1:-1]]
    assert len(kept) >= 2
    # other settings do not go on from these texts
    with pytest.raises(SettingError, match=r"a\.jsonl\.ledger was begun with other classes"):
        write("language-model", str(target), *settings(taught), "--seed", "9")
    write("language-model", str(target), "--per-class", "6", *settings(taught))
    texts = [json.loads(line)["prompt"] for line in target.read_text().splitlines()]
    assert len(texts) == 12
    assert set(kept) <= set(texts)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.jsonl"]
    before = target.read_bytes()
    with pytest.raises(SettingError, match="which is there already"):
        write("language-model", str(target), "--per-class", "6", *settings(taught))
    assert target.read_bytes() == before


def test_a_finished_file_is_never_gone_on_with_and_that_is_said(tmp_path: Path) -> None:
    target = tmp_path / "a.jsonl"
    write("class-labels", str(target), "--per-class", "2")
    with pytest.raises(SettingError, match="finished before: remove it to write it anew, or name"):
        write("class-labels", str(target), "--per-class", "3")
    assert len(target.read_text().splitlines()) == 2 * len(NAMES)


def test_a_shortfall_keeps_what_was_accepted(taught: Path, tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    few = [*settings(taught), "--set", "attempts=1"]
    with pytest.raises(DataError, match="raise attempts above 1 and run the same command again"):
        write("language-model", str(target), "--per-class", "6", *few)
    ledger = (tmp_path / "a.json.ledger").read_text().splitlines()
    assert 1 < len(ledger) < 13
    write("language-model", str(target), "--per-class", "6", *settings(taught))
    texts = json.loads(target.read_text())
    for line in ledger[1:]:
        each = json.loads(line)
        assert texts[NAMES[each["label"]]][str(each["index"])] == each["text"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["class-labels", "a.txt"], r"OUT must end in \.jsonl, \.parquet, \.json, got 'a\.txt'"),
        (["clas-labels", "a.json"], "Did you mean 'class-labels'"),
        (["class-labels", "a.json", "--set", "template=x"], "must contain"),
        (["language-model", "a.json", "--set", "model=./none"], "no such folder"),
    ],
)
def test_what_is_wrong_is_said_before_any_work(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingError, match=said):
        write(*arguments)
    assert list(tmp_path.iterdir()) == []
