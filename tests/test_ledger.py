"""A ledger keeps what was accepted, whatever happens to its process."""

import json
import threading
from pathlib import Path

import pytest

from synthmix.errors import ArtifactError, SettingError
from synthmix.ledger import Ledger
from synthmix.types import Prompt


def prompt(label: int, index: int, text: str = "a cat\u2028é") -> Prompt:
    return Prompt(label, index, text, "test", {"seed": index})


def test_what_is_accepted_is_read_back_in_order(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.ledger"
    ledger = Ledger(path, {"seed": 1})
    for index in (2, 0, 1):
        ledger.accept(prompt(0, index))
    again = Ledger(path, {"seed": 1})
    assert again.of_label(0) == [prompt(0, index) for index in range(3)]
    assert again.of_label(1) == []
    assert again.get(0, 3) is None
    assert json.loads(path.read_text().splitlines()[0]) == {"depends_on": {"seed": 1}}


def test_nothing_is_rewritten(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a")
    ledger.accept(prompt(0, 0))
    before = (tmp_path / "a").read_bytes()
    with pytest.raises(ValueError, match="already"):
        ledger.accept(prompt(0, 0, "another"))
    ledger.accept(prompt(0, 1))
    assert (tmp_path / "a").read_bytes().startswith(before)


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_an_unfinished_line_is_cut_off_and_the_others_stay(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "a"
    ledger = Ledger(path)
    ledger.accept(prompt(0, 0))
    whole = path.read_bytes()
    ledger.accept(prompt(0, 1))
    path.write_bytes(path.read_bytes()[: len(whole) + cut])
    again = Ledger(path)
    assert again.of_label(0) == [prompt(0, 0)]
    assert path.read_bytes() == whole
    again.accept(prompt(0, 1))
    assert len(Ledger(path).of_label(0)) == 2


def test_a_head_that_was_cut_is_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b'{"depends')
    ledger = Ledger(path, {"seed": 1})
    ledger.accept(prompt(0, 0))
    assert Ledger(path, {"seed": 1}).get(0, 0) == prompt(0, 0)


def test_another_beginning_and_damage_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a"
    ledger = Ledger(path, {"seed": 1})
    ledger.accept(prompt(0, 0))
    with pytest.raises(SettingError, match="begun with other classes, settings or another seed"):
        Ledger(path, {"seed": 2})
    path.write_bytes(path.read_bytes() + b"{oops}\n")
    with pytest.raises(ArtifactError, match="a line 3 is damaged"):
        Ledger(path, {"seed": 1})


def test_threads_may_accept_at_the_same_time(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "a")

    def accept(label: int) -> None:
        for index in range(20):
            ledger.accept(prompt(label, index))

    threads = [threading.Thread(target=accept, args=(label,)) for label in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    again = Ledger(tmp_path / "a")
    assert [len(again.of_label(label)) for label in range(4)] == [20] * 4


def test_without_a_path_it_is_memory_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ledger = Ledger()
    ledger.accept(prompt(0, 0))
    assert ledger.get(0, 0) == prompt(0, 0)
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_bit_is_found_in_every_place(tmp_path: Path) -> None:
    path = tmp_path / "a"
    ledger = Ledger(path, {"seed": 1})
    ledger.accept(prompt(0, 0, "a red car"))
    ledger.accept(prompt(0, 1, "a car in snow"))
    whole = path.read_bytes()
    for place in range(len(whole) - 1):  # the last newline gone, the line counts as unfinished
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises((ArtifactError, SettingError), match="is damaged"):
            Ledger(path, {"seed": 1})


def test_lines_of_early_ledgers_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a"
    ledger = Ledger(path, {"seed": 1})
    ledger.accept(prompt(0, 0))
    head, line = path.read_text().splitlines()
    early = {name: value for name, value in json.loads(line).items() if name != "digest"}
    path.write_text(f"{head}\n{json.dumps(early)}\n")
    assert Ledger(path, {"seed": 1}).get(0, 0) == prompt(0, 0)
