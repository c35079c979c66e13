"""Write prompts in children that are killed (SIGKILL) again and again, until one ends its work.

A child is forked from this process, which has imported everything but computed nothing: a fork
keeps no threads, and what has computed may wait for one for ever. It
kills itself at a random one of the moments that matter: before and after a text is accepted, its
line is written, its line is flushed. After every kill the texts on disk are kept, for the test.

    python killing.py MODEL LEDGER SEED MOMENTS      prints what lay on disk after each kill as JSON
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

from synthmix.ledger import Ledger
from synthmix.prompts.language_model import LanguageModel

NAMES = ("cat", "dog")
PER_CLASS = 4


class Moments:
    """Counts moments and ends the process at the chosen one."""

    def __init__(self, last: int) -> None:
        self.left = last

    def around(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **settings: Any) -> Any:
            self.pass_by()
            found = call(*args, **settings)
            self.pass_by()
            return found

        return wrapped

    def pass_by(self) -> None:
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def writer(model: str) -> LanguageModel:
    return LanguageModel(model=model, precision="float32", parallel=1, attempts=60)


def child(model: str, ledger: Path, last: int) -> None:
    moments = Moments(last)
    os.fsync = moments.around(os.fsync)  # type: ignore[assignment]
    Ledger._append = moments.around(Ledger._append)  # type: ignore[method-assign]
    Ledger.accept = moments.around(Ledger.accept)  # type: ignore[method-assign]
    list(writer(model).resume(NAMES, PER_CLASS, seed=1, ledger=Ledger(ledger)))


def attempt(model: str, ledger: Path, last: int) -> bool:
    """Return whether the work came to its end before it was killed."""
    pid = os.fork()
    if pid == 0:
        try:
            child(model, ledger, last)
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
    model, ledger = sys.argv[1], Path(sys.argv[2])
    chance, most = random.Random(int(sys.argv[3])), int(sys.argv[4])
    torch.set_num_threads(1)
    on_disk = []
    # later children live longer: one that dies before its first text leaves the next no further on
    while not attempt(model, ledger, chance.randint(1, most + 4 * len(on_disk)) if most else -1):
        on_disk.append(ledger.read_text() if ledger.exists() else "")
    print(json.dumps(on_disk))


if __name__ == "__main__":
    main()
