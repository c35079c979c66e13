"""The predictions of a study's runs, how they are compared, and what they must reach for that."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from synthmix.analyses.comparisons import Comparisons, without
from synthmix.analyses.record import Basis
from synthmix.evaluation.baselines import required
from synthmix.evaluation.runs import Runs, gather
from synthmix.evaluation.verdict import Gate, chance
from synthmix.types import Labels

Found = tuple[Labels, Labels | None]
"""Predicted classes of the test images, and of the validation split where there is one."""


@dataclass(frozen=True)
class Predicted:
    """Predicted classes of the test and the validation images, by arm and seed."""

    test: dict[str, dict[int, Labels]] = field(default_factory=dict)
    validation: dict[str, dict[int, Labels]] = field(default_factory=dict)

    def add(self, arm: str, seed: int, test: Labels, validation: Labels | None) -> None:
        """Take the predictions of one run."""
        self.test.setdefault(arm, {})[seed] = test
        if validation is not None:
            self.validation.setdefault(arm, {})[seed] = validation

    def of(self, arm: str, seed: int) -> Found | None:
        """Return the predictions of one run; None where it is not there."""
        if seed not in self.test.get(arm, {}):
            return None
        return self.test[arm][seed], self.validation.get(arm, {}).get(seed)


def comparisons_of(basis: Basis, predictions: Predicted) -> Comparisons:
    """Return the comparisons of all runs; raises DataError where they cannot be compared.

    Test images that are training images are left out where the study asks for it.
    """
    labels, names = basis.labels, basis.class_names
    runs = {arm: gather(arm, found, labels, names) for arm, found in predictions.test.items()}
    seeds = {arm: len(found) for arm, found in predictions.test.items()}
    judged = without(runs, basis.seen_rows) if basis.seen_rows else runs
    looks = None if basis.adaptive is None else basis.adaptive.looks
    validation = _accuracies(basis, predictions)
    return Comparisons(basis.contrasts, looks, judged, validation, {}, runs, basis.spoiled(seeds))


def gate(basis: Basis, runs: Mapping[str, Runs]) -> Gate:
    """Return whether real images alone are good enough for differences to mean something.

    Where seeds are added it is settled at the first look: what a verdict was given for stays.
    """
    least, adaptive = required(basis.test_fingerprint), basis.adaptive
    accuracy = runs[basis.contrasts.real.name].accuracy
    first = accuracy if adaptive is None else accuracy[: adaptive.first]
    return Gate(least, float(first.mean()), basis.reduced_budget, chance(basis.labels))


def _accuracies(basis: Basis, predictions: Predicted) -> dict[str, list[float]]:
    """Return each arm's accuracies on the validation split, a seed each, by growing seed."""
    labels = basis.validation_labels
    return {
        arm: [float((by_seed[seed] == labels).mean()) for seed in sorted(by_seed)]
        for arm, by_seed in predictions.validation.items()
    }
