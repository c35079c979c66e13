"""A pipe, device, socket or folder in the place of a file is one line, never waited for."""

import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synthmix.cli.main import main
from synthmix.data.array import Array
from synthmix.data.folder import Folder
from synthmix.data.huggingface import Huggingface
from synthmix.errors import SynthmixError
from synthmix.files import misfit
from synthmix.generators.stylegan_xl._checkpoint import checked_sha256
from synthmix.ledger import Ledger
from synthmix.prompts.clustered_attributes import ClusteredAttributes
from synthmix.prompts.file import File, prompts_in
from synthmix.prompts.language_model import LanguageModel
from synthmix.records import recorded
from synthmix.results.typed import load as load_results
from synthmix.store import read_json
from synthmix.study import load, resolve
from synthmix.study.planning.preflight import check_output

KINDS = {"device": "a device", "pipe": "a pipe", "socket": "a socket", "folder": "a folder"}


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """End a test that waits for what a pipe will never say."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=KINDS)
def odd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a path with no file at it, whose name is its kind."""
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    path = Path(request.param)
    if path.name == "device":
        path.symlink_to("/dev/zero")
    elif path.name == "pipe":
        os.mkfifo(path)
    elif path.name == "socket":
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))
    else:
        path.mkdir()
    return path


TAKERS: dict[str, Callable[[Path], Any]] = {
    "study": load,
    "prompts": lambda path: File(path=str(path)).content(),
    "prompts, read": lambda path: list(File(path=str(path)).write(("a", "b"), 1, seed=0)),
    "prompts, shown": prompts_in,
    "attributes": lambda path: ClusteredAttributes(visual_genome=str(path)).check(("cat",)),
    "attributes' content": lambda path: ClusteredAttributes(visual_genome=str(path)).content(),
    "checkpoint": checked_sha256,
    "array": lambda path: Array(path=str(path)).list("train"),
    "stored JSON": read_json,
    "ledger": lambda path: Ledger(path, {}),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_what_is_no_file_is_named(odd: Path, taker: str) -> None:
    with pytest.raises(SynthmixError, match=f"{odd}.* is {KINDS[odd.name]}") as caught:
        TAKERS[taker](odd)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("source", [Folder, Huggingface])
def test_what_is_no_folder_is_named(odd: Path, source: type[Folder] | type[Huggingface]) -> None:
    if odd.name != "folder":
        with pytest.raises(SynthmixError, match=f"'{odd}', which is {KINDS[odd.name]}, not a fold"):
            source(path=str(odd)).list("train")


def test_a_model_that_is_no_folder_is_named(odd: Path) -> None:
    with pytest.raises(SynthmixError, match="a device|a pipe|a socket|that folder is empty"):
        LanguageModel(model=f"./{odd}").check(("cat", "dog"))


def test_an_output_that_is_no_folder_is_named(odd: Path) -> None:
    study = resolve({"name": "x", "real": {"use": "digits"}, "output": str(odd.absolute() / "in")})
    if odd.name != "folder":
        with pytest.raises(SynthmixError, match=f"is {KINDS[odd.name]}, not a folder"):
            check_output(study)


def test_results_that_are_no_file_are_named(odd: Path) -> None:
    Path("out").mkdir()
    odd.rename("out/results.json")
    with pytest.raises(SynthmixError, match=f"results.json is {KINDS[odd.name]}"):
        load_results(Path("out"))


def test_a_record_that_is_no_file_is_none(odd: Path) -> None:
    assert recorded(odd, "part") is None


@pytest.mark.parametrize("command", ["status", "report", "plan", "prompts lint", "prompts show"])
def test_commands_name_it(
    odd: Path, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["synthmix", *command.split(), str(odd)])
    with pytest.raises(SystemExit) as ended:
        main()
    _, err = capsys.readouterr()
    assert ended.value.code == 2
    assert err.startswith("synthmix: ")
    assert err.count("\n") == 1
    assert "folder" in err if odd.name == "folder" else f"{odd} is {KINDS[odd.name]}" in err


def test_a_link_and_a_closed_folder_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    assert misfit(tmp_path / "link") == "is a link to nothing"
    assert misfit(tmp_path / "nowhere") == "does not exist"
    assert misfit(tmp_path, "folder") is None
    (tmp_path / "file").touch()
    assert misfit(tmp_path / "file") is None
    assert misfit(tmp_path / "file" / "x") == "does not exist"
    assert misfit(tmp_path / ("x" * 300)) == "cannot be read (File name too long)"
