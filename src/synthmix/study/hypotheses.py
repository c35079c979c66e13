"""What a study declared beforehand, and what became of it."""

from collections.abc import Mapping

from synthmix.evaluation.hypotheses import Hypothesis, Outcome, Subject, outcomes, parse
from synthmix.evaluation.runs import Runs
from synthmix.study.judging import contrast
from synthmix.study.workspace import Workspace
from synthmix.types import Json, Verdict


def declared(workspace: Workspace) -> list[Hypothesis]:
    """Read the study's hypotheses; raises SettingError that says what would be right."""
    subjects = [
        Subject(arm.name, "+".join(arm.sources) or None, arm.ratio)
        for arm in workspace.arms()
        if arm.control is None
    ]
    return [parse(text, subjects) for text in workspace.study.hypotheses]


def tested(
    workspace: Workspace, runs: Mapping[str, Runs], verdicts: Mapping[str, Verdict]
) -> list[Json]:
    """Return the outcome of each hypothesis as results store it.

    One that speaks of an arm whose verdict is invalid stays open, whatever its numbers.
    """
    adaptive = workspace.study.adaptive
    weight = None if adaptive is None else adaptive.looks.weight
    asked = declared(workspace)
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
