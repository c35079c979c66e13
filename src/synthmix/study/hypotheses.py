"""What a study declared beforehand, and what became of it."""

from collections.abc import Mapping

from synthmix.evaluation.hypotheses import Hypothesis, Subject, outcomes, parse
from synthmix.evaluation.runs import Runs
from synthmix.study.judging import contrast
from synthmix.study.workspace import Workspace
from synthmix.types import Json


def declared(workspace: Workspace) -> list[Hypothesis]:
    """Read the study's hypotheses; raises SettingError that says what would be right."""
    subjects = [
        Subject(arm.name, "+".join(arm.sources) or None, arm.ratio)
        for arm in workspace.arms()
        if arm.control is None
    ]
    return [parse(text, subjects) for text in workspace.study.hypotheses]


def tested(workspace: Workspace, runs: Mapping[str, Runs]) -> list[Json]:
    """Return the outcome of each hypothesis as results store it."""
    adaptive = workspace.study.adaptive
    weight = None if adaptive is None else adaptive.looks.weight
    return [
        {
            "text": each.text,
            "outcome": each.outcome,
            "p_adjusted": each.p_adjusted,
            "sentence": each.sentence,
            "differences": {name: contrast(found) for name, found in each.differences.items()},
        }
        for each in outcomes(declared(workspace), runs, weight)
    ]
