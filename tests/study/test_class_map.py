"""What class_map cannot mean is refused, what it may not mean is told, what it does is shown."""

from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import SettingError
from synthmix.study.config.file import resolve
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.preflight import notes, warnings
from synthmix.study.running.runner import check
from tests.study.test_bad_input import asked, complaint, ready_made, write_images, write_real


def study(
    folder: Path, class_map: dict[str, str], theirs: tuple[str, ...] = ("cat", "dog")
) -> dict[str, Any]:
    """Return a study of cats and dogs, with a source of other images."""
    made = ready_made(write_images(folder / "made", names=theirs, seed=2))
    return asked(folder, write_real(folder / "real"), **made, class_map=class_map)


def told(asked: dict[str, Any]) -> list[str]:
    workspace = Workspace(resolve(asked))
    check(workspace)
    return [text for text in warnings(workspace) + notes(workspace) if "class_map" in text]


@pytest.mark.parametrize(
    ("class_map", "says"),
    [
        ({"cat": "dog", "dog": "cat"}, "'cat' becomes 'dog' and 'dog' becomes 'cat', a circle"),
        ({"cat": "pet", "dog": "pet"}, "'cat' and 'dog' would both be spoken 'pet'"),
        ({"cat": "Dog"}, "'cat' and 'dog' would both be spoken 'Dog'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tmp_path: Path, class_map: dict[str, str], says: str
) -> None:
    assert says in complaint(study(tmp_path, class_map), SettingError)


def test_a_map_the_wrong_way_round_is_turned(tmp_path: Path) -> None:
    backwards = study(tmp_path, {"dog": "hund"}, theirs=("cat", "hund"))
    text = complaint(backwards, SettingError)
    assert "'hund' is a class of synthetic.made" in text
    assert "write class_map: {hund: dog}." in text
    check(Workspace(resolve({**backwards, "class_map": {"hund": "dog"}})))


def test_a_test_sets_map_the_wrong_way_round_is_turned(tmp_path: Path) -> None:
    other = write_images(tmp_path / "other", names=("cat", "hund"), seed=3)
    sets = {"test_sets": {"elsewhere": {"use": "folder", "path": str(other)}}}
    backwards = {**study(tmp_path, {"dog": "hund"}), "evaluation": sets}
    text = complaint(backwards, SettingError)
    assert "'hund' is a class of evaluation.test_sets.elsewhere" in text


@pytest.mark.parametrize(
    ("class_map", "says"),
    [
        ({"cat": "dgo"}, "nearly the class 'dog'; where it is meant, write class_map: {cat: dog"),
        ({"cat": "katze"}, "no prompts are written here; what another source calls it stands first,"
         " as in class_map: {katze: cat}"),
        ({"hund": "dog"}, "no other source has a class 'hund', so class_map: {hund: dog} changes"),
    ],
)  # fmt: skip
def test_what_may_not_be_meant_is_told(
    tmp_path: Path, class_map: dict[str, str], says: str
) -> None:
    (text,) = told(study(tmp_path, class_map))
    assert says in text


def test_a_class_of_the_study_that_is_taken_for_another_is_told(tmp_path: Path) -> None:
    theirs = study(tmp_path, {"cat": "dog", "katze": "cat"}, theirs=("cat", "katze"))
    (text,) = told(theirs)
    assert "'cat' is a class of the study, and what other sources call so is taken for" in text
    assert "leave class_map: {cat: dog} out" in text


def test_two_names_of_a_source_for_one_class_are_told_nothing(tmp_path: Path) -> None:
    theirs = ("cat", "dog", "hund", "wolf")
    assert told(study(tmp_path, {"hund": "dog", "wolf": "dog"}, theirs)) == []


@pytest.mark.parametrize(
    ("spoken", "is_near"),
    [("dgo", True), ("dg", True), ("dot", True), ("dogg", True), ("hound", False)],
)
def test_a_slip_is_one_letter_or_two_neighbours(tmp_path: Path, spoken: str, is_near: bool) -> None:
    (text,) = told(study(tmp_path, {"cat": spoken}))
    assert ("nearly" in text) == is_near
