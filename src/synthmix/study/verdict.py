"""The study's verdict, from all its predictions: by rule, with and without duplicates."""

from collections.abc import Mapping
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
    rest, everything = _without(everything, course, duplicates)
    court, passed = everything.at(course.seeds), gate(workspace, everything.runs)
    verdicts = looks.verdicts(everything, course, passed)
    found = as_json(court, verdicts, passed)
    seen = validation_runs(workspace, predictions.validation)
    return {
        **found,
        "looks": _looks(workspace, course),
        "components": _components(court),
        "without_duplicates": rest,
        "worth": prices(court),
        "hypotheses": tested(workspace, court.runs, verdicts),
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


def beyond(
    workspace: Workspace, predictions: Predicted, sets: Mapping[str, int]
) -> dict[str, Json]:
    """Return what the runs say of images besides the test set, and of the generators.

    `sets` is the number of run seeds of each synthetic set.
    """
    seeds = {arm: len(found) for arm, found in predictions.test.items()}
    runs: Mapping[str, Runs] | None = None
    others: dict[str, str] = {}
    with suppress(DataError):  # a single seed: scores without an interval, and no comparison
        court = court_of(workspace, predictions)
        runs, mixes = court.runs, court.mixes
        others = {arm.name: court.real_alone(arm).name for arm in mixes}
    return {
        "robustness": robustness.of(workspace, robustness.Arms(seeds, others, sets)),
        "classification_accuracy_scores": closeness.of(workspace, seeds["real"], runs),
    }


def _invalid(reason: str) -> dict[str, Json]:
    """Return the verdict where nothing can be compared, with all its entries."""
    found = Verdict("study", "invalid", f"The study cannot be judged: {reason}", reason=reason)
    empty = dict.fromkeys(_ABSENT)
    return {**stored(found), **empty, "arms": [], "hypotheses": []}


def _without(court: Court, course: Course, duplicates: Json) -> tuple[Json, Court]:
    """Return the verdicts on the test images that no other image shows, None if that is all.

    Second, the court in which an arm that cannot be judged on them is not judged at all.
    """
    rows = sorted({*duplicates["test_rows"], *duplicates.get("test_rows_seen", ())})
    if not rows:
        return None, court
    told: dict[str, Json] = {"num_left_out": len(rows)}
    try:
        runs = without(court.everything, rows)
    except DataError as error:
        reasons = dict.fromkeys(_touched(court, duplicates), str(error)) | dict(court.spoiled)
        verdict = Verdict("study", "invalid", f"It cannot be judged: {error}.", reason=str(error))
        return {**told, **_brief(stored(verdict)), "arms": []}, replace(court, spoiled=reasons)
    rest, passed = replace(court, runs=runs, spoiled={}), gate(court.workspace, runs)
    verdicts = looks.verdicts(rest, course, passed)
    reasons = {
        arm: f"without its duplicates, {each.reason}"
        for arm, each in verdicts.items()
        if each.label == "invalid"
    }
    found = as_json(rest.at(course.seeds), verdicts, passed)
    arms = [{"arm": arm["arm"], **_brief(arm)} for arm in found["arms"]]
    return {**told, **_brief(found), "arms": arms}, replace(
        court, spoiled=reasons | dict(court.spoiled)
    )


def _touched(court: Court, duplicates: Json) -> list[str]:
    """Return the arms whose synthetic images show test images; all where training images do."""
    sets = duplicates.get("sets", {})
    shown = {name for name, each in sets.items() if any(each["counts"]["test"].values())}
    is_real = bool(duplicates.get("test_rows_seen"))
    return [arm.name for arm in court.mixes if is_real or shown & set(arm.sources)]


def _brief(told: Mapping[str, Json]) -> dict[str, Json]:
    return {key: told[key] for key in ("label", "text", "sentence")}
