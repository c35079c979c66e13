"""A finished study as a record: all that its numbers rest on, taken from its images once."""

import dataclasses
from functools import partial
from typing import Any

import numpy as np

import synthmix
from synthmix.analyses.record import ArmRecord, CollectionRecord, Record
from synthmix.errors import ArtifactError
from synthmix.mixing import Arm
from synthmix.store import canonical, is_altered, read_json
from synthmix.study.config.file import Study, SyntheticSet, component_settings
from synthmix.study.inputs import interim, leakage, warnings
from synthmix.study.inputs.basis import basis_of
from synthmix.study.inputs.extra_images import (
    Collection,
    Corruptions,
    Mirror,
    TestSet,
    artifact_of,
    collections,
)
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.running import prompt_diversity
from synthmix.types import Json


def record_of(workspace: Workspace) -> Record:
    """Return the record of a finished study; raises ArtifactError where a set or a run lacks."""
    study, wanted = workspace.study, interim.wanted(workspace)
    arms = {
        arm.name: dataclasses.replace(
            drawn(workspace, arm),
            runs=[workspace.run_artifact(arm, run).path.name for run in range(number)],
        )
        for arm in workspace.arms()
        for number in [wanted.arms[arm.name]]
    }
    return Record(
        folder=study.output,
        basis=basis_of(workspace),
        arms=arms,
        collections=_collections(workspace, wanted),
        head=_head(study, workspace, wanted),
        notes=_notes(study, workspace, wanted),
        duplicates=leakage.found_in(workspace, wanted.sets),
        prompts=prompt_diversity.of(workspace),
        mirror=study.evaluation.mirror,
        sets=[each.name for each in study.synthetic],
    )


def drawn(workspace: Workspace, arm: Arm) -> ArmRecord:
    """Return what an arm takes at its first seed; its runs are not named yet."""
    mixture, num_classes = workspace.mixture(arm, 0), len(workspace.class_names)
    real = np.bincount(workspace.train.labels[mixture.real], minlength=num_classes)
    supply = workspace.supply(0)
    synthetic = np.zeros(num_classes, dtype=np.int64)
    for name, rows in mixture.synthetic.items():
        synthetic += np.bincount(supply.synthetic[name][rows], minlength=num_classes)
    return ArmRecord(
        num_real=mixture.num_real,
        num_synthetic=mixture.num_synthetic,
        per_class_real=real.tolist(),
        per_class_synthetic=synthetic.tolist(),
    )


def _collections(workspace: Workspace, wanted: Wanted) -> list[CollectionRecord]:
    by_arm: dict[str, dict[str, list[str]]] = {}
    found: dict[str, tuple[Collection, int]] = {}
    for arm in workspace.arms():
        for run in range(wanted.arms[arm.name]):
            for each in collections(workspace, arm, run):
                key = f"{each.key}/{run}" if isinstance(each, Mirror) else each.key
                found.setdefault(key, (each, run))
                named = artifact_of(workspace, workspace.run_artifact(arm, run), each)
                by_arm.setdefault(key, {}).setdefault(arm.name, []).append(named.path.name)
    return [_collection(workspace, *found[key], by_arm[key], wanted) for key in found]


def _collection(
    workspace: Workspace,
    each: Collection,
    run: int,
    artifacts: dict[str, list[str]],
    wanted: Wanted,
) -> CollectionRecord:
    plain = partial(CollectionRecord, labels=each.labels, artifacts=artifacts)
    if isinstance(each, TestSet):
        return plain("test set", each.name, facts=_test_set(workspace, each, wanted))
    if isinstance(each, Corruptions):
        kinds = workspace.study.evaluation.corruptions
        facts = {
            "seed": workspace.study.seed,
            "kinds": {name: list(kind.levels) for name, kind in kinds.items()},
        }
        return plain("corruptions", each.key, facts=facts, rows=each.rows)
    assert isinstance(each, Mirror)
    return plain("mirror", each.name, run=run)


def _test_set(workspace: Workspace, each: TestSet, wanted: Wanted) -> dict[str, Json]:
    source = component_settings(workspace.study.evaluation.test_sets[each.name])
    images = each.images
    return {
        "protocol": f"{len(images):,} images of {canonical(source)}, content {images.fingerprint}, "
        f"brought to {workspace.image_size} pixels ({workspace.study.resize})",
        "num_images": len(images),
        "per_class": images.per_class(),
        "invalid": leakage.spoiled_set(workspace, each.name, wanted.sets) or None,
        "repeated": leakage.repeated(workspace, each.name) or None,
    }


def _head(study: Study, workspace: Workspace, wanted: Wanted) -> dict[str, Any]:
    resolved = study.resolved()
    return {
        "synthmix": synthmix.__version__,
        "name": study.name,
        "study_seed": study.seed,
        "study_fingerprint": study.fingerprint,
        "declared": _declared(study),
        "reduced_budget": study.reduced_budget,
        "redeclared": _redeclared(study),
        "class_names": list(workspace.class_names),
        "image_size": workspace.image_size,
        "mixing": resolved["mixing"],
        "seeds": study.seeds,
        "training": resolved["training"],
        "real": {
            "source": resolved["real"]["use"],
            "settings": resolved["real"],
            "num_train": len(workspace.train_rows),
            "num_pool": workspace.num_pool,
            "num_validation": len(workspace.validation_rows),
            "num_test": len(workspace.test),
            "fingerprint": workspace.train.fingerprint,
            "test_fingerprint": workspace.test.fingerprint,
        },
        "synthetic": {
            each.name: _set(workspace, each, wanted.sets[each.name]) for each in study.synthetic
        },
        "device": workspace.machine()["device"],
        "precision": workspace.machine()["precision"],
    }


def _redeclared(study: Study) -> str | None:
    """Return the file with this study's earlier hypotheses where they were changed since it began.

    A sentence that was written when results were known is no prediction.
    """
    for path in sorted(study.output.glob("resolved-*.json")):
        try:
            before = read_json(path)
        except ArtifactError:
            continue  # damaged, and put aside for that
        is_study = isinstance(before, dict) and "hypotheses" in before and not is_altered(before)
        if is_study and before["hypotheses"] != list(study.hypotheses):
            return path.name
    return None


def _declared(study: Study) -> list[str]:
    found = []
    if study.reduced_budget:
        found.append(
            "This study declares a reduced budget: its accuracies lie below what a full recipe "
            "reaches, and its differences speak of this budget alone."
        )
    if study.seeds < 3:
        found.append(f"Only {study.seeds} seed(s): at least 3 are needed to screen, 5 to confirm.")
    return found


def _set(workspace: Workspace, each: SyntheticSet, seeds: int) -> dict[str, Any]:
    if each.generator is None:
        assert each.images is not None
        images = workspace.synthetic(each.name, 0)
        settings = component_settings(each.images)
        return {
            "generator": None,
            "images": settings,
            "per_class": len(images) // images.num_classes,
            "fitted_per_seed": False,
            "terms": "as the images' owner states",
            "artifacts": [],
        }
    return {
        "generator": component_settings(each.generator)["use"],
        "settings": component_settings(each.generator),
        "per_class": each.per_class,
        "fitted_per_seed": each.is_fitted,
        "terms": each.generator.terms,
        "artifacts": [workspace.synthetic_artifact(each, run).path.name for run in range(seeds)],
    }


def _notes(study: Study, workspace: Workspace, wanted: Wanted) -> list[str]:
    found = [
        f"Every arm took {study.recipe.steps} optimiser steps of {study.recipe.batch_size} images "
        "(controls named half-steps half as many); the last weights (averaged over steps where "
        "ema_decay is above 0) were evaluated; nothing was chosen on the test set."
    ]
    if any(each.is_fitted for each in study.synthetic) and study.mixing.settings().get("ratios"):
        found.append(
            "Generators were fitted on the whole real pool of their seed, so an arm that replaces "
            "real images uses a generator that saw real images the arm itself lacks."
        )
    for each in study.synthetic:
        if not each.is_fitted and _seeds_share(workspace, each, wanted):
            found.append(f"Seeds share images of '{each.name}': its result is for this one set.")
    return found + warnings.of_images(workspace, wanted.sets)


def _seeds_share(workspace: Workspace, each: SyntheticSet, wanted: Wanted) -> bool:
    """Whether some arm takes an image of this set at more than one seed."""
    for arm in workspace.arms():
        if each.name in arm.sources:
            runs = range(wanted.arms[arm.name])
            rows = np.concatenate([workspace.mixture(arm, r).synthetic[each.name] for r in runs])
            if len(np.unique(rows)) < len(rows):
                return True
    return False
