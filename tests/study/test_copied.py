"""The copy of a study's file is used as it was written, or not at all."""

from pathlib import Path

import pytest

from synthmix.errors import DataError
from synthmix.study.running import study_copy

ASKED = {"name": "größer", "seeds": 3, "real": {"use": "digits"}}


def test_a_copy_that_was_written_is_taken(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(study_copy.text_of(ASKED, "0" * 16))
    study_copy.check(path)
    path.write_bytes(study_copy.OURS + b"name: early\n")  # as earlier versions wrote it
    study_copy.check(path)


@pytest.mark.parametrize("change", ["seeds: 4", "seeds: 3\nvalidation: 0", "seeds: [", ""])
def test_another_copy_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "study.yaml"
    path.write_bytes(study_copy.text_of(ASKED, "0" * 16).replace(b"seeds: 3", change.encode()))
    with pytest.raises(DataError, match="study.yaml was edited or damaged"):
        study_copy.check(path)


def test_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").mkdir()
    with pytest.raises(DataError, match="holds no study.yaml"):
        study_copy.check(tmp_path / "study.yaml")
