"""Sentences that a study declares beforehand: read as contrasts between arms, then tested.

    A beats B                                  at every share at which both were run
    A beats B when training on synthetic only  at share 1; `on mix 0.5` names another share
    mix 0.5 beats real-only                    with every source that has this share
    A beats all others                         every other source
    A beats B by 0.5 points                    by at least so much
    A equals B within 0.3 points               two one-sided tests

A and B are a source, an arm (`flow@0.5`), `mix R` or `real-only`. A sentence that covers several
pairs of arms claims all of them, so it holds if each does (intersection-union test: Berger 1982)
and fails if one is shown to be the reverse. P-values are adjusted over the sentences (Holm).
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from synthmix.errors import SettingError, suggestion
from synthmix.evaluation import phrases
from synthmix.evaluation.crossed import MARGIN, Difference, compare, equivalence
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.statistics import holm
from synthmix.types import REAL_ONLY

FORMS = (
    "'A beats B', 'A beats B when training on synthetic only', 'mix 0.5 beats real-only', "
    "'A beats all others', 'A beats B by 0.5 points', 'A equals B within 0.3 points'"
)
LEVEL = 0.05

_NUMBER = r"\d+(?:\.\d+)?"
_SENTENCE = re.compile(
    rf"(?P<one>.+?)\s+(?P<verb>beats|equals)\s+(?P<other>.+?)"
    rf"(?:\s+(?P<how>by|within)\s+(?P<margin>{_NUMBER})\s+points?)?"
    rf"(?:\s+when\s+training\s+on\s+(?P<where>.+?))?\s*\.?",
    re.IGNORECASE,
)
_MIX = re.compile(rf"mix\s+({_NUMBER})", re.IGNORECASE)


@dataclass(frozen=True)
class Subject:
    """An arm a sentence may speak of; `source` is None for real images alone."""

    arm: str
    source: str | None
    ratio: float


@dataclass(frozen=True)
class Hypothesis:
    """A sentence and the pairs of arms that it is about; `margin` is a share of 1."""

    text: str
    pairs: tuple[tuple[str, str], ...]
    relation: Literal["beats", "equals"]
    margin: float


@dataclass(frozen=True)
class Outcome:
    """What became of a hypothesis; `differences` has one entry a pair, named `A - B`."""

    text: str
    outcome: Literal["supported", "contradicted", "open"]
    p_adjusted: float
    differences: Mapping[str, Difference]
    sentence: str


def parse(text: str, subjects: Sequence[Subject]) -> Hypothesis:
    """Return the contrasts of a sentence; raises SettingError that says what would be right."""
    found = _SENTENCE.fullmatch(text.strip())
    if found is None:
        raise SettingError(f"hypotheses: '{text}' cannot be read; write {FORMS}.")
    relation: Literal["beats", "equals"] = "beats" if found["verb"].lower() == "beats" else "equals"
    how = (found["how"] or "").lower()
    if how and how != {"beats": "by", "equals": "within"}[relation]:
        raise SettingError(
            f"hypotheses: '{text}' cannot be read; write 'A beats B by 0.5 points' or 'A equals B "
            "within 0.3 points'."
        )
    ratio = None if found["where"] is None else _ratio(found["where"], text)
    one = _named(found["one"], subjects, ratio, text)
    if found["other"].lower() in ("all others", "every other source"):
        other = _others(one, subjects, ratio)
    else:
        other = _named(found["other"], subjects, ratio, text)
    arms = {each.arm for each in subjects}
    pairs = _paired(one, other, any_share={found["one"], found["other"]} <= arms)
    if not other or one == other:
        reason = "there are no others" if not other else "both sides are the same"
        raise SettingError(f"hypotheses: '{text}' compares no two arms of this study: {reason}.")
    if not pairs:
        raise SettingError(
            f"hypotheses: '{text}' compares no two arms of this study: the two sides have no share "
            f"in common. Arms: {', '.join(each.arm for each in subjects)}."
        )
    if found["margin"] is not None and not 0 < float(found["margin"]) < 100:
        raise SettingError(
            f"hypotheses: '{text}' speaks of {found['margin']} points of accuracy; a margin "
            "must be above 0 and below 100."
        )
    default = MARGIN if relation == "equals" else 0.0
    margin = default if found["margin"] is None else float(found["margin"]) / 100
    return Hypothesis(text, pairs, relation, margin)


Weight = Callable[[int], float]
"""The share of the level that the look at so many seeds may spend."""


def outcomes(
    hypotheses: Sequence[Hypothesis], runs: Mapping[str, Runs], weight: Weight | None = None
) -> list[Outcome]:
    """Return the outcomes of all declared hypotheses, `runs` by arm; raises DataError.

    Two arms are compared at the seeds that both have. Where seeds were added (`weight`), how many
    these are depends on the data, so a p-value is divided by the weight of its look.
    """
    differences = [
        {f"{one} - {other}": _compared(runs[one], runs[other]) for one, other in each.pairs}
        for each in hypotheses
    ]
    both = list(zip(hypotheses, differences, strict=True))
    for_it = holm([max(_p_for(each, d, weight) for d in found.values()) for each, found in both])
    # one reversed pair is enough against, so the pairs of a sentence are corrected for as well
    against = holm(
        [
            min(1.0, len(found) * min(_p_against(each, d, weight) for d in found.values()))
            for each, found in both
        ]
    )
    return [
        _outcome(each, found, *p)
        for (each, found), p in zip(both, zip(for_it, against, strict=True), strict=True)
    ]


def _compared(one: Runs, other: Runs) -> Difference:
    both = [seed for seed in one.seeds if seed in other.seeds]
    return compare(one.only(both), other.only(both))


def _outcome(
    each: Hypothesis, differences: Mapping[str, Difference], p_for: float, p_against: float
) -> Outcome:
    outcome: Literal["supported", "contradicted", "open"] = "open"
    if p_for <= LEVEL:
        outcome = "supported"
    elif p_against <= LEVEL:
        outcome = "contradicted"
    weakest = max(differences, key=lambda name: _p_for(each, differences[name]))
    several = f", the weakest of {len(differences)} pairs" if len(differences) > 1 else ""
    told = phrases.interval(differences[weakest])
    sentence = f"'{each.text}' is {outcome}: {weakest} is {told}{several}."
    p = p_against if outcome == "contradicted" else p_for
    return Outcome(each.text, outcome, p, differences, sentence)


def _p_for(each: Hypothesis, found: Difference, weight: Weight | None = None) -> float:
    if each.relation == "equals":
        return _weighted(equivalence(found, each.margin), found, weight)
    return _weighted(2 * found.p_above(each.margin), found, weight)


def _p_against(each: Hypothesis, found: Difference, weight: Weight | None) -> float:
    """Return the p-value of the reverse: below the margin for `beats`, outside it for `equals`."""
    if each.relation == "equals":
        least = min(found.p_above(each.margin), found.p_below(-each.margin))
        return _weighted(2 * least, found, weight)
    return _weighted(2 * found.p_below(each.margin), found, weight)


def _weighted(p: float, found: Difference, weight: Weight | None) -> float:
    return min(1.0, p / (1.0 if weight is None else weight(len(found.values))))


def _ratio(where: str, text: str) -> float:
    if where.lower() in ("synthetic only", "synthetic images only"):
        return 1.0
    mix = _MIX.fullmatch(where)
    if mix is None:
        raise SettingError(
            f"hypotheses: '{text}' cannot be read at '{where}'; write 'synthetic only' or "
            "'mix 0.5'."
        )
    return float(mix[1])


def _named(name: str, subjects: Sequence[Subject], ratio: float | None, text: str) -> list[Subject]:
    """Return the arms a name stands for, at one share where the sentence names it."""
    real = [each for each in subjects if each.source is None]
    mix = _MIX.fullmatch(name)
    if name.lower() in REAL_ONLY:
        return real
    mixed = [each for each in subjects if each.source is not None]
    if mix is not None:
        found = [each for each in mixed if each.ratio == float(mix[1])]
    elif any(each.arm == name for each in subjects):
        return [each for each in subjects if each.arm == name]
    else:
        found = [each for each in mixed if each.source == name]
        if not found:
            sources = dict.fromkeys(str(each.source) for each in mixed)
            known = ["real-only", "mix R", *sources, *(each.arm for each in mixed)]
            raise SettingError(
                f"hypotheses: '{text}' names '{name}', no arm or source of this study. "
                f"{suggestion(name, known)}"
            )
    wanted = [each for each in found if ratio is None or each.ratio == ratio]
    if not wanted:
        shares = sorted({each.ratio for each in (found or mixed)})
        raise SettingError(
            f"hypotheses: '{text}' needs a share at which '{name}' was not run; it was run at "
            f"{', '.join(f'{share:g}' for share in shares)}."
        )
    return wanted


def _others(
    one: Sequence[Subject], subjects: Sequence[Subject], ratio: float | None
) -> list[Subject]:
    mine = {each.source for each in one} | {None}
    return [
        each
        for each in subjects
        if each.source not in mine and (ratio is None or each.ratio == ratio)
    ]


def _paired(
    one: Sequence[Subject], other: Sequence[Subject], *, any_share: bool
) -> tuple[tuple[str, str], ...]:
    """Pair arms of one share; real images alone go with any, and so do two arms both named."""
    return tuple(
        (mine.arm, theirs.arm)
        for mine in one
        for theirs in other
        if mine.arm != theirs.arm
        and (any_share or mine.ratio == theirs.ratio or None in (mine.source, theirs.source))
    )
