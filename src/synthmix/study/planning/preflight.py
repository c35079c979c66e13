"""What can be told before any work: a study that could not end is refused at its start."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from warnings import catch_warnings, simplefilter

import numpy as np

from synthmix import belonging
from synthmix.analyses.hypotheses import declared
from synthmix.data import ImageSource
from synthmix.errors import ArtifactError, DataError, SettingError, SynthmixError
from synthmix.files import misfit
from synthmix.store import is_altered, read_json
from synthmix.study.config.file import Study
from synthmix.study.inputs import leakage
from synthmix.study.inputs import warnings as seen
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning import class_map, small_samples
from synthmix.types import Labels


def check_settings(workspace: Workspace) -> None:
    """Raise SettingError or DataError where class names or prompts do not fit the real images."""
    study, names = workspace.study, workspace.class_names
    check_place(study)
    leakage.check(workspace)
    class_map.check(workspace)
    check_crop(study, workspace.image_size)
    study.mixing.check(names)
    _check_batch_shares(workspace)
    declared(workspace.contrasts, study.hypotheses)
    _check_classes(workspace)
    for each in study.synthetic:
        part = "generator"
        try:
            if each.generator is not None:
                each.generator.check(names)
            part = "prompts"
            if each.prompts is not None:
                each.prompts.check(workspace.names_for(each.prompts))
        except (SettingError, DataError) as error:
            raise type(error)(f"synthetic.{each.name}.{part}: {error}") from None


def warnings(workspace: Workspace) -> list[str]:
    """Return what is probably not meant; raises DataError for prompts that cannot be used.

    Prompts are linted here where writing them costs nothing, else before their set is generated.
    """
    found, names = seen.of_sources(seen.inventories(workspace)), workspace.class_names
    found += seen.of_mirroring(workspace.study)
    found += [each.text for each in leakage.beforehand(workspace) if not each.is_left_out]
    found += seen.of_class_names(names)
    found += class_map.warnings(workspace)
    found += seen.of_subjects(workspace.study.synthetic)
    found += small_samples.concerns(workspace)
    for each in workspace.study.synthetic:
        found += seen.of_settings(each)
        if each.prompts is None or each.per_class is None or each.prompts.is_costly:
            continue
        seed = workspace.prompts_artifact(each).settings["seed"]
        names = workspace.names_for(each.prompts)
        prompts = list(each.prompts.write(names, each.per_class, seed=seed))
        found += seen.of_prompts(each, workspace.spoken_names, prompts)
    return found


def notes(workspace: Workspace) -> list[str]:
    """Return what is done as it was asked for: what is left out, how classes are spoken."""
    left_out = [each.text for each in leakage.beforehand(workspace) if each.is_left_out]
    return left_out + class_map.notes(workspace)


def _check_classes(workspace: Workspace) -> None:
    """Raise DataError or SettingError where a class would have no real image to train on."""
    labels, names = workspace.train.labels[workspace.train_rows], workspace.class_names
    empty = _first_empty(labels, names)
    if empty is not None:
        raise DataError(
            f"Class '{empty}' has no training image left beside the validation split: give it "
            f"more images, or a validation below {workspace.study.validation:g}."
        )
    # the same numbers at every seed, since proportions are kept
    pool = workspace.supply(0).real_rows(workspace.num_pool)
    empty = _first_empty(labels[pool], names)
    if empty is not None:
        raise SettingError(
            f"mixing: {workspace.num_pool} real images in the real class proportions hold none "
            f"of class '{empty}'; take more of them."
        )


def _first_empty(labels: Labels, names: Sequence[str]) -> str | None:
    counts = np.bincount(labels, minlength=len(names))
    return next((name for name, count in zip(names, counts, strict=True) if not count), None)


def _check_batch_shares(workspace: Workspace) -> None:
    """Raise SettingError where a share of a batch is none of its images, or all of them."""
    mixing, size = workspace.study.mixing, workspace.study.recipe.batch_size
    for ratio in mixing.shares():
        share = mixing.batch_share(ratio)
        if share is not None and 0 < share < 1 and not 0 < round(share * size) < size:
            raise SettingError(
                f"mixing.ratios: {ratio:g} of a batch of {size} images is {round(share * size)} of "
                f"them; with training.batch_size {size} a ratio between 0 and 1 must be from "
                f"{1 / size:.3g} to {1 - 1 / size:.3g}."
            )


def check_model(workspace: Workspace) -> None:
    """Raise SettingError where the classifier is not known or cannot take the study's images."""
    import torch

    from synthmix.training.models import build_model

    name, size = workspace.study.recipe.model, workspace.image_size
    num_classes, window = len(workspace.class_names), _window(workspace)
    side = size
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode(), catch_warnings():
            simplefilter("ignore")  # of layers without a weight, told by the error that follows
            model = build_model(name, num_classes, size).eval()
            for side in sorted({size, window}, reverse=True):
                logits = model(torch.zeros(1, 3, side, side))
    except (SynthmixError, MemoryError):
        raise
    except Exception as error:  # as many kinds as timm has authors of models
        reason = (str(error) or type(error).__name__).partition("\n")[0]
        raise SettingError(
            f"training.model is '{name}', which cannot take images of {side} x {side} pixels "
            f"({reason}). Change {'image_size' if side == size else 'early_window'} or the model."
        ) from error
    shape = list(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    if shape != [1, num_classes]:
        raise SettingError(
            f"training.model is '{name}', which is no classifier: of an image it gives {shape}, "
            f"not logits of {num_classes} classes."
        )


def check_crop(study: Study, image_size: int) -> None:
    """Raise SettingError where crops or cut-outs are larger than the images they are taken from."""
    for name in ("crop", "cutout"):
        asked = getattr(study.recipe, name)
        if asked is not None and asked > image_size:
            raise SettingError(
                f"training.{name} is {asked}, but images have {image_size} pixels a side; "
                f"give 0 to {image_size}."
            )


def _window(workspace: Workspace) -> int:
    """Return the side of what the early steps see; raises SettingError where no image has it."""
    window, size = workspace.study.recipe.early_window, workspace.image_size
    if window is not None and window > size:
        raise SettingError(
            f"training.early_window is {window}, but images have {size} pixels a side; "
            + (f"give 8 to {size}, or leave it out." if size >= 8 else "leave it out.")
        )
    return size if window is None else window


def check_output(study: Study) -> None:
    """Make the output folder; raises SettingError where it must not or cannot be written to."""
    check_place(study)
    try:
        study.output.mkdir(parents=True, exist_ok=True)
        is_writable = os.access(study.output, os.W_OK | os.X_OK)
        reason = "it is read-only"
    except OSError as error:
        is_link = study.output.is_symlink() and not study.output.exists()
        is_writable, reason = False, "it is a link to nothing" if is_link else str(error.strerror)
    if not is_writable:
        raise SettingError(
            f"output is '{study.output}', where nothing can be written ({reason}); "
            "name another folder."
        )
    for path in sorted(study.output.glob("[!.]*")):  # editors lock files by links to nothing
        if path.is_symlink() and not path.exists():
            raise SettingError(
                f"output is '{study.output}', where '{path.name}' is a link to {path.readlink()}, "
                "which is not there: mount or make it, or take the link away."
            )


def earlier_study(study: Study) -> str | None:
    """Return which other study the output holds, as the start of a sentence, or None."""
    path = study.output / "resolved.json"
    if not path.exists():
        return None
    try:
        held = read_json(path)
    except ArtifactError:
        held = None
    if not isinstance(held, dict) or is_altered(held):
        return f"{study.output} holds a study whose settings are damaged"
    if belonging.settings_in(held) == study.resolved():
        return None
    name = held.get("name")
    if name == study.name:
        return f"{study.output} holds an earlier version of this study"
    return f"{study.output} holds another study, '{name}'"


_LONGEST_NAME = 255
"""Bytes; what file systems in use hold."""


def check_place(study: Study) -> None:
    """Refuse an output that is a file, or among the user's own images, where it would be one."""
    try:
        output = study.output.resolve()
        there = (each for each in (output, *output.parents) if each.exists())
        taken = next((each for each in there if not each.is_dir()), None)
        reason = f"{taken} {misfit(taken, 'folder')}" if taken else None
        if any(len(os.fsencode(part)) > _LONGEST_NAME for part in output.parts):
            reason = f"a name in it is longer than {_LONGEST_NAME} bytes"
    except RuntimeError:
        reason = "its links lead back to themselves"
    except OSError as error:
        reason = str(error.strerror).lower()
    if reason is not None:
        raise SettingError(
            f"output is '{study.output}', where nothing can be written ({reason}); "
            "name another folder."
        )
    for where, source in _sources(study):
        paths = [path for name, path in source.settings().items() if name.endswith("path")]
        for path in filter(None, paths):
            folder = Path(str(path)).expanduser()
            if folder.is_dir() and output.is_relative_to(folder.resolve()):
                raise SettingError(
                    f"output is '{study.output}', within the images of {where} ({path}); "
                    "name a folder outside."
                )


def _sources(study: Study) -> Iterator[tuple[str, ImageSource]]:
    yield "real", study.real
    for each in study.synthetic:
        if each.images is not None:
            yield f"synthetic.{each.name}", each.images
    for name, source in study.evaluation.test_sets.items():
        yield f"evaluation.test_sets.{name}", source
