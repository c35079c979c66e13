"""Engines: the same map of a task over shards or runs, on one machine or on many.

A task is a module-level function of one picklable argument. It leaves its result as an artifact,
so a task that ran already returns at once and a task that died can be run again.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

from synthmix.registry import Component

Item = TypeVar("Item")
Result = TypeVar("Result")


class Engine(Component, ABC):
    """Runs tasks, possibly several at once."""

    @abstractmethod
    def map(
        self, task: Callable[[Item], Result], items: Sequence[Item]
    ) -> Generator[tuple[int, Result], None, None]:
        """Yield `(number of the item, result)` in the order in which the tasks end.

        An error of a task is raised as soon as it is known; a worker that died raises Interrupted.
        Closing the generator ends the tasks that are at work.
        """
