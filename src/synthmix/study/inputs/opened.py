"""The images that a study began with, held against those that its work finds later.

A worker that opened other images would name other runs: all would be trained, and none found.
"""

import time
from collections.abc import Callable, Mapping

from synthmix.decoded import Inventory
from synthmix.errors import DataError, counted

LONG = 1.0
"""Seconds from which on a look at all files is not taken after every task."""

SHARE = 20
"""Such looks take one part of so many of the time at most."""


class Pace:
    """When to look again: a million files take their time."""

    def __init__(self) -> None:
        self._next = float("-inf")

    def look(self, check: Callable[[], None]) -> None:
        """Call `check` unless the last call took long and was not long ago."""
        started = time.monotonic()
        if started < self._next:
            return
        check()
        ended = time.monotonic()
        if ended - started > LONG:
            self._next = ended + SHARE * (ended - started)


def key(taken: Inventory) -> str:
    """Return the source and split that an inventory is of: `real (train)`."""
    return f"{taken.where} ({taken.split})"


def check(began_with: Mapping[str, Inventory], now: Inventory) -> None:
    """Raise DataError where a source's images are others than those that the study began with."""
    before = began_with.get(key(now))
    if before is None or before.fingerprint == now.fingerprint:
        return
    raise DataError(
        f"{key(now)}: its images were changed while the study ran ({_changed(before, now)}). Put "
        "the earlier ones back, or leave these, and run it again; what was finished is kept."
    )


def _changed(before: Inventory, now: Inventory) -> str:
    if before.class_names != now.class_names:
        gone = [name for name in before.class_names if name not in now.class_names]
        come = [name for name in now.class_names if name not in before.class_names]
        return "; ".join(
            f"{counted(len(names), what)}, such as '{names[0]}'"
            for names, what in ((gone, "classes fewer"), (come, "classes more"))
            if names
        )
    counts = zip(now.class_names, before.per_class, now.per_class, strict=True)
    for name, then, here in counts:
        if then != here:
            return f"class '{name}' has {counted(here, 'images')}, {then} before"
    return "as many as before, some of them other ones"
