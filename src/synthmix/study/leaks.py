"""Synthetic images that are also real ones: in training, validation or test."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from synthmix.evaluation.duplicates import CHECKED, Marks, Match, marks, matches
from synthmix.study.file import SyntheticSet
from synthmix.study.workspace import Workspace
from synthmix.types import Json

LISTED = 1000
"""Pairs of a set that results list; all are counted."""


def found_in(workspace: Workspace, seeds: Mapping[str, int]) -> dict[str, Json]:
    """Return the pairs of every synthetic set with the real images, and the test images in them.

    `seeds` is the number of run seeds of each set; `test_rows` are the test images that some
    synthetic image shows too. Where the study leaves such images out of its mixes, `left_out` says
    how many of each set, a seed each.
    """
    real = _real(workspace)
    sets = {
        each.name: _of_set(workspace, each, seeds[each.name], real)
        for each in workspace.study.synthetic
    }
    rows = {row for each in sets.values() for row in each.pop("test_rows")}
    return {
        "checked": CHECKED,
        "not_checked": "crops, mirrored or repainted copies, nearness in a feature space",
        "are_left_out": workspace.study.exclude_duplicates,
        "sets": sets,
        "real_in_test": _real_in_test(real),
        "test_rows": sorted(rows),
    }


def _real(workspace: Workspace) -> dict[str, tuple[np.ndarray[Any, Any], Marks]]:
    """Return the rows and marks of the real images of each split."""
    everything = marks(workspace.train.pixels)
    found = {}
    for name, rows in [
        ("train", workspace.train_rows),
        ("validation", workspace.validation_rows),
    ]:
        digests = tuple(everything.pixels[row] for row in rows)
        found[name] = (rows, Marks(everything.hashes[rows], digests))
    found["test"] = (np.arange(len(workspace.test)), marks(workspace.test.pixels))
    return found


def _of_set(workspace: Workspace, each: SyntheticSet, seeds: int, real: Json) -> dict[str, Any]:
    counts = {split: {"exact": 0, "near": 0} for split in real}
    pairs: list[list[Json]] = []
    runs = range(seeds) if each.is_fitted else [0]
    is_asked = workspace.study.exclude_duplicates
    test_rows: set[int] = set()
    for run, split, match in _pairs(workspace, each, seeds, real):
        counts[split]["exact" if match.is_exact else "near"] += 1
        other = int(real[split][0][match.other])
        if split == "test":
            test_rows.add(other)
        if len(pairs) < LISTED:
            pairs.append([run, match.row, split, other, match.distance, match.is_exact])
    return {
        "counts": counts,
        "columns": ["seed", "image", "split", "real_image", "distance", "is_exact"],
        "pairs": pairs,
        "left_out": [len(workspace.left_out(each.name, run)) for run in runs] if is_asked else [],
        "test_rows": test_rows,
    }


def _pairs(
    workspace: Workspace, each: SyntheticSet, seeds: int, real: Json
) -> Iterator[tuple[int | None, str, Match]]:
    for run in range(seeds):
        mine = marks(workspace.synthetic(each.name, run).pixels)
        for split, (_, theirs) in real.items():
            for match in matches(mine, theirs):
                yield (run if each.is_fitted else None), split, match


def _real_in_test(real: Json) -> dict[str, int]:
    """Return how many test images are in training too: the data set's own leak."""
    found = matches(real["test"][1], real["train"][1])
    exact = {match.row for match in found if match.is_exact}
    return {"exact": len(exact), "near": len({match.row for match in found} - exact)}
