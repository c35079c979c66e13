"""What the arms of a study are judged on, finished or not."""

from functools import partial

from synthmix.analyses.record import Basis
from synthmix.study.inputs import leakage
from synthmix.study.inputs.workspace import Workspace


def basis_of(workspace: Workspace) -> Basis:
    """Return what arms are judged on; copies are looked for where somebody asks for them."""
    study = workspace.study
    return Basis(
        contrasts=workspace.contrasts,
        class_names=workspace.class_names,
        labels=workspace.test.labels,
        validation_labels=workspace.train.labels[workspace.validation_rows],
        test_fingerprint=workspace.test.fingerprint,
        reduced_budget=study.reduced_budget,
        adaptive=study.adaptive,
        seeds=study.seeds,
        hypotheses=study.hypotheses,
        seen_rows=leakage.seen_rows(workspace) if study.exclude_duplicates else (),
        spoiled=partial(leakage.spoiled, workspace),
    )
