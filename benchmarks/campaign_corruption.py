"""Damage one file of a study's results or cache, run the command again, and look what comes of it.

Three pristine states of a tiny study: finished, killed while a generator was fitted, killed while a
classifier was trained. Each trial copies one of them, damages one file in one way, both drawn from
the seed, and runs a command in a forked child. Allowed are the undisturbed `results.json` and a
refusal in one line. Any silent difference, traceback or hang fails the campaign.

    python benchmarks/campaign_corruption.py --trials 300 --seed 0
"""

import argparse
import importlib
import json
import os
import pkgutil
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from _record import RESULTS, commit, hardware

from synthmix import checkpoints
from synthmix.cli.main import main as command_line
from synthmix.data.digits import Digits
from synthmix.generators.flow import _fit
from synthmix.store import read_json, write_json
from synthmix.study.inputs import sets
from synthmix.study.running import runner
from synthmix.study.stages import _training, generate

FLOW = {"use": "flow", "fit_steps": 6, "fit_batch_size": 16, "widths": [8], "blocks": [1]}
STUDY: dict[str, Any] = {
    "name": "tiny",
    "real": {"use": "digits"},
    "synthetic": {
        "drawn": {"generator": {**FLOW, "rank": 4, "steps": 1, "batch_size": 16}, "per_class": 6},
        "given": {"images": {"use": "array"}, "per_class": 6},
    },
    "mixing": {"use": "replace", "total": 60, "ratios": [0.5]},
    "exclude_duplicates": True,
    "controls": False,
    "training": {"steps": 4, "batch_size": 16},
    "seeds": 2,
    "evaluation": {"corruptions": {"kinds": ["gaussian-noise"], "num_images": 20}},
    "engine": {"use": "local", "processes": 1},
}
STATES = {"finished": 0, "killed in a fit": 4, "killed in training": 15}
"""Checkpoints after which the process is killed; 0 for never."""

LIMIT = 120.0
"""Seconds after which a command counts as hanging; undisturbed it takes a few."""

BAD = ("silent", "traceback", "hang")


def _flip(content: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(content))
    return (
        content[:place] + bytes([content[place] ^ 1 << chance.randrange(8)]) + content[place + 1 :]
    )


def _digit(content: bytes, chance: random.Random) -> bytes:
    """Change one digit into another, which leaves JSON and YAML valid."""
    places = [place for place, byte in enumerate(content) if 48 <= byte < 58]
    if not places:
        return _flip(content, chance)
    place = chance.choice(places)
    other = (content[place] - 48 + chance.randrange(1, 10)) % 10 + 48
    return content[:place] + bytes([other]) + content[place + 1 :]


WAYS: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "a bit flipped": _flip,
    "a digit changed": _digit,
    "cut short": lambda content, chance: content[: chance.randrange(len(content))],
    "emptied": lambda content, chance: b"",
    "zeros": lambda content, chance: bytes(len(content)),
    "noise": lambda content, chance: chance.randbytes(len(content)),
    "longer": lambda content, chance: content + chance.randbytes(64),
    "other JSON": lambda content, chance: chance.choice(
        [b"[]", b"{}", b"7", b"null", b'"text"', b'{"a": [1]}', b"[[[1, 2], null]]"]
    ),
    "no text": lambda content, chance: b"\xff\xfe" + content,
}
OTHER_WAYS = ("deleted", "a folder in its place", "swapped with a sibling")


@dataclass(frozen=True)
class Trial:
    """What was damaged how, which command ran, and what came of it."""

    number: int
    state: str
    file: str
    way: str
    command: str
    outcome: str
    seconds: float
    told: str


def damage(path: Path, way: str, chance: random.Random) -> str:
    """Damage a file; returns the way, or `unchanged` where there was nothing to change."""
    if way == "deleted":
        path.unlink()
    elif way == "a folder in its place":
        path.unlink()
        path.mkdir()
    elif way == "swapped with a sibling":
        root = path.parents[len(path.parts) - len(TRIAL.parts) - 2]
        others = [p for p in files(root) if p != path and p.suffix == path.suffix]
        if not others:
            return "unchanged"
        other = chance.choice(others)
        mine, theirs = path.read_bytes(), other.read_bytes()
        path.write_bytes(theirs)
        other.write_bytes(mine)
    else:
        before = path.read_bytes()
        after = WAYS[way](before, chance) if before or way in ("other JSON", "longer") else before
        path.write_bytes(after)
        if before == after:
            return "unchanged"
    return way


def files(folder: Path) -> list[Path]:
    """Return all files below a folder; of figures and tables one each, since nothing reads them."""
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    shown = [path for path in found if path.parent.name in ("figures", "tables")]
    kept = {path.parent.name: path for path in shown}
    return [path for path in found if path not in shown] + list(kept.values())


def run_command(arguments: list[str], log: Path, kill_after: int = 0) -> int | None:
    """Run the command line in a forked child; returns its exit status, None where it hung."""
    pid = os.fork()
    if pid == 0:
        _child(arguments, log, kill_after)
    ends = time.monotonic() + LIMIT
    while time.monotonic() < ends:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def _child(arguments: list[str], log: Path, kill_after: int) -> None:
    """Run one command and end this process."""
    opened = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(opened, stream)
    sys.argv = ["synthmix", *arguments]
    if arguments[0] == "run":  # its page is the subject of `report`
        runner.write_report = lambda folder: folder / "report.html"
    if kill_after:
        _kill_after(kill_after)
    status = 1
    try:
        command_line()
        status = 0
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _kill_after(count: int) -> None:
    left, save = count, checkpoints.save

    def counted(*arguments: Any) -> None:
        nonlocal left
        save(*arguments)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    _fit.save = _training.save = counted


def prepare(folder: Path, *, is_short: bool = False) -> tuple[Path, bytes]:
    """Make the pristine states; returns the study's file and the undisturbed results.

    In short, the finished one alone.
    """
    torch.set_num_threads(1)
    for name in ("study", "report", "evaluation", "data", "mixing", "training"):
        package = importlib.import_module(f"synthmix.{name}")
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            importlib.import_module(found.name)  # or each child would
    sets.SHARD_SIZE = generate.SHARD_SIZE = 40
    _training.CHECKPOINT_SECONDS = 0.0
    study = folder / "study.yaml"
    given = folder / "given.npz"
    _write_given(given)
    synthetic = {**STUDY["synthetic"]}
    synthetic["given"] = {**synthetic["given"], "images": {"use": "array", "path": str(given)}}
    asked = {**STUDY, "synthetic": synthetic, "output": str(folder / "trial" / "out")}
    study.write_text(yaml.safe_dump(asked))
    os.environ["SYNTHMIX_CACHE"] = str(folder / "trial" / "cache")
    for state, kill_after in list(STATES.items())[: 1 if is_short else None]:
        shutil.rmtree(folder / "trial", ignore_errors=True)
        ended = run_command(["run", str(study)], folder / "log", kill_after)
        wanted = -signal.SIGKILL if kill_after else 0
        assert ended == wanted, (state, ended, (folder / "log").read_text())
        if not kill_after:
            ended = run_command(["report", str(folder / "trial" / "out")], folder / "log")
            assert ended == 0, (folder / "log").read_text()
        os.replace(folder / "trial", folder / state)
    return study, (folder / "finished" / "out" / "results.json").read_bytes()


def _write_given(path: Path) -> None:
    """Write images of every digit, in shades of their own: a set that was there before."""
    images = list(Digits().read("train"))
    chosen = [next(n for n, (_, label) in enumerate(images) if label == k) for k in range(10)]
    pixels = np.stack([255 - images[n][0] for n in chosen for _ in range(6)])
    pixels = pixels // (1 + np.arange(len(pixels), dtype=np.uint8) % 6)[:, None, None, None]
    names = np.array([str(k) for k in range(10)])
    labels = np.repeat(np.arange(10), 6)
    np.savez(path, x_train=pixels, y_train=labels, class_names=names)


def attempt(folder: Path, study: Path, expected: bytes, number: int, seed: int) -> Trial:
    """Make one trial; what it does follows from the seed and its number alone."""
    chance = random.Random(f"{seed} {number}")
    state = chance.choice(["finished", "finished", *STATES])
    state = state if (folder / state).exists() else "finished"
    commands = ["run", "run", "evaluate", "report"] if state == "finished" else ["run"]
    command = chance.choice(commands)
    global TRIAL
    TRIAL = folder / "trial"
    shutil.rmtree(TRIAL, ignore_errors=True)
    shutil.copytree(folder / state, TRIAL)
    way = "unchanged"
    while way == "unchanged":  # an empty file cannot be emptied
        path = chance.choice(files(TRIAL))
        way = damage(path, chance.choice([*WAYS, *OTHER_WAYS]), chance)
    file = str(path.relative_to(TRIAL))
    asked = [command, str(study if command == "run" else TRIAL / "out")]
    started = time.monotonic()
    ended = run_command(asked, folder / "log")
    told = (folder / "log").read_text(errors="replace")
    outcome = judged(ended, told, TRIAL / "out", expected, file)
    seconds = round(time.monotonic() - started, 2)
    return Trial(number, state, file, way, command, outcome, seconds, told[-2000:])


TRIAL = Path()


def judged(ended: int | None, told: str, out: Path, expected: bytes, file: str) -> str:
    """Name what came of a trial: equal, told, silent, traceback or hang."""
    if ended is None:
        return "hang"
    if "Traceback (most recent call last)" in told or ended not in (0, 1, 2):
        return "traceback"
    if ended == 2:
        lines = [line for line in told.splitlines() if line.startswith("synthmix: ")]
        return "told" if len([x for x in lines if "warning" not in x[:20]]) == 1 else "traceback"
    results = out / "results.json"
    if results.is_file() and results.read_bytes() == expected:
        is_other = (out / "results-recomputed.json").exists()
        return "silent" if ended == 1 or is_other else "equal"
    is_theirs = file == "out/results.json" and ("Warning:" in told or "differ" in told)
    return "told" if is_theirs else "silent"


def main() -> None:
    """Make the trials, print what came of them, and write it down."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--trials", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0, help="number of the first trial")
    parser.add_argument("--short", action="store_true", help="damage the finished study alone")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the figures")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        study, expected = prepare(folder, is_short=asked.short)
        trials = []
        for number in range(asked.first, asked.first + asked.trials):
            trial = attempt(folder, study, expected, number, asked.seed)
            trials.append(trial)
            if trial.outcome in BAD:
                print(json.dumps(asdict(trial), indent=1), flush=True)
    report(asked, trials)


def report(asked: argparse.Namespace, trials: list[Trial]) -> None:
    """Print the table by way of damage, write the figures; status 1 where one is bad.

    Trials after the first piece join those that were written before.
    """
    path = asked.output / "campaign_corruption.json"
    before = read_json(path)["trials"] if asked.first else []
    rows = [*before, *([t.number, t.state, t.file, t.way, t.command, t.outcome] for t in trials)]
    outcomes = ("equal", "told", *BAD)
    print(f"{'':24}" + "".join(f"{each:>11}" for each in outcomes))
    by_way = {way: Counter(row[5] for row in rows if row[3] == way) for way in {r[3] for r in rows}}
    for way, found in [*sorted(by_way.items()), ("all", Counter(row[5] for row in rows))]:
        print(f"{way:24}" + "".join(f"{found[each]:11}" for each in outcomes))
    figures = {
        "n": len(rows),
        "seed": asked.seed,
        "commit": commit(),
        "command": "python benchmarks/campaign_corruption.py",
        "hardware": hardware(),
        "outcomes": {each: sum(row[5] == each for row in rows) for each in outcomes},
        "by_way": {way: dict(found) for way, found in sorted(by_way.items())},
        "by_command": dict(Counter(f"{row[1]}, {row[4]}" for row in rows)),
        "files": len({row[2] for row in rows}),
        "trials": rows,
    }
    write_json(path, figures)
    if any(row[5] in BAD for row in rows):
        sys.exit(1)


if __name__ == "__main__":
    main()
