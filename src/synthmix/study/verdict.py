"""The study's verdict, from all its predictions: by rule, with and without duplicates."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace

from synthmix.errors import DataError
from synthmix.evaluation.adaptive import Course
from synthmix.evaluation.crossed import Difference
from synthmix.evaluation.detectable import components
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.verdict import differences
from synthmix.study import closeness, looks, robustness
from synthmix.study.classes import advice, validation_runs
from synthmix.study.hypotheses import tested
from synthmix.study.judging import Court, as_json, stored, without
from synthmix.study.predicted import Predicted, court_of, gate
from synthmix.study.pricing import prices
from synthmix.study.workspace import Workspace
from synthmix.types import Json, Verdict


def of(workspace: Workspace, predictions: Predicted, duplicates: Json) -> Json:
    """Return the verdict as results store it; None where a study has no mix to judge."""
    if not workspace.study.synthetic:
        return None
    try:
        everything = court_of(workspace, predictions)
    except DataError as error:
        return _invalid(str(error))
    course = looks.course_of(workspace, predictions.of)
    court, passed = everything.at(course.seeds), gate(workspace, everything.runs)
    found = as_json(court, looks.verdicts(everything, course, passed), passed)
    seen = validation_runs(workspace, predictions.validation)
    return {
        **found,
        "looks": _looks(workspace, course),
        "components": _components(court),
        "without_duplicates": _without(everything, course, duplicates["test_rows"]),
        "worth": prices(court),
        "hypotheses": tested(workspace, court.runs),
        "per_class": None if seen is None else advice(replace(court, runs=seen)),
    }


def _looks(workspace: Workspace, course: Course) -> Json:
    """Return the rule that added seeds and where it led; None where seeds are a number."""
    adaptive = workspace.study.adaptive
    if adaptive is None:
        return None
    return {
        **asdict(adaptive),
        "added_runs": course.spent,
        "seeds": [dict(seeds) for seeds in course.looks],
    }


def _components(court: Court) -> Json:
    """Return the variances of a difference in this study, from which the next can be planned."""
    known: list[Difference] = differences([court.evidence(arm) for arm in court.mixes])
    return asdict(components(known)) if known else None


_ABSENT = ("gate", "looks", "components", "without_duplicates", "worth", "per_class")


def beyond(workspace: Workspace, predictions: Predicted) -> dict[str, Json]:
    """Return what the runs say of images besides the test set, and of the generators."""
    seeds = {arm: len(found) for arm, found in predictions.test.items()}
    runs: Mapping[str, Runs] | None = None
    others: dict[str, str] = {}
    with suppress(DataError):  # a single seed: scores without an interval, and no comparison
        court = court_of(workspace, predictions)
        runs, mixes = court.runs, court.mixes
        others = {arm.name: court.real_alone(arm).name for arm in mixes}
    return {
        "robustness": robustness.of(workspace, robustness.Arms(seeds, others)),
        "classification_accuracy_scores": closeness.of(workspace, seeds["real"], runs),
    }


def _invalid(reason: str) -> dict[str, Json]:
    """Return the verdict where nothing can be compared, with all its entries."""
    found = Verdict("study", "invalid", f"The study cannot be judged: {reason}", reason=reason)
    empty = dict.fromkeys(_ABSENT)
    return {**stored(found), **empty, "arms": [], "hypotheses": []}


def _without(court: Court, course: Course, rows: Sequence[int]) -> Json:
    """Return the verdicts on the test images that no synthetic image shows; None if that is all."""
    if not rows:
        return None
    try:
        runs = without(court.runs, rows)
    except DataError as error:
        return {"num_left_out": len(rows), "text": f"invalid: {error}", "arms": []}
    rest, passed = replace(court, runs=runs), gate(court.workspace, runs)
    found = as_json(rest.at(course.seeds), looks.verdicts(rest, course, passed), passed)
    kept = ("label", "text", "sentence")
    return {
        "num_left_out": len(rows),
        **{key: found[key] for key in kept},
        "arms": [{key: arm[key] for key in ("arm", *kept)} for arm in found["arms"]],
    }
