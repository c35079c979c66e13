"""The verdict as lines for a terminal: the study's sentence, then every arm, then hypotheses."""

from collections.abc import Mapping

from synthmix.report import sentences
from synthmix.results.typed import Results
from synthmix.types import Json


def lines(results: Results) -> list[str]:
    """Return the headline, shared images, a line a judged arm, outcomes of declared hypotheses."""
    told, shared = sentences.verdict(results), sentences.leaks(results)
    if told is None:
        return [*sentences.integrity(results), sentences.headline(results), *shared]
    arms = [_of_arm(arm) for arm in told["arms"]]
    declared = [f"  {each['outcome']}: {each['text']}" for each in told.get("hypotheses") or ()]
    return [
        *sentences.integrity(results),
        sentences.headline(results),
        *shared,
        *arms,
        *([f"{sentences.declaration(results)}:", *declared] if declared else []),
    ]


def _of_arm(arm: Mapping[str, Json]) -> str:
    """Return an arm's verdict, then the difference it speaks of with its interval."""
    found, against = arm["gain"], arm["comparator"]
    if found is None:
        found, against = arm["full"], "all real images"
    told = f"  {arm['arm']}: {arm['text']}"
    if found is None:
        return told
    seeds = f", {arm['num_seeds']} seeds" if "num_seeds" in arm else ""
    # an interval above zero is not yet a verdict; the arm's sentence in the report says why
    is_bare = arm["label"] == "no evidence" and found["low"] > 0
    why = "; its lead over a control, or over chance among all mixes, is not shown"
    return f"{told}; {_interval(found)} against {against}{seeds}{why if is_bare else ''}"


def _interval(found: Mapping[str, Json]) -> str:
    low, high = sentences.points(found["low"]), sentences.points(found["high"])
    return f"{sentences.points(found['mean'])} points [{low}, {high}]"
