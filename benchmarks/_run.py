"""How a benchmark is started: its options, its images, and its fresh processes."""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from synthmix.data import Split
from synthmix.data.huggingface import Huggingface
from synthmix.decoded import open_images
from synthmix.types import ImageSet

ROOT = Path(__file__).parents[1]
CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def options(
    about: str | None,
    data: str = "../shared/data/cifar10",
    what: str = "CIFAR-10: a folder of Parquet files, relative to the repository, or a hub id",
) -> argparse.ArgumentParser:
    """Return a parser with the options of every benchmark; `about` is its script's docstring."""
    parser = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=data, help=what)
    parser.add_argument(
        "--quick", action="store_true", help="only see that it works; writes nothing by itself"
    )
    parser.add_argument(
        "--output", type=Path, help="folder of the JSON file (benchmarks/results where not given)"
    )
    parser.add_argument("--note", default="", help="anything a reader of the numbers should know")
    return parser


def cifar10(data: str, split: Split, cache: Path | None = None) -> ImageSet:
    """Return a split of CIFAR-10, decoded in the cache."""
    folder = ROOT / data
    source = Huggingface(path=str(folder) if folder.is_dir() else data)
    return open_images(source, split, image_size=None, cache=cache)


def child(script: str, *arguments: str) -> Any:
    """Run a script of this folder in a fresh process and return the JSON it prints."""
    command = [sys.executable, str(Path(script).resolve()), *arguments]
    ended = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(ended.stdout)
