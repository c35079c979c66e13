"""Results that are there already are renamed where others take their place, never overwritten."""

from pathlib import Path
from typing import Any

import pytest

from synthmix.store import is_altered, read_json, signed, write_json
from synthmix.study.running.results import _keep_other

ONE, TWO = "a" * 16, "b" * 16


def results(study: str, accuracy: float = 0.5) -> dict[str, Any]:
    return signed({"study_fingerprint": study, "accuracy": accuracy})


def put(folder: Path, found: dict[str, Any]) -> Path | None:
    kept = _keep_other(folder / "results.json", found)
    write_json(folder / "results.json", found)
    return kept


def test_two_studies_that_take_turns_lose_nothing(tmp_path: Path) -> None:
    order = [results(ONE, 0.1), results(TWO, 0.2), results(ONE, 0.3), results(TWO, 0.4)]
    kept = [put(tmp_path, found) for found in order]
    names = [None if path is None else path.name for path in kept]
    assert names == [None, f"results-{ONE}.json", f"results-{TWO}.json", f"results-{ONE}-2.json"]
    assert [read_json(path)["accuracy"] for path in kept if path] == [0.1, 0.2, 0.3]


def test_other_results_of_the_same_study_are_kept(tmp_path: Path) -> None:
    put(tmp_path, results(ONE, 0.1))
    assert put(tmp_path, results(ONE, 0.1)) is None
    kept = put(tmp_path, results(ONE, 0.2))
    assert kept is not None
    assert kept.name == "results-before.json"
    assert read_json(kept)["accuracy"] == 0.1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "7",
        "{}",
        '{"study_fingerprint": "a/b"}',
        '{"study_fingerprint": "../../x"}',
        '{"study_fingerprint": null}',
        '{"study_fingerprint": "' + ONE + '", "digest": "0"}',
    ],
)
def test_what_is_no_results_of_ours_is_kept_as_altered(tmp_path: Path, text: str) -> None:
    (tmp_path / "results.json").write_text(text)
    kept = put(tmp_path, results(ONE))
    assert kept == tmp_path / "results-altered.json"
    assert kept.read_text() == text


@pytest.mark.parametrize("name", ["accuracy", "study_fingerprint", "digest"])
def test_an_edited_value_is_noticed(name: str) -> None:
    found = results(ONE)
    assert not is_altered(found)
    assert is_altered(found | {name: "x"})
    assert not is_altered({"study_fingerprint": ONE, "accuracy": 0.5})  # of an early version
