"""What a benchmark leaves: spreads, ratios, and the facts its numbers were measured under.

Every benchmark writes one JSON file: `n` repetitions, `hardware`, `commit`, `command`, `raw`
numbers as min/median/max, and `ratios`, each with its target beside it.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from _run import CORES, ROOT

from synthmix.hardware import has_native_bfloat16
from synthmix.store import write_json

RESULTS = ROOT / "benchmarks" / "results"


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the smallest, the middle and the largest of repeated measurements."""
    middle = statistics.median(values)
    return {
        name: float(f"{value:.6g}")
        for name, value in (("min", min(values)), ("median", middle), ("max", max(values)))
    }


def ratio(
    above: Sequence[float],
    below: Sequence[float],
    *,
    at_least: float | None = None,
    at_most: float | None = None,
) -> dict[str, Any]:
    """Return the median of the rounds' quotients, with the least and the greatest.

    `above` and `below` hold one number a round each, in the order of the rounds. A round's sides
    ran one after the other, so a machine that is slow for a minute is slow for both.
    """
    rounds = [a / b for a, b in zip(above, below, strict=True)]
    found = bounded(statistics.median(rounds), at_least=at_least, at_most=at_most)
    found["of medians"] = float(f"{statistics.median(above) / statistics.median(below):.4g}")
    return found | {"rounds": spread(rounds)}


def bounded(
    value: float, *, at_least: float | None = None, at_most: float | None = None
) -> dict[str, Any]:
    """Return a ratio with its target and whether it is met."""
    found: dict[str, Any] = {"value": float(f"{value:.4g}")}
    if at_least is not None:
        found |= {"target": f">= {at_least:g}", "met": value >= at_least}
    if at_most is not None:
        found |= {"target": f"<= {at_most:g}", "met": value <= at_most}
    return found


def record(
    name: str,
    asked: argparse.Namespace,
    *,
    n: int,
    raw: Mapping[str, Any],
    ratios: Mapping[str, Any],
) -> None:
    """Print the result and write it as `NAME.json`; a quick run writes only where it is told to."""
    found = {
        "n": n,
        "hardware": hardware(),
        "commit": commit(),
        "command": command(name),
        "note": asked.note,
        "raw": raw,
        "ratios": ratios,
    }
    print(json.dumps({"raw": raw, "ratios": ratios}, indent=1))
    if asked.output is not None or not asked.quick:
        write_json((asked.output or RESULTS) / f"{name}.json", found)


def hardware() -> dict[str, Any]:
    """Return the processor, what it multiplies natively, and how torch uses it."""
    flags = _cpuinfo("flags").split()
    return {
        "cpu": _cpuinfo("model name"),
        "cores": CORES,
        "flags": {
            "amx": "amx_tile" in flags,
            "avx512": "avx512f" in flags,
            "avx2": "avx2" in flags,
        },
        "has_native_bfloat16": has_native_bfloat16("cpu"),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
    }


def _cpuinfo(key: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith(key)), "")


def commit() -> str:
    """Return the commit, marked where the package differs from it."""
    head = _git("rev-parse", "HEAD")
    return f"{head}-dirty" if _git("status", "--porcelain", "--", "src") else head


def _git(*arguments: str) -> str:
    ended = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return ended.stdout.strip() if ended.returncode == 0 else "unknown"


def command(name: str) -> str:
    """Return how the benchmark was called, from the repository's root."""
    paths = (os.path.relpath(each, ROOT) if os.path.isabs(each) else each for each in sys.argv[1:])
    return " ".join(["python", f"benchmarks/bench_{name}.py", *paths])
