"""Killed at any moment, writing loses no accepted text and ends as an undisturbed run does."""

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

KILLING = Path(__file__).parents[1] / "killing.py"


def finish(model: Path, ledger: Path, seed: int, moments: int) -> list[str]:
    command = [sys.executable, str(KILLING), str(model), str(ledger), str(seed), str(moments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[str] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_killed_at_random_moments(taught: Path, tmp_path: Path) -> None:
    assert finish(taught, tmp_path / "undisturbed", 0, 0) == []
    after_kills = finish(taught, tmp_path / "disturbed", seed=0, moments=20)
    assert len(after_kills) >= 4
    # whole lines stay for ever, in their order; the last may be one that was not accepted yet
    for before, after in pairwise(after_kills):
        assert after.startswith(before[: before.rfind("\n") + 1])
    end = (tmp_path / "disturbed").read_text()
    assert end.startswith(after_kills[-1][: after_kills[-1].rfind("\n") + 1])
    expected = [json.loads(line) for line in (tmp_path / "undisturbed").read_text().splitlines()]
    found = [json.loads(line) for line in end.splitlines()]
    assert len(found) == 1 + 8
    for each in [*found, *expected]:
        # tries are counted within a process: those of one that was killed are made again
        each.get("source", {}).pop("rejected", None)
    assert found == expected
