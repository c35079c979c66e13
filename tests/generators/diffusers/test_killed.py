"""A set that the command draws with a pipeline is killed between two shards, then completed."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

from synthmix.cli.app import app
from synthmix.generators.diffusers import Diffusers
from synthmix.study.inputs import sets
from synthmix.study.stages import generate as generating
from synthmix.types import Pixels
from tests.generators.diffusers import pipelines

SHARD = 10
PER_CLASS = 4


def command(model: Path, output: Path) -> list[str]:
    settings = {
        "generator.model": model,
        "generator.height": 32,
        "generator.width": 32,
        "generator.batch_size": 4,
        "generator.precision": "float32",
        "generator.device": "cpu",
        "prompts.use": "class-labels",
        "prompts.template": "'A photo of the digit {name}'",
    }
    words = ["generate", "--generator", "diffusers", "--per-class", PER_CLASS, "--quiet"]
    changes = [f"--set={name}={value}" for name, value in settings.items()]
    return [str(word) for word in [*words, "--output", output, *changes]]


def generate(model: Path, output: Path, *, dies: bool = False) -> int:
    """Run the command with small shards in a process of its own; return its exit status."""
    arguments = [str(word) for word in (model, output, *["dies"] * dies)]
    root = Path(__file__).parents[3]
    return subprocess.run([sys.executable, "-m", __name__, *arguments], cwd=root).returncode


def die_within_the_third_shard(output: Path) -> None:
    """Let this process kill itself (SIGKILL) when a shard is recorded and another is half drawn."""
    drawn, draw = count(), Diffusers.generate

    def images(*given: Any, **how: Any) -> Iterator[Pixels]:
        for image in draw(*given, **how):
            if next(drawn) == 2 * SHARD + SHARD // 2:
                while not records(output):  # another thread writes
                    time.sleep(0.001)
                os.kill(os.getpid(), signal.SIGKILL)
            yield image

    Diffusers.generate = images  # type: ignore[method-assign]


def shards(output: Path) -> dict[str, int]:
    """Return each finished shard's name and the time at which it was last written."""
    return {path.name: path.stat().st_mtime_ns for path in output.rglob("data/train-*.parquet")}


def records(output: Path) -> list[Path]:
    return list(output.rglob("progress/parts/data/train-*.json"))


def manifest(output: Path) -> dict[str, object]:
    (found,) = (output / "synthetic").glob("*/manifest.json")
    content: dict[str, object] = json.loads(found.read_text())
    return content


def test_a_killed_generation_goes_on_and_ends_the_same(tmp_path: Path) -> None:
    model = pipelines.sdxl(tmp_path)
    assert generate(model, tmp_path / "whole") == 0
    assert generate(model, tmp_path / "killed", dies=True) == -signal.SIGKILL
    names = {path.stem for path in records(tmp_path / "killed")}
    kept = {name: when for name, when in shards(tmp_path / "killed").items() if name in names}
    assert 0 < len(kept) < 10 * PER_CLASS // SHARD
    assert generate(model, tmp_path / "killed") == 0
    after = shards(tmp_path / "killed")
    assert {name: after[name] for name in kept} == kept
    assert manifest(tmp_path / "killed") == manifest(tmp_path / "whole")


def main() -> None:
    sets.SHARD_SIZE = generating.SHARD_SIZE = SHARD
    model, output = (Path(word) for word in sys.argv[1:3])
    if sys.argv[3:]:
        die_within_the_third_shard(output)
    app(command(model, output))


if __name__ == "__main__":
    main()
