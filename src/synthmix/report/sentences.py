"""What the numbers say, in words that the data alone choose."""

import math
from collections.abc import Callable, Mapping, Sequence

from synthmix.results.typed import Arm, Estimate, Results, printable
from synthmix.store import is_altered
from synthmix.types import Json

SPACE = "\N{NO-BREAK SPACE}"
MINUS = "\N{MINUS SIGN}"
UNKNOWN = "n/a"

AXIS = {
    "replace": "synthetic share of the training set",
    "add": "synthetic images per real image",
    "batch-ratio": "synthetic share of every batch",
    "per-class": "the mix: 0 without, 1 with",
}
"""What an arm's ratio means, by the kind of mixing."""


def percent(value: float) -> str:
    """Return a share of 1 as a percentage; a bound of an interval beyond the possible is cut."""
    if not math.isfinite(value):
        return UNKNOWN
    return f"{100 * min(max(value, 0.0), 1.0):.2f}{SPACE}%"


def points(value: float) -> str:
    """Return a difference of two shares in signed percentage points, without the unit.

    A bound of an interval beyond the possible is cut.
    """
    if not math.isfinite(value):
        return UNKNOWN
    value = min(max(value, -1.0), 1.0)
    # adding 0.0 turns a rounded -0.0 into 0.0
    return f"{round(100 * value, 2) + 0.0:+.2f}".replace("-", MINUS)


def plain(value: float) -> str:
    """Return a number with three significant decimals."""
    return f"{value:.3f}".replace("-", MINUS) if math.isfinite(value) else UNKNOWN


def declaration(results: Results) -> str:
    """Return when the hypotheses were declared: beforehand, or changed since."""
    earlier = results.raw.get("redeclared")
    if not earlier:
        return "Declared beforehand"
    return f"Declared, but changed since the study began ({earlier} has the earlier sentences)"


def within(bounds: Sequence[float | None]) -> Callable[[float], str]:
    """Return how a metric is written: a bound of an interval beyond the metric's own is cut."""
    low, high = bounds
    low, high = -math.inf if low is None else low, math.inf if high is None else high

    def form(value: float) -> str:
        return plain(min(max(value, low), high)) if math.isfinite(value) else UNKNOWN

    return form


def bracket(score: Estimate, form: Callable[[float], str]) -> str:
    """Return `[low, high]`, or nothing where there is no interval."""
    if score.low is None or score.high is None:
        return ""
    return f"[{form(score.low)}, {form(score.high)}]".replace(f"{SPACE}%", "")


def with_interval(score: Estimate, form: Callable[[float], str]) -> str:
    """Return `mean [low, high]`, or the mean alone where there is no interval."""
    return f"{form(score.mean)} {bracket(score, form)}".strip()


def ratio(arm: Arm, results: Results) -> str:
    """Return the arm's ratio as its mixing means it."""
    return f"{arm.ratio:g}×" if mixing(results) == "add" else f"{100 * arm.ratio:g}{SPACE}%"


def mixing(results: Results) -> str:
    """Return the kind of mixing."""
    return str(results.raw["mixing"].get("use", ""))


def axis(results: Results) -> str:
    """Return what the ratio of an arm means."""
    return AXIS.get(mixing(results), "ratio")


def verdict(results: Results) -> Mapping[str, Json] | None:
    """Return the study's verdict as stored; None where it has none."""
    found = results.raw.get("verdict")
    return found if isinstance(found, Mapping) else None


def headline(results: Results) -> str:
    """Return what can be said in one sentence: the verdict, else the best arm's difference."""
    found, best = verdict(results), _best(results)
    if found is None:
        return f"At a reduced budget: {best}" if is_reduced(results) else best
    label = str(found["text"])
    if is_reduced(results) and found["label"] != "invalid":
        label += ", at a reduced budget that the study declares"
    return f"{_sentence(label)} {found['sentence'] if found['arms'] else best}"


def is_reduced(results: Results) -> bool:
    """Whether the study declares a reduced budget: its differences speak of this budget alone."""
    return bool(results.raw.get("reduced_budget"))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _best(results: Results) -> str:
    name = results.baseline.name
    if not results.compared:
        score = percent(results.baseline.accuracy.mean)
        return (
            f"Only {name} can be reported ({score} accuracy): there is no arm to compare it with."
        )
    best = max(results.compared, key=_difference)
    several = len(results.compared) > 1
    subject = f"the best of {len(results.compared)} arms, {best.name}," if several else best.name
    difference = _known(best)
    change = f"{points(difference.mean)} points {bracket(difference, points)}".strip()
    if not difference.has_interval:
        claim = "One seed: no interval, no claim"
        return f"{claim}; in this one run {subject} is {change} in accuracy against {name}."
    return (
        f"{subject[:1].upper() if several else subject[:1]}{subject[1:]} is {change} in accuracy "
        f"against {name}: the interval {_reading(difference.sign, name)}."
    )


def _reading(sign: int, baseline: str) -> str:
    if sign == 0:
        return f"includes zero, so no difference from {baseline} is shown"
    return f"excludes zero, so it is {'more' if sign > 0 else 'less'} accurate than {baseline} here"


def mark(results: Results) -> str:
    """Return a few words that classify the headline."""
    found = verdict(results)
    if found is not None:
        return f"verdict: {found['label']}"
    if not results.compared:
        return "nothing to compare"
    best = _known(max(results.compared, key=_difference))
    if not best.has_interval:
        return "one seed"
    return "interval includes zero" if best.sign == 0 else "interval excludes zero"


def remarks(results: Results) -> list[str]:
    """Return what a reader must know to weigh the headline."""
    told = verdict(results)
    found = integrity(results) + ([] if told is None else _of_verdict(told))
    arms = [arm for arm in results.compared if _known(arm).has_interval]
    if arms:
        above = sum(_known(arm).sign > 0 for arm in arms)
        below = sum(_known(arm).sign < 0 for arm in arms)
        found.append(
            f"Of {len(arms)} {_plural('arm', len(arms))} compared, {above} "
            f"{'lies' if above == 1 else 'lie'} above {results.baseline.name} with an interval "
            f"that excludes zero and {below} {'lies' if below == 1 else 'lie'} below."
        )
    if len(arms) > 1:
        found.append("The intervals are not adjusted for choosing among several arms.")
    if results.raw.get("interval") and arms:
        found.append(f"Interval: {results.raw['interval']}.")
    return found


def integrity(results: Results) -> list[str]:
    """Return a warning where the file of results is another than the one that was computed."""
    if not is_altered(results.raw):
        return []
    return [
        "Warning: these results are not what was computed: the file was edited or damaged since. "
        "`synthmix evaluate` computes them again from the stored predictions."
    ]


def _of_verdict(told: Mapping[str, Json]) -> list[str]:
    found = [
        f"It cannot be claimed {claim}: a control was left out."
        for claim in told.get("unclaimed", ())
    ]
    if told.get("gate"):
        found.append(str(told["gate"]["sentence"]))
    rest = told.get("without_duplicates")
    if rest:
        found.append(
            f"Without the {rest['num_left_out']} test images that another image shows too: "
            f"{rest['text']}."
        )
    return found


def leaks(results: Results) -> list[str]:
    """Return what was found of images that are in two sets at once, a sentence each."""
    found = results.raw.get("duplicates") or {}
    return [printable(text) for text in found.get("told", ())]


def has_sure_class(advised: Mapping[str, Json]) -> bool:
    """Whether any class of any source gained beyond chance."""
    return any(each["is_beyond_chance"] for one in advised.values() for each in one.values())


def seconds(price: Mapping[str, Json], results: Results, timing: Mapping[str, Json] | None) -> str:
    """Return what generating one real image's worth takes; nothing where it was not timed."""
    arm = next((arm for arm in results.arms if arm.name == price["arm"]), None)
    each = (timing or {}).get("seconds_per_image", {})
    if arm is None or arm.source not in each or not price["rate"] or price["rate"] < 0:
        return ""
    return f" One real image's worth takes {each[arm.source] / price['rate']:.3g} s to generate."


def caveats(results: Results) -> list[str]:
    """Return what the design of this study leaves open."""
    fitted = [name for name, facts in results.raw["synthetic"].items() if _saw_real(facts)]
    if fitted and mixing(results) == "replace":
        return [
            f"The generator of {', '.join(fitted)} was fitted on each seed's real pool, so it saw "
            "real images that the arm itself lacks."
        ]
    return []


def alt_accuracy(results: Results) -> str:
    """Return the text that stands for the accuracy figure."""
    parts = [f"{arm.name}: {with_interval(arm.accuracy, percent)}" for arm in results.arms]
    return f"Accuracy against {axis(results)}. " + "; ".join(parts) + "."


def largest_confusions(results: Results, arm: Arm, count: int = 3) -> list[str]:
    """Return the most frequent mistakes, as shares of the true class, in words."""
    shares = arm.confusion.copy()
    shares[range(len(shares)), range(len(shares))] = 0
    order = sorted((-share, i) for i, share in enumerate(shares.ravel()) if share > 0)[:count]
    pairs = [(divmod(i, len(shares)), -share) for share, i in order]
    names = results.class_names
    return [f"{names[true]} as {names[seen]} ({percent(share)})" for (true, seen), share in pairs]


def duration(seconds: float) -> str:
    """Return a duration in the unit that suits it."""
    if seconds < 60:
        return f"{seconds:.1f}{SPACE}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}{SPACE}min {rest:02d}{SPACE}s"
    return f"{minutes // 60}{SPACE}h {minutes % 60:02d}{SPACE}min"


def shorten(text: str, limit: int) -> str:
    """Return the text, cut to `limit` characters with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _difference(arm: Arm) -> float:
    return _known(arm).mean


def _known(arm: Arm) -> Estimate:
    assert arm.difference is not None, "`compared` holds only arms with a difference"
    return arm.difference


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _saw_real(facts: object) -> bool:
    return isinstance(facts, dict) and bool(facts.get("fitted_per_seed"))
