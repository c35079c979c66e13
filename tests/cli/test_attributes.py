"""synthmix attributes: files are extracted and grouped, told about, and never overwritten."""

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import Call, call, one_line  # noqa: F401

CATS = {"names": ["cat"], "attributes": ["black", "sleeping", "sleeping ", "zzz"]}
DOGS = {"names": ["dogs"], "attributes": ["brown"]}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "attributes.json"
    path.write_text(json.dumps([{"attributes": [CATS, DOGS, {"names": ["man"]}]}]))
    return path


def test_extract_then_group(call: Call, source: Path, tmp_path: Path) -> None:  # noqa: F811
    counts, classes = tmp_path / "counts.json", tmp_path / "classes.json"
    done = call("attributes", "extract", source, counts)
    assert done.err == ""
    assert done.out == f"{counts}: 1 image, 3 objects; 4 attributes of 2 names\n"
    done = call("attributes", "group", counts, classes, "--classes", "cat", "dog,frog")
    assert done.err == ""
    assert "cat    1      2         colour 1, pose 1     1" in done.out
    assert "frog: nothing usable; prompts take the lexicon of the package" in done.out
    found = json.loads(classes.read_text())["classes"]
    assert found["cat"]["groups"] == {"colour": {"black": 1}, "pose": {"sleeping": 1}}
    assert list(found) == ["cat", "dog", "frog"]


def test_answers_in_json_are_nothing_but_json(call: Call, source: Path, tmp_path: Path) -> None:  # noqa: F811
    done = call("attributes", "extract", source, tmp_path / "a.json", "--json")
    assert json.loads(done.out)["mentions"] == 4
    done = call("attributes", "group", source, tmp_path / "b.json", "--json", "--classes", "cat")
    (row,) = json.loads(done.out)["classes"]
    assert row == {
        "class": "cat",
        "names": 1,
        "mentions": 2,
        "groups": {"colour": 1, "pose": 1},
        "dropped": 1,
        "has_lexicon": False,
    }


def test_lists_without_counts(call: Call, source: Path, tmp_path: Path) -> None:  # noqa: F811
    target = tmp_path / "lists.json"
    assert call("attributes", "extract", source, target, "--lists").status == 0
    assert json.loads(target.read_text()) == {
        "cat": ["black", "sleeping", "zzz"],
        "dogs": ["brown"],
    }


def test_nothing_is_overwritten_and_nothing_half_left(
    call: Call,  # noqa: F811
    source: Path,
    tmp_path: Path,
) -> None:
    before = source.read_bytes()
    for command in (["extract", source, source], ["group", source, source, "--classes", "cat"]):
        assert "which is there already" in one_line(call("attributes", *command))
    assert source.read_bytes() == before
    broken = tmp_path / "broken.json"
    broken.write_text(source.read_text()[:-5])
    assert "cut short" in one_line(call("attributes", "extract", broken, tmp_path / "out.json"))
    assert not (tmp_path / "out.json").exists()


def test_a_class_without_a_match_is_one_line(call: Call, source: Path, tmp_path: Path) -> None:  # noqa: F811
    target = tmp_path / "out.json"
    words = ("attributes", "group", source, target, "--classes", "cat", "truck")
    assert "class 'truck' matches none of the 2 object names" in one_line(call(*words))
    assert not target.exists()


def test_embeddings_need_their_extra(
    call: Call,  # noqa: F811
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "sentence_transformers", None)
    words = ("--classes", "cat", "--embeddings", "some/model")
    done = call("attributes", "group", source, tmp_path / "out.json", *words)
    assert "-m pip install 'sentence-transformers>=3.4'" in one_line(done)
