"""The predictions of a study's runs, and the court and the gate before which they are brought."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from synthmix.evaluation.baselines import required
from synthmix.evaluation.runs import Runs, gather
from synthmix.evaluation.verdict import Gate, chance
from synthmix.study import leaks
from synthmix.study.judging import Court, without
from synthmix.study.stored import Found
from synthmix.study.workspace import Workspace
from synthmix.types import Labels


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


def court_of(workspace: Workspace, predictions: Predicted) -> Court:
    """Return the court of all runs; raises DataError where they cannot be compared.

    Test images that are training images are left out where the study asks for it.
    """
    labels, names = workspace.test.labels, workspace.class_names
    runs = {arm: gather(arm, found, labels, names) for arm, found in predictions.test.items()}
    seeds = {arm: len(found) for arm, found in predictions.test.items()}
    is_asked = workspace.study.exclude_duplicates
    judged = without(runs, leaks.seen_rows(workspace)) if is_asked else runs
    validation = _accuracies(workspace, predictions)
    return Court(workspace, judged, validation, {}, runs, leaks.spoiled(workspace, seeds))


def gate(workspace: Workspace, runs: Mapping[str, Runs]) -> Gate:
    """Return whether real images alone are good enough for differences to mean something.

    Where seeds are added it is settled at the first look: what a verdict was given for stays.
    """
    least, adaptive = required(workspace.test.fingerprint), workspace.study.adaptive
    accuracy = runs["real"].accuracy
    first = accuracy if adaptive is None else accuracy[: adaptive.first]
    by_chance = chance(workspace.test.labels)
    return Gate(least, float(first.mean()), workspace.study.reduced_budget, by_chance)


def _accuracies(workspace: Workspace, predictions: Predicted) -> dict[str, list[float]]:
    """Return each arm's accuracies on the validation split, a seed each, by growing seed."""
    labels = workspace.train.labels[workspace.validation_rows]
    return {
        arm: [float((by_seed[seed] == labels).mean()) for seed in sorted(by_seed)]
        for arm, by_seed in predictions.validation.items()
    }
