"""The study's verdict, from all its predictions: by rule, with and without duplicates."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, replace

from synthmix.analyses.class_advice import advice, validation_runs
from synthmix.analyses.comparisons import Comparisons, as_json, stored, without
from synthmix.analyses.data_value import prices
from synthmix.analyses.hypotheses import tested
from synthmix.analyses.interim import course_of
from synthmix.analyses.interim import verdicts as decided
from synthmix.analyses.predicted import Predicted, comparisons_of, gate
from synthmix.analyses.record import ArmRecord, Basis, Record
from synthmix.errors import DataError
from synthmix.evaluation.adaptive import Course
from synthmix.evaluation.crossed import Difference
from synthmix.evaluation.detectable import components
from synthmix.evaluation.runs import Runs
from synthmix.evaluation.verdict import differences
from synthmix.types import Json, Verdict


def of(
    basis: Basis, arms: Mapping[str, ArmRecord], predictions: Predicted, duplicates: Json
) -> Json:
    """Return the verdict as results store it; None where a study has no mix to judge."""
    if not basis.contrasts.mixes:
        return None
    try:
        everything = comparisons_of(basis, predictions)
    except DataError as error:
        return _invalid(str(error))
    course = course_of(basis, predictions.of)
    rest, everything = _without(basis, everything, course, duplicates)
    compared, passed = everything.at(course.seeds), gate(basis, everything.runs)
    told = decided(everything, course, passed)
    found = as_json(compared, told, passed)
    seen = validation_runs(basis, predictions.validation)
    return {
        **found,
        "looks": _looks(basis, course),
        "components": _components(compared),
        "without_duplicates": rest,
        "worth": prices(compared, arms),
        "hypotheses": tested(basis, compared.runs, told),
        "per_class": None
        if seen is None
        else advice(replace(compared, runs=seen), basis.class_names, arms),
    }


def _looks(basis: Basis, course: Course) -> Json:
    """Return the rule that added seeds and where it led; None where seeds are a number."""
    adaptive = basis.adaptive
    if adaptive is None:
        return None
    return {
        **asdict(adaptive),
        "added_runs": course.spent,
        "seeds": [dict(seeds) for seeds in course.looks],
    }


def _components(compared: Comparisons) -> Json:
    """Return the variances of a difference in this study, from which the next can be planned."""
    known: list[Difference] = differences([compared.evidence(arm) for arm in compared.mixes])
    return asdict(components(known)) if known else None


_ABSENT = ("gate", "looks", "components", "without_duplicates", "worth", "per_class")


def comparators(
    record: Record, predictions: Predicted
) -> tuple[dict[str, str], Mapping[str, Runs] | None]:
    """Return the arm that each mix is compared with, and all arms' runs; None where there is none.

    With a single seed there are scores without an interval, and no comparison.
    """
    with suppress(DataError):
        compared = comparisons_of(record.basis, predictions)
        return {arm.name: compared.real_alone(arm).name for arm in compared.mixes}, compared.runs
    return {}, None


def _invalid(reason: str) -> dict[str, Json]:
    """Return the verdict where nothing can be compared, with all its entries."""
    found = Verdict("study", "invalid", f"The study cannot be judged: {reason}", reason=reason)
    empty = dict.fromkeys(_ABSENT)
    return {**stored(found), **empty, "arms": [], "hypotheses": []}


def _without(
    basis: Basis, compared: Comparisons, course: Course, duplicates: Json
) -> tuple[Json, Comparisons]:
    """Return the verdicts on the test images that no other image shows, None if that is all.

    Second, the comparisons in which an arm that cannot be judged on them is not judged at all.
    """
    rows = sorted({*duplicates["test_rows"], *duplicates.get("test_rows_seen", ())})
    if not rows:
        return None, compared
    told: dict[str, Json] = {"num_left_out": len(rows)}
    try:
        runs = without(compared.everything, rows)
    except DataError as error:
        reasons = dict.fromkeys(_touched(compared, duplicates), str(error))
        reasons |= dict(compared.spoiled)
        verdict = Verdict("study", "invalid", f"It cannot be judged: {error}.", reason=str(error))
        return {**told, **_brief(stored(verdict)), "arms": []}, replace(compared, spoiled=reasons)
    rest, passed = replace(compared, runs=runs, spoiled={}), gate(basis, runs)
    verdicts = decided(rest, course, passed)
    reasons = {
        arm: f"without its duplicates, {each.reason}"
        for arm, each in verdicts.items()
        if each.label == "invalid"
    }
    found = as_json(rest.at(course.seeds), verdicts, passed)
    arms = [{"arm": arm["arm"], **_brief(arm)} for arm in found["arms"]]
    return {**told, **_brief(found), "arms": arms}, replace(
        compared, spoiled=reasons | dict(compared.spoiled)
    )


def _touched(compared: Comparisons, duplicates: Json) -> list[str]:
    """Return the arms whose synthetic images show test images; all where training images do."""
    sets = duplicates.get("sets", {})
    shown = {name for name, each in sets.items() if any(each["counts"]["test"].values())}
    is_real = bool(duplicates.get("test_rows_seen"))
    return [arm.name for arm in compared.mixes if is_real or shown & set(arm.sources)]


def _brief(told: Mapping[str, Json]) -> dict[str, Json]:
    return {key: told[key] for key in ("label", "text", "sentence")}
