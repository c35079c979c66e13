"""What a study declared beforehand, and what became of it."""

from collections.abc import Mapping, Sequence

from synthmix.analyses.comparisons import contrast
from synthmix.analyses.record import Basis
from synthmix.arms import Contrasts
from synthmix.evaluation.hypotheses import Hypothesis, Outcome, Subject, outcomes, parse
from synthmix.evaluation.runs import Runs
from synthmix.types import Json, Verdict


def declared(contrasts: Contrasts, texts: Sequence[str]) -> list[Hypothesis]:
    """Read the study's hypotheses; raises SettingError that says what would be right."""
    subjects = [
        Subject(arm.name, "+".join(arm.sources) or None, arm.ratio)
        for arm in contrasts.arms.values()
        if arm.role != "control"
    ]
    return [parse(text, subjects) for text in texts]


def tested(basis: Basis, runs: Mapping[str, Runs], verdicts: Mapping[str, Verdict]) -> list[Json]:
    """Return the outcome of each hypothesis as results store it.

    One that speaks of an arm whose verdict is invalid stays open, whatever its numbers.
    """
    weight = None if basis.adaptive is None else basis.adaptive.looks.weight
    asked = declared(basis.contrasts, basis.hypotheses)
    return [
        {
            "text": each.text,
            **_judged(hypothesis, each, verdicts),
            "p_adjusted": each.p_adjusted,
            "differences": {name: contrast(found) for name, found in each.differences.items()},
        }
        for hypothesis, each in zip(asked, outcomes(asked, runs, weight), strict=True)
    ]


def _judged(
    hypothesis: Hypothesis, found: Outcome, verdicts: Mapping[str, Verdict]
) -> dict[str, Json]:
    for arm in (arm for pair in hypothesis.pairs for arm in pair if arm in verdicts):
        if verdicts[arm].label == "invalid":
            sentence = f"'{found.text}' is open: {arm} is invalid ({verdicts[arm].reason})."
            return {"outcome": "open", "sentence": sentence}
    return {"outcome": found.outcome, "sentence": found.sentence}
