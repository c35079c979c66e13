"""The words of verdicts; what they say is decided elsewhere."""

from collections.abc import Sequence

from synthmix.evaluation.crossed import Difference
from synthmix.types import Verdict, VerdictLabel

MINUS = "\N{MINUS SIGN}"

WEAK = "baseline too weak to judge"
NO_COMPARATOR = "there is nothing to compare it with"

UNCREDITED = "the gain is not shown once what the other arms must show beside it is corrected for"

UNCLAIMED = {
    "strong augmentation": "that stronger augmentation would not have done the same",
    "duplicated real": "that repeating the real images would not have done the same",
    "deranged labels": "that the gain depends on right labels",
    "half-steps": "that the real images alone were not trained for too long",
    "own real": "that the synthetic images add anything to the arm's own real images",
    "learning curve": "how many real images the synthetic ones are worth",
}
"""What cannot be claimed where a control was left out."""

REASONS: dict[VerdictLabel, str] = {
    "helps": "synthetic images help",
    "substitutes": "synthetic images stand in for real ones, to within {margin} points",
    "hurts": "synthetic images hurt here",
    "equivalent": "the two are the same to within {margin} points",
    "no evidence": "no difference is shown; {seen} would have been seen 4 times in 5",
}


def visible(share: float) -> str:
    """Return the smallest difference that would have been seen, in words."""
    return f"one of {plain(share)} points" if share <= 1 else "not even one of 100 points"


def plain(share: float) -> str:
    """Return a share of 1 in points, without sign or unit."""
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") if share >= 1e-4 else f"{100 * share:.2g}"


def points(share: float) -> str:
    """Return a difference of two shares in signed points; a bound beyond the possible is cut."""
    share = min(max(share, -1.0), 1.0)
    return f"{round(100 * share, 2) + 0.0:+.2f}".replace("-", MINUS)


def interval(found: Difference) -> str:
    """Return `+0.52 points [+0.10, +0.94]`."""
    return f"{points(found.mean)} points [{points(found.low)}, {points(found.high)}]"


def compared(arm: str, found: Difference, comparator: str) -> str:
    """Return what was measured, without a judgement."""
    return f"{arm} is {interval(found)} against {comparator}"


def against_all(full: Difference) -> str:
    """Return the second contrast of an arm whose total is fixed."""
    return f" (against all real images: {interval(full)})"


def deranged(found: Difference | None) -> str:
    """Return why a gain is not one of right labels."""
    if found is None:
        return "the gain over wrong labels at the same share is not shown"
    return f"with wrong labels the change is {interval(found)}, so labels do not explain the gain"


def control(name: str, lead: Difference, gain: Difference | None) -> str:
    """Return why a gain is not credited to synthetic images."""
    own = "" if gain is None else f", which itself changes {interval(gain)}"
    return f"a lead over the control '{name}'{own} is not shown ({interval(lead)})"


def gate(state: str, required: float | None, reached: float) -> str:
    """Return what the baseline gate found."""
    if required is None:
        return "Baseline gate not available: no accuracy is known for this content."
    against = f"{100 * reached:.2f} % of real images alone, {100 * required:.2f} % expected"
    return {
        "passed": f"Baseline gate passed: {against}.",
        "failed": f"Baseline too weak to judge: {against}.",
        "waived": f"Reduced budget: {against}; differences speak of this budget alone.",
    }[state]


def nothing_learned(reached: float) -> str:
    """Return what it means that real images alone are no better than a guess."""
    return (
        f"Real images alone reach {100 * reached:.2f} %, which is not shown to be more than always "
        "naming one class: nothing was learned from which differences could be judged."
    )


def study(label: VerdictLabel, some: Sequence[Verdict], rest: Sequence[Verdict]) -> str:
    """Return the study's sentence from the arms that earned its verdict and those that did not."""
    if label == "invalid" and some:
        return f"No arm can be judged ({_listed(some)})."
    total = len(some) + len(rest)
    if not total:
        return "There is no arm to judge."
    if not some:
        return f"None of {total} arms is shown to help: {_by_label(rest)}."
    texts = {each.text for each in some}
    told = f"{len(some)} of {total} arms ({_listed(some)}): "
    # what could have been seen differs from arm to arm; the first one's is in its sentence
    told += f"{some[0].text if len(texts) == 1 else label}. {some[0].sentence}"
    return f"{told} Not so the others: {_by_label(rest)}." if rest else told


def _by_label(verdicts: Sequence[Verdict]) -> str:
    """Return `hurts (a, b); equivalent (c)`."""
    labels = dict.fromkeys(each.label for each in verdicts)
    some = {label: [each for each in verdicts if each.label == label] for label in labels}
    return "; ".join(f"{label} ({_listed(found)})" for label, found in some.items())


def _listed(verdicts: Sequence[Verdict]) -> str:
    more = f" and {len(verdicts) - 3} more" if len(verdicts) > 3 else ""
    return ", ".join(each.arm for each in verdicts[:3]) + more
