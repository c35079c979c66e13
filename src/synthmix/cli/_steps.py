"""A study's steps as rows for people: the runs of an arm, and of a set, are one row where alike."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]


def grouped(rows: Sequence[Row]) -> list[list[Row]]:
    """Return the rows in groups, in their order: those of a target over seeds, by their state.

    Predictions of one collection of images are a group whatever the arm. What is in progress
    stands alone, since each of it is elsewhere.
    """
    found: dict[tuple[object, ...], list[Row]] = {}
    for number, row in enumerate(rows):
        key = row["stage"], row["on"] or row["target"], row["state"]
        alone = number if row["state"] == "in progress" else None
        found.setdefault((*key, alone), []).append(row)
    return list(found.values())


def target(group: Sequence[Row]) -> str:
    """Return what a group is of: a target, or the images that several arms predict."""
    labels = {row["target"] for row in group}
    if len(labels) == 1:
        return str(group[0]["target"])
    return f"{len(labels)} arms on {group[0]['on']}"


def runs(group: Sequence[Row]) -> str:
    """Return how many runs a group has; which seed it is where there is one."""
    return f"{len(group)} runs" if len(group) > 1 else f"seed {group[0]['seed']}"


def same(group: Sequence[Row], key: str) -> str:
    """Return what all rows of a group have under a key; nothing where they differ."""
    values = {row[key] for row in group}
    return str(values.pop()) if len(values) == 1 else ""


def total(group: Sequence[Row], key: str) -> float | None:
    """Return the sum over a group; None where one of it is not known."""
    values = [row[key] for row in group]
    return None if None in values else sum(values)


def shown(
    rows: Sequence[Row], cells: Callable[[Sequence[Row]], list[str]], *, every: bool
) -> list[list[str]]:
    """Return the cells of each group; of each row with `every`."""
    groups = [[row] for row in rows] if every else grouped(rows)
    return [cells(group) for group in groups]
