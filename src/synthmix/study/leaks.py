"""Images that are in two of a study's sets at once, and what follows from them.

Said before anything is trained, stored in results, and held against a verdict: an arm is not
judged on images that it may have trained on.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from synthmix.errors import DataError
from synthmix.evaluation.duplicates import CHECKED, KINDS, NOT_CHECKED, Copies
from synthmix.study.copies import Part, found, whole
from synthmix.study.extra_images import named_test_set, split_of
from synthmix.study.file import SyntheticSet
from synthmix.study.workspace import Workspace
from synthmix.types import Json

LIMIT = 0.01
"""Share of the images from which on copies are warned of and make a verdict invalid."""

LISTED = 1000
"""Copies of a set that results list; all are counted."""

_EXAMPLES = 3


@dataclass(frozen=True, eq=False)
class Overlap:
    """Which images of one part show an image of another."""

    one: Part
    other: Part
    copies: Copies

    @property
    def count(self) -> int:
        """How many images of the first part show one of the other."""
        return int((self.copies.kinds >= 0).sum())

    @property
    def share(self) -> float:
        """That as a share of the first part."""
        return self.count / max(len(self.one), 1)

    @property
    def kinds(self) -> str:
        """How many there are of each kind, in words."""
        counts = self.copies.counts()
        return ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)

    def examples(self, most: int = _EXAMPLES) -> list[tuple[str, str]]:
        """Return the names of the first images and of what they show."""
        rows = np.flatnonzero(self.copies.kinds >= 0)[:most].tolist()
        shown = self.copies.shows[rows].tolist()
        return list(zip(self.one.names(rows), self.other.names(shown), strict=True))

    def told(self, one: str, other: str) -> str:
        """Return how many of the images called `one` are among those called `other`."""
        named = "; ".join(f"{mine} is {theirs}" for mine, theirs in self.examples())
        return (
            f"{self.count} of {len(self.one)} {one} ({100 * self.share:.3g} %) are {other} too "
            f"({self.kinds}): {named}{'; ...' if self.count > _EXAMPLES else ''}"
        )


def overlap(one: Part, other: Part) -> Overlap:
    """Return which images of one part show an image of the other."""
    return Overlap(one, other, found(one, other))


@cache
def of_test(workspace: Workspace) -> Overlap:
    """Return which test images are training or validation images too."""
    return overlap(workspace.test_part, workspace.seen_part)


@cache
def of_validation(workspace: Workspace) -> Overlap:
    """Return which validation images are training images too."""
    return overlap(workspace.validation_part, workspace.train_part)


@cache
def of_test_set(workspace: Workspace, name: str) -> Overlap:
    """Return which images of a named test set are training or validation images too."""
    return overlap(_named(workspace, name), workspace.seen_part)


@cache
def of_set(workspace: Workspace, name: str, run: int) -> dict[str, Overlap]:
    """Return which images of a finished synthetic set show real ones, by where those belong.

    To train, validation and test, and to each named test set (`test set NAME`).
    """
    mine = workspace.part_of_set(name, run)
    others = {
        "train": workspace.train_part,
        "validation": workspace.validation_part,
        "test": workspace.test_part,
        **{
            f"test set {each}": _named(workspace, each)
            for each in workspace.study.evaluation.test_sets
        },
    }
    return {where: overlap(mine, other) for where, other in others.items()}


def _named(workspace: Workspace, name: str) -> Part:
    source = workspace.study.evaluation.test_sets[name]
    return whole(named_test_set(workspace, name), source, split_of(source))


def check(workspace: Workspace) -> None:
    """Raise DataError where classifiers would be tested on what they are trained on alone."""
    if _is_all(of_test(workspace)):
        raise DataError(
            f"real: its {len(workspace.test)} test images are training images, byte for byte; "
            "name another test split or folder."
        )
    for name in workspace.study.evaluation.test_sets:
        told = of_test_set(workspace, name)
        if _is_all(told):
            raise DataError(
                f"evaluation.test_sets.{name}: its {len(told.one)} images are training images of "
                "the study, byte for byte; name another split or folder."
            )


def _is_all(told: Overlap) -> bool:
    return told.copies.counts()["exact"] == len(told.one)


def seen_rows(workspace: Workspace) -> list[int]:
    """Return the rows of the test images that are training or validation images too."""
    rows: list[int] = np.flatnonzero(of_test(workspace).copies.kinds >= 0).tolist()
    return rows


def warnings(workspace: Workspace) -> list[str]:
    """Return what is found between the real images, and between them and ready-made sets."""
    told = [*_of_real(workspace)]
    for each in workspace.study.synthetic:
        if each.generator is None:
            told += of_finished(workspace, each, 0)
    return told


def _of_real(workspace: Workspace) -> Iterator[str]:
    test, is_asked = of_test(workspace), workspace.study.exclude_duplicates
    if test.count:
        told = f"real: {test.told('test images', 'training images')}."
        yield told + (" They are left out of the verdict." if is_asked else _of_test(test))
    validation = of_validation(workspace)
    if validation.count:
        told = f"real: {validation.told('validation images', 'training images')}."
        yield f"{told} What is chosen on validation looks better than it is."
    for name in workspace.study.evaluation.test_sets:
        each = of_test_set(workspace, name)
        if each.count:
            where = f"evaluation.test_sets.{name}: "
            yield f"{where}{each.told('images', 'training images')}." + (
                " Its numbers are invalid." if each.share > LIMIT else ""
            )


def _of_test(test: Overlap) -> str:
    if test.share <= LIMIT:
        return ""
    return (
        " Accuracies are too high, and the verdict will be invalid: give the splits no image in "
        "common, or set exclude_duplicates: true."
    )


def of_finished(workspace: Workspace, each: SyntheticSet, run: int) -> list[str]:
    """Return what is found between a finished synthetic set and the real images."""
    told, is_asked = [], workspace.study.exclude_duplicates
    for where, overlap in of_set(workspace, each.name, run).items():
        if not overlap.count:
            continue
        is_unseen = where in ("validation", "test")
        seed = f" (seed {run})" if each.is_fitted else ""
        text = f"synthetic.{each.name}{seed}: {overlap.told('images', f'{where} images')}."
        if is_unseen and is_asked:
            text += " They are left out of every mix."
        elif is_unseen and overlap.share > LIMIT:
            text += " Arms that draw them will be invalid; set exclude_duplicates: true."
        told.append(text)
    return told


def of_generated(workspace: Workspace, seeds: Mapping[str, int]) -> list[str]:
    """Return what is found between the sets that were generated and the real images.

    `seeds` is the number of run seeds of each set.
    """
    made = [each for each in workspace.study.synthetic if each.generator is not None]
    return [
        text
        for each in made
        for run in _runs(each, seeds)
        for text in of_finished(workspace, each, run)
    ]


@cache
def _drawn(workspace: Workspace, arm: str, run: int) -> str:
    """Return which unseen images the mix of a run shows above the limit; empty if none."""
    mix = next(each for each in workspace.arms() if each.name == arm)
    rows = workspace.mixture(mix, run).synthetic
    total = sum(map(len, rows.values()))
    for where, there in (("test", workspace.test_part), ("validation", workspace.validation_part)):
        count, shown = 0, set[int]()
        for name, drawn in rows.items():
            each = workspace.study.set_named(name)
            copies = of_set(workspace, name, run if each.is_fitted else 0)[where].copies
            chosen = copies.shows[np.unique(drawn)]
            count += int((copies.kinds[drawn] >= 0).sum())
            shown |= set(chosen[chosen >= 0].tolist())
        if count > LIMIT * total or len(shown) > LIMIT * max(len(there), 1):
            return (
                f"{count} of its {total} synthetic images show {len(shown)} of the {len(there)} "
                f"{where} images"
            )
    return ""


def spoiled(workspace: Workspace, seeds: Mapping[str, int]) -> dict[str, str]:
    """Return why arms cannot be judged, by arm; `seeds` is the number of runs of each.

    An arm is not where more than `LIMIT` of its synthetic images show test or validation images,
    or more than `LIMIT` of those are shown, and none is where more than `LIMIT` of the test images
    are training images and are not left out.
    """
    mixes = [arm for arm in workspace.arms() if arm.sources and arm.control is None]
    test = of_test(workspace)
    if test.share > LIMIT and not workspace.study.exclude_duplicates:
        reason = f"{test.count} of {len(test.one)} test images are training images"
        return dict.fromkeys([arm.name for arm in mixes], reason)
    told = {}
    for arm in mixes:
        if not all(_is_there(workspace, name, seeds[arm.name]) for name in arm.sources):
            continue
        reasons = [_drawn(workspace, arm.name, run) for run in range(seeds[arm.name])]
        told[arm.name] = next(filter(None, reasons), "")
    return {arm: reason for arm, reason in told.items() if reason}


def _is_there(workspace: Workspace, name: str, seeds: int) -> bool:
    each = workspace.study.set_named(name)
    return all(workspace.has_set(each, run) for run in range(seeds if each.is_fitted else 1))


def spoiled_set(workspace: Workspace, name: str, seeds: Mapping[str, int]) -> str:
    """Return why a named test set's numbers say nothing; empty where nothing was found.

    `seeds` is the number of run seeds of each synthetic set.
    """
    seen = of_test_set(workspace, name)
    if seen.share > LIMIT:
        return f"{seen.count} of its {len(seen.one)} images are training images"
    for each in workspace.study.synthetic:
        for run in _runs(each, seeds):
            copies = of_set(workspace, each.name, run)[f"test set {name}"].copies
            shown = int((copies.seen >= 0).sum())
            if shown > LIMIT * len(seen.one):
                return f"{shown} of its {len(seen.one)} images are shown by '{each.name}'"
    return ""


def _runs(each: SyntheticSet, seeds: Mapping[str, int]) -> range:
    return range(seeds[each.name] if each.is_fitted else 1)


def found_in(workspace: Workspace, seeds: Mapping[str, int]) -> dict[str, Json]:
    """Return the copies among all real and synthetic images, and the test images in them.

    `seeds` is the number of run seeds of each set; `test_rows` are the test images that some
    synthetic image shows too, `test_rows_seen` those that are training images. Where the study
    leaves synthetic ones out of its mixes, `left_out` says how many of each set, a seed each.
    `told` has all of it in sentences.
    """
    sets = {each.name: _of_set(workspace, each, seeds) for each in workspace.study.synthetic}
    rows = {row for each in sets.values() for row in each.pop("test_rows")}
    return {
        "checked": CHECKED,
        "not_checked": NOT_CHECKED,
        "limit": LIMIT,
        "are_left_out": workspace.study.exclude_duplicates,
        "sets": sets,
        "real_in_test": _summary(of_test(workspace)),
        "train_in_validation": _summary(of_validation(workspace)),
        "test_sets": {
            name: {
                **_summary(of_test_set(workspace, name)),
                "invalid": spoiled_set(workspace, name, seeds) or None,
            }
            for name in workspace.study.evaluation.test_sets
        },
        "test_rows": sorted(rows),
        "test_rows_seen": seen_rows(workspace),
        "told": warnings(workspace) + of_generated(workspace, seeds),
    }


def _summary(each: Overlap) -> dict[str, Json]:
    return {
        **each.copies.counts(),
        "num_images": len(each.one),
        "share": each.share,
        "examples": [list(names) for names in each.examples()],
    }


_COLUMNS = ["seed", "image", "split", "real_image", "distance", "is_exact", "kind", "names"]


def _of_set(workspace: Workspace, each: SyntheticSet, seeds: Mapping[str, int]) -> dict[str, Json]:
    runs = _runs(each, seeds)
    by_run = [of_set(workspace, each.name, run) for run in runs]
    counts = {
        split: {kind: sum(told[split].copies.counts()[kind] for told in by_run) for kind in KINDS}
        for split in by_run[0]
    }
    pairs: list[list[Json]] = []
    test_rows = set[int]()
    for run, told in zip(runs, by_run, strict=True):
        test_rows |= set(np.flatnonzero(told["test"].copies.seen >= 0).tolist())
        for split, overlap in told.items():
            seed = run if each.is_fitted else None
            pairs += _pairs(overlap, split, seed, LISTED - len(pairs))
    is_asked = workspace.study.exclude_duplicates
    return {
        "num_images": sum(len(told["test"].one) for told in by_run),
        "counts": counts,
        "columns": _COLUMNS,
        "pairs": pairs,
        "left_out": [len(workspace.left_out(each.name, run)) for run in runs] if is_asked else [],
        "test_rows": test_rows,
    }


def _pairs(overlap: Overlap, split: str, seed: int | None, most: int) -> list[list[Json]]:
    copies = overlap.copies
    rows = np.flatnonzero(copies.kinds >= 0)[:most].tolist()
    names = overlap.examples(most)
    return [
        [
            seed,
            row,
            split,
            int(overlap.other.rows[copies.shows[row]]),
            round(float(copies.distances[row]), 4),
            bool(copies.kinds[row] == KINDS.index("exact")),
            KINDS[copies.kinds[row]],
            list(both),
        ]
        for row, both in zip(rows, names, strict=True)
    ]
