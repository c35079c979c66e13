"""Hostile study files: each is planned as it stands, or refused in one line, and at once.

    python benchmarks/campaign_settings.py --trials 600 --seed 0

Valid studies are changed at random (types, ranges, names, nesting, Unicode, aliases, odd paths,
broken YAML) and given to `synthmix plan --json`, each in a process of its own. Ends with status 1
where one of them ends in a traceback, takes longer than ten seconds, or is told at length.
"""

import argparse
import copy
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from synthmix.errors import printable

SECONDS = 10
LONGEST = 400
PREFIX = "synthmix: "
RESULT = Path(__file__).with_name("results") / "campaign_settings.json"

FLOW = {"use": "flow", "fit_steps": 8, "widths": [16], "blocks": [1], "rank": 4, "steps": 1}
STUDIES: list[dict[str, Any]] = [
    {
        "name": "small",
        "seed": 0,
        "real": {"use": "digits", "per_class": 20, "test_fraction": 0.3},
        "synthetic": {"flow": {"generator": FLOW, "per_class": 8, "attempts": 2}},
        "mixing": {"use": "replace", "total": 60, "ratios": [0, 0.5, 1]},
        "controls": {"leave_out": ["half-steps"]},
        "hypotheses": ["mix 0.5 beats real-only"],
        "training": {"steps": 5, "batch_size": 16, "learning_rate": 0.1, "crop": 1, "flip": False},
        "seeds": 2,
        "evaluation": {"corruptions": {"kinds": ["jpeg"], "num_images": 20}, "mirror": 10},
        "engine": {"use": "local", "processes": 1},
        "output": "out",
    },
    {
        "name": "added",
        "real": {"use": "digits"},
        "synthetic": {
            "mine": {"images": {"use": "digits", "split_seed": 3}},
            "written": {
                "generator": FLOW,
                "prompts": {"use": "class-labels", "template": "a photo of {name}"},
                "per_class": 4,
                "keep_original": True,
            },
        },
        "mixing": {"use": "add", "per_real": [0, 0.5], "num_real": 40},
        "controls": False,
        "training": {"steps": 3, "warmup": 0.2, "momentum": 0.9, "threads": 1, "precision": "auto"},
        "seeds": {"first": 2, "step": 1, "most": 3, "budget": 4},
        "class_map": {"0": "0"},
        "resize": "lanczos",
        "image_size": 8,
        "validation": 0.1,
        "exclude_duplicates": False,
    },
    {
        "name": "classes",
        "real": {"use": "digits"},
        "synthetic": {"flow": {"generator": FLOW, "per_class": 8}},
        "mixing": {"use": "per-class", "per_class": {"1": 3, "7": 2}},
        "training": {"steps": 2, "optimizer": "muon", "cutout": 2, "jitter": 0.1},
        "seeds": 1,
        "evaluation": {"test_sets": {"other": {"use": "digits", "split_seed": 9}}},
    },
]

VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        3.5,
        -0.5,
        1e300,
        -1e300,
        5e-324,
        2**31,
        2**62,
        2**63,
        10**30,
    ),
    *("", " ", "yes", "no", "auto", "nan", "inf", "1e3", "007", "1_000", "1:30", "0x10", "~"),
    *(
        "x" * 300,
        "x" * 50_000,
        "é",
        "e\u0301",
        "👧🏽",
        "\u202eabc",
        "\u0000",
        "\x1b[2J",
        "a\nb",
        "\t",
    ),
    *("../..", "/dev/null", "~nouser", "~nouser/x", "loop", "loop/in", "fifo", "/proc/self/mem"),
    *("a/b", "{name", "{0}", "{name.__class__}", "%s", "=HYPERLINK(1)", "<script>", "[link](x)"),
    *([], {}, [[]], [None], {"": None}, [1, "a", None], {"use": "digits"}, {"use": "flow"}),
    *(
        [0.5] * 500,
        list(range(200)),
        {str(each): each for each in range(300)},
        {"a": {"b": {"c": 1}}},
    ),
]
RAW = [
    *("010", "0o17", "1:30", "1_000", "yes", "NO", ".inf", "-.Inf", ".NaN", "1e999", "9" * 5000),
    *("2020-13-45", "2020-01-01", "0x" + "F" * 200, "!!python/object/apply:os.system [id]"),
    *("!!binary aGk=", "!!str 5", "!!set {a, b}", "*nowhere", "&a [*a]", "&a {b: *a}", "@x", "`x`"),
    *(
        "[" * 5000,
        "{a: " * 5000,
        "[1, 2",
        "{a: b",
        "'open",
        '"open',
        "|",
        ">-",
        "? x",
        "a: b",
        "%x",
    ),
    *(
        "{<<: 3}",
        "{<<: {use: digits}}",
        "[,]",
        "- -",
        "\ufeff",
        "1 # c",
        "~",
        "null",
        "''",
        "!!null x",
    ),
]
KEYS = [
    *(
        "epochs",
        "lr",
        "pretrained",
        "model_name",
        "arch",
        "bs",
        "wd",
        "num_seeds",
        "backbone",
        "gpu",
    ),
    *(
        "dataset",
        "workers",
        "optim",
        "img_size",
        "augment",
        "codec",
        "curation",
        "__class__",
        "self",
    ),
    *(
        "",
        " ",
        "use",
        "path",
        "x" * 5000,
        "a.b",
        "007",
        "\u202e",
        "from",
        "class_names",
        "settings",
    ),
]
MARK = "RAW-VALUE-HERE"


def bomb(levels: int, width: int = 9) -> str:
    """Return lists of aliases of lists, `width` to the power of `levels` values."""
    lines = ["a0: &a0 [" + ", ".join("x" * width) + "]"]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * width) + "]")
    return "\n".join(lines)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """List where values stand in a study."""
    found = [path] if path else []
    inner: Any = value.items() if isinstance(value, dict) else ()
    for key, each in enumerate(value) if isinstance(value, list) else inner:
        found += places(each, (*path, key))
    return found


def at(study: Any, path: tuple[Any, ...]) -> Any:
    """Return what stands at a place."""
    for key in path:
        study = study[key]
    return study


def misspelt(word: str, chance: random.Random) -> str:
    """Return a word with one letter lost or wrong."""
    at_letter = chance.randrange(max(len(word), 1))
    return word[:at_letter] + chance.choice(["", "x", "_", "é", "-"]) + word[at_letter + 1 :]


def change(study: dict[str, Any], chance: random.Random) -> str | None:
    """Change one thing of a study in place; returns YAML to be put where it is marked, if any."""
    path = chance.choice(places(study))
    group, key = at(study, path[:-1]), path[-1]
    kind = chance.randrange(7)
    if kind <= 2:
        group[key] = copy.deepcopy(chance.choice(VALUES))
    elif kind == 3:
        group[key] = MARK
        return chance.choice(RAW)
    elif kind == 4:
        del group[key]
    elif kind == 5 and isinstance(group, dict):
        name = chance.choice(KEYS) if chance.random() < 0.5 else misspelt(str(key), chance)
        value = group[key] if chance.random() < 0.5 else copy.deepcopy(chance.choice(VALUES))
        group[name] = value
    else:
        group[key] = copy.deepcopy(at(study, chance.choice(places(study))))
    return None


def garbled(text: str, chance: random.Random) -> bytes:
    """Break the text itself."""
    lines = text.splitlines(keepends=True)
    line = chance.randrange(len(lines))
    byte = bytearray(text.encode())
    byte[chance.randrange(len(byte))] = chance.randrange(256)
    shuffled = chance.sample(lines, len(lines))
    ends = chance.choice(["\r\n", "\r", "\u2028", "\n\n"])
    broken: list[str | bytes] = [
        "".join([*lines[:line], "\t", *lines[line:]]),
        "".join([*lines[:line], lines[line], *lines[line:]]),
        "".join([*lines[:line], "---\n", *lines[line:]]),
        text.encode("utf-16"),
        text.encode("utf-16-be"),
        text[: chance.randrange(len(text))],
        bytes(byte),
        text + bomb(chance.randrange(2, 12)) + "\n",
        bomb(8).replace("a7", "hypotheses", 1) + "\n" + text,
        chance.choice([b"", b"\n", b"\0", b"\xff\xfe", b"a" * 1_500_000, b"- 1\n" * 200_000]),
        text.replace("\n", ends),
        "\ufeff" + text,
        "".join(shuffled),
    ]
    found = chance.choice(broken)
    return found if isinstance(found, bytes) else found.encode()


def hostile(number: int, seed: int) -> bytes:
    """Return the study file of one trial; the same for the same number and seed."""
    chance = random.Random(f"{seed}/{number}")
    study = copy.deepcopy(chance.choice(STUDIES))
    raw = None
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        if places(study):
            raw = change(study, chance) or raw
    text = yaml.safe_dump(study, sort_keys=False, allow_unicode=True)
    if raw is not None:
        text = text.replace(MARK, raw, 1)
    return garbled(text, chance) if chance.random() < 0.2 else text.encode("utf-8", "surrogatepass")


def plan(path: Path) -> tuple[int | None, str, str, float]:
    """Plan one file in a forked process; returns status (None: too slow), stdout, stderr, time."""
    out, err = path.with_suffix(".out"), path.with_suffix(".err")
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _plan(path, out, err)
    status = None
    while status is None and time.monotonic() - started < SECONDS:
        done, code = os.waitpid(child, os.WNOHANG)
        status = os.waitstatus_to_exitcode(code) if done else None
        time.sleep(0.002)
    if status is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    texts = [each.read_text("utf-8", "replace") if each.exists() else "" for each in (out, err)]
    return status, texts[0], texts[1], time.monotonic() - started


def _plan(path: Path, out: Path, err: Path) -> None:
    """Run the command line in this process, which ends with it."""
    for number, target in ((1, out), (2, err)):
        os.dup2(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.stdout, sys.stderr = (open(number, "w", closefd=False) for number in (1, 2))  # noqa: SIM115
    sys.argv = ["synthmix", "plan", str(path), "--json", "--no-measure"]
    status = 70
    try:
        from synthmix.cli.main import main

        main()
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def outcome(status: int | None, out: str, err: str) -> str:
    """Return what became of a file: accepted, told, or what is wrong with the answer."""
    if status is None:
        return "HANG"
    if status < 0 or "Traceback" in err:
        return "TRACEBACK"
    try:
        found = json.loads(out)
    except ValueError:
        return "NOT JSON"
    if status == 0:
        return "accepted" if "steps" in found else "NOT JSON"
    line = err.removesuffix("\n").removeprefix(PREFIX)
    is_one = err.startswith(PREFIX) and "\n" not in line and len(line) <= LONGEST
    is_told = status == 2 and found["error"]["message"] == line and line == printable(line)
    return "told" if is_one and is_told else "OVERLONG"


def campaign(trials: int, seed: int, folder: Path, keep: Path | None = None) -> dict[str, Any]:
    """Run the trials in a folder and return counts, times and the first bad ones."""
    os.chdir(folder)
    os.environ["SYNTHMIX_CACHE"] = str(folder / "cache")
    (folder / "loop").symlink_to("pool")
    (folder / "pool").symlink_to("loop")
    os.mkfifo(folder / "fifo")
    # what every child needs, loaded once
    import torch

    import synthmix.cli.app
    import synthmix.study.planning.plan

    torch.set_num_threads(1)
    assert synthmix.cli.app.app
    counts: Counter[str] = Counter()
    bad, seconds = [], []
    for number in range(trials):
        path = folder / f"{number}.yaml"
        path.write_bytes(hostile(number, seed))
        status, out, err, took = plan(path)
        found = outcome(status, out, err)
        counts[found] += 1
        seconds.append(took)
        if found not in ("accepted", "told"):
            bad.append({"trial": number, "outcome": found, "last": err.strip()[-300:]})
            if keep is not None:
                keep.mkdir(exist_ok=True)
                (keep / path.name).write_bytes(path.read_bytes())
        for each in (path, path.with_suffix(".out"), path.with_suffix(".err")):
            each.unlink(missing_ok=True)
    return {
        "n": trials,
        "seed": seed,
        "outcomes": dict(sorted(counts.items())),
        "bad": bad,
        "seconds_worst": round(max(seconds), 2),
        "seconds_median": round(sorted(seconds)[trials // 2], 3),
    }


def main() -> None:
    """Run the campaign and print what became of its files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, help="folder for the files that went wrong")
    parser.add_argument("--write", action="store_true", help="leave the figures in results/")
    asked = parser.parse_args()
    keep = None if asked.keep is None else asked.keep.absolute()
    from _record import commit, hardware

    made = {"commit": commit(), "hardware": hardware()}
    with tempfile.TemporaryDirectory() as folder:
        found = campaign(asked.trials, asked.seed, Path(folder), keep)
        os.chdir("/")
    if asked.write:
        RESULT.write_text(json.dumps({**found, **made}, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    sys.exit(bool(found["bad"]))


if __name__ == "__main__":
    main()
