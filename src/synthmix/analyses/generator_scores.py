"""Which generator is closest to the real images, and where its labels are wrong."""

from collections.abc import Mapping

from synthmix.analyses.comparisons import contrast, score
from synthmix.analyses.record import LOGITS, Record, classes_in, logits_of
from synthmix.arms import Arm
from synthmix.errors import Unfinished
from synthmix.evaluation.closeness import (
    Cell,
    Confusion,
    Pair,
    accuracy,
    cells,
    closest,
    confusion,
    pairs,
    per_class,
)
from synthmix.evaluation.crossed import compare
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.statistics import over_seeds
from synthmix.types import Json

CELLS = 20
"""Cells told of a generator."""

PROTOCOL = (
    "TSTR: the arm trained on this set's images alone, on all real test images; mirror: each "
    "seed's real-only classifier on synthetic images that this seed's arms draw, stratified, at "
    "most {most:,} a set and seed, study seed {seed}; intervals at 95 %, t over seeds; TSTR "
    "between generators crossed seeds x images, Holm over the pairs"
)


def of(record: Record, runs: Mapping[str, Runs] | None) -> dict[str, Json] | None:
    """Return both scores of every synthetic set; None for a study without one.

    `runs` are all arms' on the test set, None where they cannot be compared.
    """
    names = list(record.sets)
    if not names:
        return None
    alone = {name: arm for name in names if (arm := _alone(record, name)) is not None}
    mine = {name: runs[arm.name] for name, arm in alone.items()} if runs is not None else {}
    told = pairs(mine) if len(mine) > 1 else []
    scores = {name: over_seeds(each.accuracy.tolist()) for name, each in mine.items()}
    name, sentence = closest(scores, told)
    return {
        "protocol": PROTOCOL.format(most=record.mirror, seed=record.head["study_seed"]),
        "closest": {"name": name, "sentence": sentence},
        "pairs": [_pair(each) for each in told],
        "sources": {
            name: {
                "tstr": _tstr(alone.get(name), record.real, runs),
                "mirror": _mirror(record, name),
            }
            for name in names
        },
    }


def _alone(record: Record, name: str) -> Arm | None:
    """Return the arm trained on one set's images and nothing else."""
    for arm in record.basis.contrasts.mixes:
        if arm.sources == (name,) and not record.arms[arm.name].num_real:
            return arm
    return None


def _tstr(arm: Arm | None, real: str, runs: Mapping[str, Runs] | None) -> dict[str, Json] | None:
    if arm is None or runs is None:
        return None
    mine = runs[arm.name]
    less = compare(mine, runs[real].only(mine.seeds))
    return {
        "arm": arm.name,
        "accuracy": score(over_seeds(mine.accuracy.tolist())),
        "difference_from_real": contrast(less),
    }


def _mirror(record: Record, name: str) -> dict[str, Json] | None:
    """Return what the real-only classifiers see in a set; None where they did not predict it."""
    try:
        synthetic, real = _confusions(record, name)
    except Unfinished:
        return None
    if not synthetic:
        return None
    names = record.basis.class_names
    found = cells(synthetic, real, names)
    return {
        "num_images": [int(each.sum()) for each in synthetic],
        "accuracy": score(accuracy(synthetic)),
        "real_test_accuracy": score(accuracy(real)),
        "classes": {
            label: None if each is None else score(each)
            for label, each in zip(names, per_class(synthetic), strict=True)
        },
        "num_cells": len(found),
        "cells": [_cell(each) for each in found[:CELLS]],
    }


def _confusions(record: Record, name: str) -> tuple[list[Confusion], list[Confusion]]:
    """Return the real-only classifiers' counts on a set's and on the real test images, by seed."""
    num_classes, labels = len(record.basis.class_names), record.basis.labels
    synthetic, real = [], []
    for each in record.collections:
        if each.kind != "mirror" or each.name != name:
            continue
        (stored,) = each.artifacts[record.real]
        seen = logits_of(record.prediction(stored), LOGITS, each)[0].argmax(axis=1)
        synthetic.append(confusion(seen, each.labels, num_classes))
        own = record.run(record.arms[record.real].runs[each.run])
        real.append(confusion(classes_in(own, LOGITS), labels, num_classes))
    return synthetic, real


def _cell(each: Cell) -> dict[str, Json]:
    return {
        "name": each.name,
        "share": score(each.share),
        "real_share": each.real_share,
        "excess": score(each.excess),
        "num_images": each.num_images,
    }


def _pair(each: Pair) -> dict[str, Json]:
    return {
        "better": each.better,
        "worse": each.worse,
        "p_adjusted": each.p_adjusted,
        "is_told_apart": each.is_told_apart,
        "difference": contrast(each.difference),
    }
