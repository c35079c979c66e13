"""A file of an output is held against the study that `resolved.json` beside it names."""

import json
from pathlib import Path

import pytest

from synthmix import belonging
from synthmix.errors import ArtifactError
from synthmix.store import signed

MINE, OTHER = "0123456789abcdef", "fedcba9876543210"
SETTINGS = {"name": "mine", "mixing": {"use": "add"}, "training": {}, "real": {"use": "digits"}}
RESULTS = {
    **{key: SETTINGS[key] for key in ("name", "mixing", "training")},
    "real": {"settings": SETTINGS["real"]},
    "study_fingerprint": MINE,
}


@pytest.fixture
def output(tmp_path: Path) -> Path:
    (tmp_path / "resolved.json").write_text(json.dumps(belonging.kept(SETTINGS, MINE)))
    return tmp_path


def test_what_is_kept_holds_the_settings() -> None:
    assert belonging.settings_in(belonging.kept(SETTINGS, MINE)) == SETTINGS


def test_ones_own_files_are_taken(output: Path) -> None:
    belonging.check_results(output / "results.json", RESULTS)
    belonging.check_beside(output / "timing.json", MINE)
    belonging.check_study(output / "study.yaml")
    for early in (None, 3):
        belonging.check_beside(output / "timing.json", early)
    for text in (belonging.line(MINE), b"# early\nname: mine\n"):
        (output / "study.yaml").write_bytes(text)
        belonging.check_study(output / "study.yaml")


def test_other_files_are_refused(output: Path) -> None:
    with pytest.raises(ArtifactError, match=rf"belongs to the study 'mine' \({OTHER}\), not to"):
        belonging.check_results(output / "results.json", {**RESULTS, "study_fingerprint": OTHER})
    with pytest.raises(ArtifactError, match="timing.json belongs to another study"):
        belonging.check_beside(output / "timing.json", OTHER)
    (output / "study.yaml").write_bytes(b"# ours\n" + belonging.line(OTHER))
    with pytest.raises(ArtifactError, match="study.yaml is not the study file of 'mine'"):
        belonging.check_study(output / "study.yaml")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"name": "mine", "digest": "0"}'])
def test_nothing_is_said_without_sound_settings(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / "resolved.json").write_text(text)
    belonging.check_results(tmp_path / "results.json", {"name": "other"})
    belonging.check_beside(tmp_path / "timing.json", OTHER)
    belonging.check_study(tmp_path / "study.yaml")


@pytest.mark.parametrize("key", ["name", "mixing", "training", "real"])
def test_early_settings_are_compared_one_by_one(tmp_path: Path, key: str) -> None:
    (tmp_path / "resolved.json").write_text(json.dumps(signed(SETTINGS)))
    belonging.check_results(tmp_path / "results.json", RESULTS)
    other = {**RESULTS, key: {"settings": {"use": "array"}} if key == "real" else "other"}
    with pytest.raises(ArtifactError, match="not to 'mine', whose resolved.json"):
        belonging.check_results(tmp_path / "results.json", other)
