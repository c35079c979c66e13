import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from synthmix.engines.local import Local
from synthmix.errors import Interrupted, SettingError


def square(number: int) -> int:
    return number * number


def fail(number: int) -> int:
    if number == 1:
        raise SettingError("number is 1")
    return number


def die(number: int) -> int:
    if number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


@pytest.mark.parametrize("processes", [1, 2])
def test_every_item_once_with_its_number(processes: int) -> None:
    found = list(Local(processes=processes).map(square, [3, 1, 2]))
    assert sorted(found) == [(0, 9), (1, 1), (2, 4)]


@pytest.mark.parametrize("processes", [1, 2])
def test_a_tasks_error_reaches_the_caller(processes: int) -> None:
    with pytest.raises(SettingError, match="number is 1"):
        list(Local(processes=processes).map(fail, [0, 1, 2]))


def test_a_dead_worker_is_a_clear_error() -> None:
    with pytest.raises(Interrupted, match="run the same command again"):
        list(Local(processes=2).map(die, [0, 1, 2]))


def test_nothing_to_do() -> None:
    assert list(Local().map(square, [])) == []


def visible(folder: str) -> str | None:
    """Wait until every worker is at work, so that none takes two items."""
    (Path(folder) / str(os.getpid())).touch()
    deadline = time.monotonic() + 30
    while len(list(Path(folder).iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    return os.environ.get("CUDA_VISIBLE_DEVICES")


@pytest.mark.parametrize(
    ("devices", "expected"),
    [(["3", "GPU-5e"], ["3", "GPU-5e"]), (["7"], ["7", "7"]), ([], [None, None])],
)
def test_each_worker_sees_one_gpu(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, devices: list[str], expected: list[str | None]
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr("synthmix.hardware.accelerators", lambda: devices)
    found = [seen for _, seen in Local(processes=2).map(visible, [str(tmp_path)] * 2)]
    assert sorted(found, key=str) == expected


def test_one_gpu_means_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synthmix.hardware.accelerators", lambda: ["0"])
    assert dict(Local().map(_pid, [0, 1])) == {0: os.getpid(), 1: os.getpid()}


def _pid(_: int) -> int:
    return os.getpid()


def test_workers_end_with_their_parent(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(
        "import os, sys, time\n"
        "from pathlib import Path\n"
        "from synthmix.engines.local import Local\n"
        "def task(n):\n"
        f"    Path({str(tmp_path)!r}, f'pid{{n}}').write_text(str(os.getpid())); time.sleep(60)\n"
        "if __name__ == '__main__':\n"
        "    list(Local(processes=2).map(task, [0, 1]))\n"
    )
    parent = subprocess.Popen([sys.executable, str(script)])
    deadline = time.monotonic() + 30
    while len(list(tmp_path.glob("pid*"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    parent.kill()
    parent.wait()
    workers = [int(path.read_text()) for path in tmp_path.glob("pid*")]
    assert len(workers) == 2
    while any(_is_alive(pid) for pid in workers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(_is_alive(pid) for pid in workers)


def _is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


PROGRAM = """
from synthmix.engines.local import Local
from synthmix.errors import SynthmixError
from synthmix.seeding import derive

def square(number):
    return number * number

{body}
"""
OURS = "print(sorted(Local(processes=2).map(len, ['a', 'bb', 'ccc'])))"
THEIRS = "print(sorted(Local(processes=2).map(square, [1, 2, 3])))"


@pytest.mark.parametrize("way", ["file without a guard", "standard input", "-c"])
def test_work_of_ours_needs_nothing_of_the_program_that_begins_it(tmp_path: Path, way: str) -> None:
    done = started(tmp_path, way, OURS)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[(0, 1), (1, 2), (2, 3)]"
    assert done.stderr == ""


@pytest.mark.parametrize("way", ["standard input", "-c"])
def test_work_of_a_program_without_a_file_is_done_here(tmp_path: Path, way: str) -> None:
    done = started(tmp_path, way, THEIRS)
    assert done.stdout.strip() == "[(0, 1), (1, 4), (2, 9)]"
    assert "Put the program into a file" in done.stderr


def test_a_missing_guard_is_named(tmp_path: Path) -> None:
    done = started(tmp_path, "file without a guard", THEIRS)
    assert done.returncode == 1
    assert "under `if __name__ == '__main__':`" in done.stderr.splitlines()[-1]
    assert "out of memory" not in done.stderr


def started(folder: Path, way: str, body: str) -> subprocess.CompletedProcess[str]:
    text, file = PROGRAM.format(body=body), folder / "program.py"
    file.write_text(text)
    asked = {"file without a guard": [str(file)], "standard input": ["-"], "-c": ["-c", text]}
    return subprocess.run(
        [sys.executable, *asked[way]], input=text, capture_output=True, text=True, timeout=120
    )
