"""A set's card says other people's words as words, never as markup."""

from pathlib import Path

from synthmix.study.config.file import resolve
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages._card import set_card
from tests.study.test_bad_input import asked, write_real


def test_nothing_in_a_class_name_is_markup(tmp_path: Path) -> None:
    names = ("<img src=x onerror=y>", "[here](http:evil) `code` *bold*", "esc\x1b[2J\u202e")
    real = write_real(tmp_path / "```real", names=names)
    space = Workspace(resolve(asked(tmp_path, real)))
    card = set_card(space, space.study.synthetic[0], 0, [])
    assert r"\<img src=x onerror=y\>" in card
    assert r"\[here\](http:evil) \`code\` \*bold\*" in card
    assert "\x1b" not in card
    assert "\u202e" not in card


def test_plain_names_stand_as_they_are(tmp_path: Path) -> None:
    space = Workspace(resolve(asked(tmp_path, write_real(tmp_path / "real"))))
    assert "for the classes cat, dog, 8 x 8" in set_card(space, space.study.synthetic[0], 0, [])
