"""What too few images leave untold or unmeant: of splits, arms and batches, before any work."""

from collections.abc import Sequence

import numpy as np

from synthmix.controls import SUMMARIES
from synthmix.errors import counted
from synthmix.evaluation.crossed import LEAST_IMAGES
from synthmix.mixing import Arm
from synthmix.study.inputs.extra_images import Corruptions, collections, named_test_set
from synthmix.study.inputs.workspace import Workspace
from synthmix.types import Labels

_SHOWN = 5

FEW_TO_LEARN = 2
"""Training images of a class up to which it is said."""


def concerns(workspace: Workspace) -> list[str]:
    """Return what a study has too few images for, and which of its settings come to nothing."""
    found = _of_training(workspace) + _of_validation(workspace) + _of_tests(workspace)
    return found + _of_arms(workspace) + _of_batches(workspace)


def _of_training(workspace: Workspace) -> list[str]:
    labels = workspace.train.labels[workspace.pool_rows(0)]
    few = _classes_with(workspace, labels, FEW_TO_LEARN)
    return [f"real: few training images of {few}: little can be learned of them."] if few else []


def _of_validation(workspace: Workspace) -> list[str]:
    share, labels = workspace.study.validation, workspace.train.labels[workspace.validation_rows]
    if share == 0:
        return []
    if not len(labels):
        return [
            f"validation is {share:g}, which of {counted(len(workspace.train), 'images')} is "
            "none: no advice "
            "by class can be given, and full steps are never held against half of them."
        ]
    few = _classes_with(workspace, labels, LEAST_IMAGES - 1)
    if not few:
        return []
    return [
        f"validation: too few images of {few}: how many synthetic images to take of a class "
        f"cannot be told below {LEAST_IMAGES}; a larger share than {share:g} holds more."
    ]


def _of_tests(workspace: Workspace) -> list[str]:
    found = []
    few = _classes_with(workspace, workspace.test.labels, LEAST_IMAGES - 1)
    if few:
        found.append(
            f"real: too few test images of {few}: what changes on a class cannot be told below "
            f"{LEAST_IMAGES}."
        )
    others = {
        f"evaluation.test_sets.{name}": named_test_set(workspace, name).labels
        for name in workspace.study.evaluation.test_sets
    }
    for each in collections(workspace, workspace.arms()[0], 0):
        if isinstance(each, Corruptions):
            others["evaluation.corruptions"] = each.labels
    for where, labels in others.items():
        absent = _classes_with(workspace, labels, 0)
        if absent:
            found.append(
                f"{where}: of its {counted(len(labels), 'images')} there are {absent}: scores on "
                "them say "
                "nothing of these classes."
            )
    return found


def _of_arms(workspace: Workspace) -> list[str]:
    settings = workspace.study.mixing.settings()
    asked = [float(each) for key in ("ratios", "per_real") for each in settings.get(key) or ()]
    twice = sorted({each for each in asked if asked.count(each) > 1})
    found = [f"mixing: {_listed(twice)} is asked for more than once; it is run once."] * bool(twice)
    found += _of_equal_arms(workspace)
    supply = workspace.supply(0)
    for arm in workspace.arms():
        if not arm.sources or arm.control is not None:
            continue
        drawn = workspace.mixture(arm, 0)
        parts = [supply.synthetic[name][rows] for name, rows in drawn.synthetic.items()]
        # mixes by class say themselves which classes they leave alone
        is_whole = "per_class" not in settings
        none = _classes_with(workspace, np.concatenate(parts), 0) if is_whole else ""
        if none:
            found.append(
                f"mixing: '{arm.name}' takes {counted(drawn.num_synthetic, 'images')}, {none}."
            )
        left = workspace.train.labels[drawn.real]
        none = _classes_with(workspace, left, 0) if len(left) else ""
        if none:
            found.append(f"mixing: '{arm.name}' keeps {len(left)} real images, {none}.")
    return found


def _of_equal_arms(workspace: Workspace) -> list[str]:
    """Tell of ratios that come to the same numbers of images, in the set and in a batch."""
    study, supply = workspace.study, workspace.supply(0)
    same: dict[tuple[tuple[str, ...], int, int, int], list[str]] = {}
    # of the mode, since the workspace's arms are those that are left of equal ones
    for arm in study.mixing.arms([each.name for each in study.synthetic]):
        if arm.sources:
            drawn = study.mixing.draw(arm, supply)
            share = round((drawn.batch_share or 0) * study.recipe.batch_size)
            key = (arm.sources, drawn.num_real, drawn.num_synthetic, share)
            same.setdefault(key, []).append(f"'{arm.name}'")
    return [
        f"mixing: {' and '.join(names)} are the same mix, of {real:,} real and {made:,} synthetic "
        "images; leave out all but one, or take ratios that are further apart."
        for (_, real, made, _), names in same.items()
        if len(names) > 1
    ]


def _of_batches(workspace: Workspace) -> list[str]:
    recipe, found = workspace.study.recipe, []
    arms = workspace.arms()
    drawn = [workspace.mixture(arm, 0) for arm in arms]
    sizes = [each.num_real + each.num_synthetic for each in drawn]
    least, most = min(sizes), max(sizes)
    if recipe.batch_size > least:
        found.append(
            f"training.batch_size is {recipe.batch_size:,}, and the smallest arm, "
            f"{_named(arms[sizes.index(least)])}, has {counted(least, 'images')}: each is seen "
            "several times "
            "in one step."
        )
    elif recipe.steps * recipe.batch_size < most:
        found.append(
            f"training.steps is {recipe.steps:,}: with batches of {recipe.batch_size:,} only "
            f"{recipe.steps * recipe.batch_size:,} of the {counted(most, 'images')} of the "
            "largest arm, "
            f"{_named(arms[sizes.index(most)])}, are ever seen."
        )
    return found


def _named(arm: Arm) -> str:
    """Return an arm's name, and of a control what it is."""
    if arm.control is None:
        return f"'{arm.name}'"
    return f"'{arm.name}' (a control: {SUMMARIES[arm.control].partition(':')[0]})"


def _classes_with(workspace: Workspace, labels: Labels, most: int) -> str:
    """Return the classes that have so few images, with their numbers; nothing where none has."""
    counts = np.bincount(labels, minlength=len(workspace.class_names)).tolist()
    few = [
        f"'{name}' ({count})" if most else f"none of '{name}'"
        for name, count in zip(workspace.class_names, counts, strict=True)
        if count <= most
    ]
    more = f" and {counted(len(few) - _SHOWN, 'other classes')}" if len(few) > _SHOWN else ""
    return ", ".join(few[:_SHOWN]) + more


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:g}" for number in numbers)
