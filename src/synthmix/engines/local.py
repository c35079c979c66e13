"""The machine at hand: in this process, or in several."""

import atexit
import multiprocessing
import os
import pickle
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.synchronize import Event
from pathlib import Path
from types import ModuleType
from typing import Annotated

from annotated_types import Ge, Le

from synthmix.engines import Engine, Item, Result
from synthmix.errors import Interrupted


@dataclass(frozen=True, kw_only=True)
class Local(Engine):
    """Maps over processes of this machine; one process means in this one."""

    processes: Annotated[int, Ge(1), Le(1024)] | None = None
    """At work at once; not given, one for each GPU, or without one for each core it may use."""

    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[tuple[int, Result], None, None]:
        # imported here: it loads torch, which the contracts do without
        from synthmix.hardware import accelerators

        devices = accelerators()
        processes = self.processes or len(devices) or usable_cores()
        is_alone = min(processes, len(items)) <= 1
        if not is_alone and _is_of_main(task, items) and not _can_be_run_again():
            warnings.warn(
                "Work that is defined in a program without a file (standard input, `python -c`, a "
                "notebook) cannot be sent to other processes: it is done in this one. Put the "
                "program into a file.",
                stacklevel=2,
            )
            is_alone = True
        if is_alone:
            yield from ((number, task(item)) for number, item in enumerate(items))
            return
        yield from _in_processes(task, items, *_pool(processes, tuple(devices)))


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _in_processes(
    task: Callable[[Item], Result],
    items: Sequence[Item],
    pool: ProcessPoolExecutor,
    has_started: Event,
) -> Generator[tuple[int, Result], None, None]:
    with _unheard(), nullcontext() if _is_of_main(task, items) else _without_main():
        futures = {pool.submit(task, item): number for number, item in enumerate(items)}
    try:
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        _stop(pool)
        raise Interrupted(_KILLED if has_started.is_set() else _NOT_STARTED) from error
    except BaseException:
        _stop(pool)  # others may have hours to go; what they finished is kept
        raise


_KILLED = (
    "A worker process ended before its task did (killed, or out of memory). What it finished is "
    "kept: run the same command again (fewer processes if memory is short)."
)
_NOT_STARTED = (
    "No worker process could start. Where a study's components are defined in the program that "
    "runs it, each worker runs that program's file too: what begins the study must stand under "
    "`if __name__ == '__main__':`. Else memory was short, or the program was moved meanwhile. With "
    "engine: {use: local, processes: 1} no worker is needed."
)


def _is_of_main(task: Callable[[Item], Result], items: Sequence[Item]) -> bool:
    """Whether a worker would have to run the program that starts it to know this work."""
    return b"__main__" in pickle.dumps((task, items))


def _can_be_run_again() -> bool:
    main = sys.modules["__main__"]
    has_name = getattr(main, "__spec__", None) is not None
    return has_name or Path(getattr(main, "__file__", None) or "<none>").is_file()


@contextmanager
def _without_main() -> Iterator[None]:
    """Let workers start without running this program, which may have no file, and no guard.

    A spawned process runs the file of `__main__` before anything else, for what is defined there.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@lru_cache(maxsize=1)
def _pool(processes: int, devices: tuple[str, ...]) -> tuple[ProcessPoolExecutor, Event]:
    # one pool serves all stages, since a worker takes seconds to import torch; it starts as many as
    # there is work for. Spawned, because a forked torch may hang on locks that its threads held
    context = multiprocessing.get_context("spawn")
    with _unheard():
        has_started = context.Event()
        given = (os.getpid(), devices, has_started)
        pool = ProcessPoolExecutor(processes, context, _start, given)
    atexit.register(_close, pool)
    return pool, has_started


@contextmanager
def _unheard() -> Iterator[None]:
    """Keep Ctrl-C and the end of a terminal from processes that start here, and from no other.

    A terminal sends them to all of a study's processes; the parent alone answers, and stops its
    workers. It hears what came meanwhile when it goes on.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(pool: ProcessPoolExecutor) -> None:
    """End the workers at once, after an error or an interruption."""
    workers = list((pool._processes or {}).values())
    pool.shutdown(wait=False, cancel_futures=True)
    for worker in workers:
        worker.terminate()
    _pool.cache_clear()


def _close(pool: ProcessPoolExecutor) -> None:
    # what the pool holds must be let go before the interpreter counts its semaphores
    pool.shutdown(wait=True, cancel_futures=True)
    _pool.cache_clear()


def _start(parent: int, devices: tuple[str, ...], has_started: Event) -> None:
    """Prepare a worker, before it imports torch: its end, and the GPU that is its own."""
    has_started.set()
    _end_with(parent)
    if devices and devices != ("mps",):
        # workers are named with a running number, so neighbours get different devices
        number = int(re.findall(r"\d+", multiprocessing.current_process().name)[-1])
        os.environ["CUDA_VISIBLE_DEVICES"] = devices[number % len(devices)]


def _end_with(parent: int) -> None:
    """Let this worker end when its parent does, so that a killed study leaves no orphan at work."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # where there is no mask to inherit

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
