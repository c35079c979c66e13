"""Which arm is compared with which: from the predictions of all arms to verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np

from synthmix.arms import Arm, Contrasts
from synthmix.errors import DataError
from synthmix.evaluation.adaptive import Looks
from synthmix.evaluation.crossed import (
    LEAST_IMAGES,
    Change,
    Difference,
    by_cell,
    by_class,
    compare,
    difference,
)
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.statistics import mcnemar
from synthmix.evaluation.verdict import (
    DEFAULT,
    DERANGED,
    Control,
    Evidence,
    Gate,
    better_budget,
    judge,
    summarize,
)
from synthmix.types import Json, Score, Verdict

WORDS = {
    "real-part": "own real",
    "duplicated-real": "duplicated real",
    "strong-augmentation": "strong augmentation",
    "deranged-labels": DERANGED,
    "half-steps": "half-steps",
    "real-curve": "learning curve",
}
"""What a control of the study is called in a verdict."""

CELLS = 20
"""Confusion cells told of an arm, the surest first."""


@dataclass(frozen=True)
class Comparisons:
    """A study's arms with their runs, and who is compared with whom.

    `validation` holds each arm's accuracies on the validation split, empty where there is none.
    """

    contrasts: Contrasts
    looks: Looks | None
    """At which numbers of seeds arms are judged, where these are added."""

    runs: Mapping[str, Runs]
    validation: Mapping[str, Sequence[float]]
    weights: Mapping[str, float]
    """Share of the level that an arm's look may spend; 1 where it has none."""

    everything: Mapping[str, Runs] = field(default_factory=dict)
    """The runs on all test images, where some of these are left out of `runs`."""

    spoiled: Mapping[str, str] = field(default_factory=dict)
    """Why an arm cannot be judged, by its name: it has seen what it is tested on."""

    def verdicts(self, gate: Gate | None) -> list[Verdict]:
        """Return the verdict of every mix, in the study's order."""
        return judge([self.evidence(arm) for arm in self.mixes], gate)

    def at(self, seeds: Mapping[str, int]) -> "Comparisons":
        """Return the comparisons at a look, at which each arm has so many seeds."""
        looks = self.looks
        return replace(
            self,
            runs={name: self.runs[name].first(seeds[name]) for name in self.arms},
            validation={arm: found[: seeds[arm]] for arm, found in self.validation.items()},
            weights={}
            if looks is None
            else {arm.name: looks.weight(seeds[arm.name]) for arm in self.mixes},
        )

    @property
    def arms(self) -> Mapping[str, Arm]:
        """All arms, by name."""
        return self.contrasts.arms

    @property
    def mixes(self) -> list[Arm]:
        """The arms that are judged."""
        return self.contrasts.mixes

    def evidence(self, arm: Arm) -> Evidence:
        """Return all that is known of a mix."""
        own, everything = self.comparator(arm), self.best(self.contrasts.real, self._count(arm))
        is_part = own is None or not self.contrasts.keeps_all_real(arm)
        return Evidence(
            arm=arm.name,
            comparator=self._words(arm, own),
            gain=None if own is None else self._less(arm.name, own),
            full=self._less(arm.name, everything) if is_part else None,
            controls=tuple(self._controls(arm, own)) if own is not None else (),
            deranged=self._deranged(arm),
            missing=self._missing(arm, own),
            invalid=self.spoiled.get(arm.name, ""),
            look_weight=self.weights.get(arm.name, 1.0),
        )

    def comparator(self, arm: Arm, count: int | None = None) -> Runs | None:
        """Return the runs of an arm's own real images alone; None where it has no such runs.

        `count` is the number of seeds that decide between full and half the steps: the arm's own
        where not given, so that what an arm is compared with does not change after it stopped.
        """
        own = self.contrasts.own_real(arm)
        return None if own is None else self.best(own, count or self._count(arm))

    def real_alone(self, arm: Arm) -> Runs:
        """Return, at an arm's seeds, the runs of its own real images alone, or of all of them.

        Of all where it has none of its own, or where that control was left out.
        """
        seeds = self.runs[arm.name].seeds
        return (self.comparator(arm) or self.best(self.contrasts.real, len(seeds))).only(seeds)

    def best(self, arm: Arm, count: int) -> Runs:
        """Return an arm of real images at full or half the steps, whichever validation prefers.

        The first `count` seeds are asked, and all of its runs are returned.
        """
        half = self.contrasts.shortened(arm)
        if half is None or not self.validation.get(half.name):
            return self.runs[arm.name]
        full, less = self.validation[arm.name][:count], self.validation[half.name][:count]
        return self.runs[half.name if better_budget(full, less) == "half" else arm.name]

    def _count(self, arm: Arm) -> int:
        return len(self.runs[arm.name].seeds)

    def _less(self, name: str, other: Runs) -> Difference:
        mine = self.runs[name]
        return compare(mine, other.only(mine.seeds))

    def _controls(self, arm: Arm, own: Runs) -> list[Control]:
        found = []
        for control in self.contrasts.of_share:
            assert control.control is not None
            lead, gain = self._lead(arm, own, control)
            found.append(Control(WORDS[control.control], lead, gain))
        for control in self.contrasts.all_of("deranged-labels"):
            if control.of == arm.name:
                theirs = self.runs[control.name].only(self.runs[arm.name].seeds)
                gain = compare(theirs, own.only(theirs.seeds))
                found.append(Control(DERANGED, self._less(arm.name, self.runs[control.name]), gain))
        return found

    def _lead(self, arm: Arm, own: Runs, control: Arm) -> tuple[Difference, Difference]:
        """Return an arm's lead over a control, and the control's gain on its own real images.

        Controls run at one share. An arm of another share has another number of real images, so
        there the two gains are compared instead of the two accuracies.
        """
        assert control.of is not None
        seeds = self.runs[arm.name].seeds
        theirs = self.runs[control.name].only(seeds)
        base = self.best(self.arms[control.of], len(seeds)).only(seeds)
        gain = compare(theirs, base)
        mine_alone = self.contrasts.own_real(arm)
        if mine_alone is not None and control.of == mine_alone.name:
            return compare(self.runs[arm.name], theirs), gain
        mine = _cells(self.runs[arm.name], own.only(seeds))
        return difference(mine, _cells(theirs, base)), gain

    def _deranged(self, arm: Arm) -> Difference | None:
        control = self.contrasts.deranged(arm)
        if control is None:
            return None
        seeds = self.runs[arm.name].seeds
        own = self.comparator(control, len(seeds))
        theirs = self.runs[control.name].only(seeds)
        return None if own is None else compare(theirs, own.only(seeds))

    def _missing(self, arm: Arm, own: Runs | None) -> tuple[str, ...]:
        left_out = set(WORDS) - set(self.contrasts.kinds)
        if self.contrasts.keeps_all_real(arm):
            # all real images are kept: they are their own part, and repeated they are the same
            left_out -= {"real-part", "duplicated-real"}
        if own is None:
            left_out -= {"strong-augmentation", "duplicated-real", "deranged-labels"}
        return tuple(WORDS[kind] for kind in WORDS if kind in left_out)

    def _words(self, arm: Arm, own: Runs | None) -> str:
        count = self.contrasts.num_real[arm.name]
        which = "all" if self.contrasts.keeps_all_real(arm) else "its own"
        is_half = own is not None and self.arms[own.name].control == "half-steps"
        half = " at half the steps" if is_half else ""
        return f"{which} {count:,} real images alone{half}"


def _cells(one: Runs, other: Runs) -> np.ndarray[tuple[int, int], np.dtype[np.int8]]:
    return one.correct.astype(np.int8) - other.correct.astype(np.int8)


def without(runs: Mapping[str, Runs], rows: Sequence[int]) -> dict[str, Runs]:
    """Return the runs with these test images left out; raises DataError where a class is lost."""
    found = {}
    for name, each in runs.items():
        keep = np.setdiff1d(np.arange(len(each.labels)), rows)
        lost = set(range(len(each.class_names))) - set(each.labels[keep].tolist())
        if lost:
            absent = each.class_names[min(lost)]
            raise DataError(f"without its duplicates the test set has no image of '{absent}'")
        found[name] = replace(each, predicted=each.predicted[:, keep], labels=each.labels[keep])
    return found


def as_json(
    compared: Comparisons, told: Mapping[str, Verdict], gate: Gate | None
) -> dict[str, Json]:
    """Return all verdicts, what they rest on, and the rule, as results store them."""
    return {
        **stored(summarize(list(told.values()))),
        "rule": asdict(DEFAULT),
        "gate": None if gate is None else {"state": gate.state, "sentence": gate.sentence},
        "arms": [
            {
                **stored(told[arm.name]),
                **_contrasts(compared, arm),
                **_classes(compared, arm),
                "mcnemar": _pairs(compared, arm),
            }
            for arm in compared.mixes
        ],
    }


def stored(verdict: Verdict) -> dict[str, Json]:
    """Return a verdict as results store it."""
    return {**asdict(verdict), "text": verdict.text, "unclaimed": list(verdict.unclaimed)}


def _contrasts(compared: Comparisons, arm: Arm) -> dict[str, Json]:
    evidence = compared.evidence(arm)
    named = {"gain": evidence.gain, "full": evidence.full, "deranged": evidence.deranged}
    return {
        "comparator": evidence.comparator,
        "num_seeds": len(compared.runs[arm.name].seeds),
        **{name: None if each is None else contrast(each) for name, each in named.items()},
        "controls": [
            {
                "name": each.name,
                "lead": contrast(each.lead),
                "gain": None if each.gain is None else contrast(each.gain),
            }
            for each in evidence.controls
        ],
    }


def contrast(found: Difference) -> dict[str, Json]:
    """Return a crossed difference as results store it; `p` is two-sided and not adjusted."""
    return {**score(found.score), "p": found.p}


def score(found: Score) -> dict[str, Json]:
    """Return a score as results store it."""
    return {"mean": found.mean, "low": found.low, "high": found.high, "values": list(found.values)}


def _classes(compared: Comparisons, arm: Arm) -> dict[str, Json]:
    """Return the change of each class, and the confusion cells that changed beyond chance."""
    mine, theirs = compared.runs[arm.name], compared.real_alone(arm)
    every = ((each.p_adjusted, each.name, each) for each in by_cell(mine, theirs))
    cells = [(p, name, each) for p, name, each in every if p is not None and p < DEFAULT.level]
    surest = [each for _, _, each in sorted(cells, key=lambda cell: cell[:2])]
    return {
        "classes": [_change(each) for each in by_class(mine, theirs)],
        "cells": [_change(each) for each in surest[:CELLS]],
        "num_cells": len(cells),
    }


def _pairs(compared: Comparisons, arm: Arm) -> list[dict[str, Json]]:
    """Return McNemar's test of each run and that of real images alone at its seed, to describe."""
    mine, theirs = compared.runs[arm.name], compared.real_alone(arm)
    found = []
    for seed, one, other in zip(mine.seeds, mine.correct, theirs.correct, strict=True):
        test = mcnemar(one, other)
        counts = {"only_arm": test.only_one, "only_real": test.only_other}
        found.append({"seed": seed, "real": theirs.name, **counts, "p": test.p})
    return found


def _change(each: Change) -> dict[str, Json]:
    if each.difference is None:
        reason = too_few(each, "test")
        return {"name": each.name, "p_adjusted": None, **UNTOLD, "reason": reason}
    return {"name": each.name, "p_adjusted": each.p_adjusted, **contrast(each.difference)}


UNTOLD: dict[str, Json] = {"mean": None, "low": None, "high": None, "values": [], "p": None}
"""A difference of which nothing can be told."""


def too_few(each: Change, split: str) -> str:
    """Return why a class's difference cannot be told."""
    return f"{each.num_images} {split} image(s): at least {LEAST_IMAGES} are needed"
