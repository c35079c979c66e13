"""However often and early a study is stopped: one line, its status, and nobody left at work."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.study.test_reliability import write_study

LINE = "synthmix: interrupted; run the same command again to go on.\n"
ENDLESS = {"steps": 10**6, "batch_size": 16}

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")


def started(*words: object, hangup: signal.Handlers = signal.SIG_DFL) -> subprocess.Popen[str]:
    """Start the program as a terminal does, whatever started the tests; `hangup` as `nohup`."""
    command = [sys.executable, "-m", "synthmix", *map(str, words)]
    before = signal.signal(signal.SIGHUP, hangup)
    try:
        return subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
    finally:
        signal.signal(signal.SIGHUP, before)


def wait(is_there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not is_there():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def hears(process: subprocess.Popen[str], number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for a signal."""
    for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) & 1 << (number - 1))
    return False


def is_training(folder: Path) -> bool:
    return bool(list((folder / "out" / "runs").glob("*/progress/*.json")))


@pytest.mark.parametrize(
    ("numbers", "processes", "to_all"),
    [
        ([signal.SIGINT] * 3, 2, True),
        ([signal.SIGINT, signal.SIGTERM, signal.SIGINT], 1, False),
        ([signal.SIGHUP], 2, True),
    ],
)
def test_a_study_that_is_stopped_over_and_over_says_so_once(
    tmp_path: Path, numbers: list[signal.Signals], processes: int, to_all: bool
) -> None:
    engine = {"use": "local", "processes": processes}
    study = write_study(tmp_path, synthetic={}, training=ENDLESS, engine=engine)
    running = started("run", study, "--quiet")
    wait(lambda: is_training(tmp_path))
    workers = psutil.Process(running.pid).children(recursive=True)
    for number in numbers:
        (os.killpg if to_all else os.kill)(running.pid, number)
        time.sleep(0.02)
    out, err = running.communicate(timeout=60)
    assert (out, err, running.returncode) == ("", LINE, 128 + numbers[0])
    assert psutil.wait_procs(workers, timeout=10)[1] == []


@pytest.mark.parametrize("delay", [0.0, 0.3, 1.5])
def test_a_study_that_is_stopped_while_it_starts_says_so(tmp_path: Path, delay: float) -> None:
    study = write_study(tmp_path, synthetic={}, training=ENDLESS)
    running = started("run", study, "--json")
    wait(lambda: hears(running, signal.SIGTERM))
    time.sleep(delay)
    for _ in range(2):
        os.kill(running.pid, signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert (err, running.returncode) == (LINE, 130)
    assert json.loads(out)["error"]["type"] == "Interrupted"


def test_what_nohup_started_outlives_its_terminal(tmp_path: Path) -> None:
    study = write_study(tmp_path, synthetic={}, training=ENDLESS)
    running = started("run", study, "--quiet", hangup=signal.SIG_IGN)
    wait(lambda: is_training(tmp_path))
    os.kill(running.pid, signal.SIGHUP)
    time.sleep(0.3)
    assert running.poll() is None
    os.kill(running.pid, signal.SIGTERM)
    assert running.communicate(timeout=60) == ("", LINE)
    assert running.returncode == 128 + signal.SIGTERM


def test_an_interruption_that_is_swallowed_ends_the_process_all_the_same() -> None:
    code = (
        "import os, signal\n"
        "from synthmix.cli import main\n"
        "main._SIGNALS.listen()\n"
        "class Swallowing:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        for _ in range(1000): pass\n"
        "Swallowing()\n"
        "signal.pause()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.stderr, done.returncode) == (LINE, 130)
