"""Interim analyses: through which looks stored predictions lead, where seeds are added.

Whoever asks, today or after an interruption, is led through the same looks to the same runs.
"""

from collections.abc import Callable, Mapping

from synthmix.analyses.comparisons import Comparisons
from synthmix.analyses.predicted import Found, Predicted, comparisons_of, gate
from synthmix.analyses.record import Basis
from synthmix.errors import DataError
from synthmix.evaluation.adaptive import Course, follow, kept
from synthmix.evaluation.verdict import Gate
from synthmix.types import Verdict

Lookup = Callable[[str, int], Found | None]
"""The predictions of an arm at a seed; None where the run is not there."""


def course_of(basis: Basis, lookup: Lookup) -> Course:
    """Return the looks that these predictions lead through; one look where seeds are a number."""
    adaptive, arms = basis.adaptive, list(basis.contrasts.arms)
    if adaptive is None:
        return Course((dict.fromkeys(arms, basis.seeds),), {}, 0, is_settled=True)

    def judged(seeds: Mapping[str, int]) -> list[Verdict] | None:
        found = _gathered(seeds, lookup)
        return None if found is None else _judged(basis, found, seeds)

    first = dict.fromkeys(arms, adaptive.first)
    needs = {arm.name: basis.contrasts.needs(arm) for arm in basis.contrasts.mixes}
    return follow(judged, first, needs, adaptive.looks, adaptive.budget)


def verdicts(compared: Comparisons, course: Course, gate: Gate | None) -> dict[str, Verdict]:
    """Return every arm's verdict of the look that decided it, else of the last."""
    found: dict[str, Verdict] = {}
    for seeds in course.looks:
        found = kept(found, compared.at(seeds).verdicts(gate))
    return found


def _gathered(seeds: Mapping[str, int], lookup: Lookup) -> Predicted | None:
    predictions = Predicted()
    for arm, number in seeds.items():
        for run in range(number):
            found = lookup(arm, run)
            if found is None:
                return None
            predictions.add(arm, run, *found)
    return predictions


def _judged(basis: Basis, predictions: Predicted, seeds: Mapping[str, int]) -> list[Verdict]:
    try:
        compared = comparisons_of(basis, predictions)
    except DataError:
        return []  # nothing can be compared, which the study's verdict says
    return compared.at(seeds).verdicts(gate(basis, compared.runs))
