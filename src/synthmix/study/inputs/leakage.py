"""Images that are in two of a study's sets at once, and what follows from them.

Said before anything is trained, stored in results, and held against a verdict: an arm is not
judged on images that it may have trained on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from synthmix.errors import DataError
from synthmix.evaluation.duplicates import CHECKED, KINDS, NOT_CHECKED
from synthmix.study.config.file import SyntheticSet
from synthmix.study.inputs.extra_images import named_test_set, split_of
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.near_duplicates import Overlap, Part, between, whole
from synthmix.types import Json

LIMIT = 0.01
"""Share of the images from which on copies are warned of and make a verdict invalid."""

LISTED = 1000
"""Copies of a set that results list; all are counted."""


@dataclass(frozen=True)
class Finding:
    """What is found between two sets, in a sentence or two."""

    text: str
    is_left_out: bool = False
    """Whether the study leaves these images out, so that nothing is to be done about them."""


@cache
def of_test(workspace: Workspace) -> Overlap:
    """Return which test images are training or validation images too."""
    return between(workspace.test_part, workspace.seen_part)


@cache
def of_validation(workspace: Workspace) -> Overlap:
    """Return which validation images are training images too."""
    return between(workspace.validation_part, workspace.train_part)


@cache
def of_test_set(workspace: Workspace, name: str) -> Overlap:
    """Return which images of a named test set are training or validation images too."""
    return between(_named(workspace, name), workspace.seen_part)


@cache
def of_repeated(workspace: Workspace, name: str, other: str | None) -> Overlap:
    """Return which images of a named test set are in another one; None is the study's own."""
    theirs = workspace.test_part if other is None else _named(workspace, other)
    return between(_named(workspace, name), theirs)


@cache
def of_sets(workspace: Workspace, name: str, other: str, run: int) -> Overlap:
    """Return which images of a finished synthetic set are in another one."""
    return between(workspace.part_of_set(name, run), workspace.part_of_set(other, run))


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
    return {where: between(mine, other) for where, other in others.items()}


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


def beforehand(workspace: Workspace) -> list[Finding]:
    """Return what is found between the real images, named test sets and ready-made sets."""
    ready = [each for each in workspace.study.synthetic if each.generator is None]
    found = [*_of_real(workspace), *_of_named(workspace)]
    for each in ready:
        found += of_finished(workspace, each, 0)
    return found + _of_pairs(workspace, list(combinations(ready, 2)), {})


def _of_real(workspace: Workspace) -> Iterator[Finding]:
    test, is_asked = of_test(workspace), workspace.study.exclude_duplicates
    if test.count:
        told = f"real: {test.told('test images', 'training images')}."
        if is_asked:
            yield Finding(f"{told} They are left out of the verdict.", is_left_out=True)
        else:
            yield Finding(told + _of_test(test))
    validation = of_validation(workspace)
    if validation.count:
        told = f"real: {validation.told('validation images', 'training images')}."
        yield Finding(f"{told} What is chosen on validation looks better than it is.")


def _of_test(test: Overlap) -> str:
    if test.share <= LIMIT:
        return ""
    return (
        " Accuracies are too high, and the verdict will be invalid: give the splits no image in "
        "common, or set exclude_duplicates: true."
    )


def _of_named(workspace: Workspace) -> Iterator[Finding]:
    """Yield what named test sets share with the real images, and with one another."""
    names = list(workspace.study.evaluation.test_sets)
    for number, name in enumerate(names):
        where = f"evaluation.test_sets.{name}: "
        seen = of_test_set(workspace, name)
        if seen.count:
            told = f"{where}{seen.told('images', 'training images')}."
            yield Finding(told + (" Its numbers are invalid." if seen.share > LIMIT else ""))
        for other in [None, *names[:number]]:
            each = of_repeated(workspace, name, other)
            if each.count:
                theirs = "test images" if other is None else f"images of '{other}'"
                yield Finding(f"{where}{each.told('images', theirs)}." + _of_repeated(each, other))


def _of_repeated(each: Overlap, other: str | None) -> str:
    if each.largest_share <= LIMIT:
        return ""
    beside = "the test set" if other is None else f"'{other}'"
    return (
        f" Nothing was trained on them, but its numbers are no evidence beside those of {beside}."
    )


def of_finished(workspace: Workspace, each: SyntheticSet, run: int) -> list[Finding]:
    """Return what is found between a finished synthetic set and the real images."""
    told, is_asked = [], workspace.study.exclude_duplicates
    for where, overlap in of_set(workspace, each.name, run).items():
        if not overlap.count:
            continue
        is_unseen = where in ("validation", "test")
        text = f"{_key(each, run)}: {overlap.told('images', f'{where} images')}."
        if is_unseen and is_asked:
            text += " They are left out of every mix."
        elif is_unseen and overlap.share > LIMIT:
            text += " Arms that draw them will be invalid; set exclude_duplicates: true."
        told.append(Finding(text, is_left_out=is_unseen and is_asked))
    return told


def of_generated(workspace: Workspace, seeds: Mapping[str, int]) -> list[Finding]:
    """Return what is found between the sets that were generated, the real images and other sets.

    `seeds` is the number of run seeds of each set.
    """
    sets = workspace.study.synthetic
    found = [
        finding
        for each in sets
        if each.generator is not None
        for run in _runs(each, seeds)
        for finding in of_finished(workspace, each, run)
    ]
    pairs = [
        (one, other)
        for one, other in combinations(sets, 2)
        if one.generator is not None or other.generator is not None
    ]
    return found + _of_pairs(workspace, pairs, seeds)


def _of_pairs(
    workspace: Workspace,
    pairs: Sequence[tuple[SyntheticSet, SyntheticSet]],
    seeds: Mapping[str, int],
) -> list[Finding]:
    """Return what synthetic sets share with one another, at each seed that they have in common."""
    found = []
    for other, each in pairs:
        is_fitted = each.is_fitted or other.is_fitted
        both = min(seeds[one.name] for one in (each, other) if one.is_fitted) if is_fitted else 1
        for run in range(both):
            shared = of_sets(workspace, each.name, other.name, run)
            if not shared.count:
                continue
            theirs = f"images of '{other.name}'"
            text = f"{_key(each, run)}: {shared.told('images', theirs)}."
            if shared.largest_share > LIMIT:
                text += " What one of the two shows, the other shows again."
            found.append(Finding(text))
    return found


def _key(each: SyntheticSet, run: int) -> str:
    return f"synthetic.{each.name}" + (f" (seed {run})" if each.is_fitted else "")


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
                f"{count} of {total} synthetic images in the mix show {len(shown)} of the "
                f"{len(there)} {where} images"
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


def repeated(workspace: Workspace, name: str) -> str:
    """Return which test set a named one repeats, as it is or in part; empty where it is new."""
    for other in (None, *(each for each in workspace.study.evaluation.test_sets if each != name)):
        shared = of_repeated(workspace, name, other)
        if shared.largest_share > LIMIT:
            whose = "test images" if other is None else f"images of '{other}'"
            return f"{shared.count} of its {len(shared.one)} images are {whose}"
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
                "in_test": _summary(of_repeated(workspace, name, None)),
                "in_others": {
                    other: _summary(of_repeated(workspace, name, other))
                    for other in workspace.study.evaluation.test_sets
                    if other != name
                },
            }
            for name in workspace.study.evaluation.test_sets
        },
        "test_rows": sorted(rows),
        "test_rows_seen": seen_rows(workspace),
        "told": [each.text for each in beforehand(workspace) + of_generated(workspace, seeds)],
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
