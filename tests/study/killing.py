"""Run a small study in children that are killed (SIGKILL) again and again, until one ends it.

A child is forked from this process, which has imported everything but computed nothing, so that a
restart costs no import. It kills itself at a random one of the moments that matter: a step, a
write before its flush, a rename before and after it happens.

    python killing.py STUDY.yaml SEED MOMENTS      prints the number of kills as JSON
"""

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from synthmix import store
from synthmix.study.config.file import load
from synthmix.study.inputs import sets
from synthmix.study.running.runner import run
from synthmix.study.stages import _training, generate


class Moments:
    """Counts moments and ends the process at the chosen one."""

    def __init__(self, last: int) -> None:
        self.left = last

    def pass_by(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **settings: Any) -> Any:
            self.pass_by()
            found = call(*args, **settings)
            self.pass_by()
            return found

        return wrapped


def prepare() -> None:
    torch.set_num_threads(1)
    sets.SHARD_SIZE = generate.SHARD_SIZE = 30
    _training.CHECKPOINT_SECONDS = 0.0


def child(study: Path, last: int) -> None:
    moments = Moments(last)
    os.replace = moments.around(os.replace)
    store._flush = moments.around(store._flush)
    store.Artifact.report = moments.around(store.Artifact.report)
    run(load(study))


def attempt(study: Path, last: int) -> bool:
    """Return whether the study came to its end before it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            child(study, last)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    status = os.waitpid(pid, 0)[1]
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return False
    assert os.WEXITSTATUS(status) == 0, "a child failed"
    return True


def main() -> None:
    study, seed, most = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    prepare()
    chance = random.Random(seed)
    kills = 0
    # the last children live longer: the report is written anew by each, and takes more than `most`
    while not attempt(study, chance.randint(1, most + 60 * max(kills - 24, 0)) if most else -1):
        kills += 1
    print(json.dumps(kills))


if __name__ == "__main__":
    main()
