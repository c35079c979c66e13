"""Writing a study's results, and what a report shows beside them."""

import os
import platform
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.aside import unused
from synthmix.errors import ArtifactError
from synthmix.images import resized
from synthmix.report.pictures import STUDY
from synthmix.results.compute import compute
from synthmix.results.stored import write_record
from synthmix.store import is_altered, json_text, read_json, replacing, write_json
from synthmix.study.config.file import Study
from synthmix.study.inputs.workspace import Workspace, results_path
from synthmix.study.running.recording import record_of
from synthmix.study.stages import order, stage_named
from synthmix.study.stages.work import seconds_of
from synthmix.types import Pixels

SAMPLES = 8
THUMBNAIL = 96


def evaluate(study: Study, warned: Callable[[str], None] | None = None) -> Path:
    """Compute every number from the stored predictions; returns the path of `results.json`.

    `warned` is told where other results went. Raises ArtifactError where a run is missing.
    """
    record = record_of(Workspace(study))
    results = compute(record)
    write_record(record)
    path = write(study, results, warned)
    write_beside(study)
    return path


def write(
    study: Study, results: dict[str, Any], warned: Callable[[str], None] | None = None
) -> Path:
    """Write `results.json`; other results are renamed and kept."""
    path = results_path(study.output)
    kept = _keep_other(path, results)
    if kept is not None and warned is not None:
        warned(f"{path} held other results; they are kept as {kept.name}.")
    write_json(path, results)
    return path


def write_beside(study: Study) -> None:
    """Write what a report shows besides `results.json`: `samples.npz` and `timing.json`."""
    workspace = Workspace(study)
    _write_samples(workspace, study.output / "samples.npz")
    write_json(study.output / "timing.json", _timing(workspace))


def is_beside(study: Study) -> bool:
    """Whether samples and times lie beside the results, whole and of this study."""
    try:
        with np.load(study.output / "samples.npz", allow_pickle=False) as archive:
            mine = [str(archive[name]) for name in archive.files if name == STUDY]
            sound = all(archive[name] is not None for name in archive.files)
        timing = read_json(study.output / "timing.json")
        return sound and mine == [study.fingerprint] == [timing["study_fingerprint"]]
    except Exception:  # whatever a reader is led to by what it reads
        return False


def _keep_other(path: Path, results: Mapping[str, Any]) -> Path | None:
    """Rename results that differ instead of overwriting them; returns their new name."""
    if not path.is_file() or path.read_bytes() == json_text(results).encode():
        return None
    try:
        other = read_json(path)
        study = other["study_fingerprint"]
        is_ours = re.fullmatch("[0-9a-f]{16}", study) and not is_altered(other)
    except (ArtifactError, LookupError, TypeError):
        is_ours = False
    name = "altered" if not is_ours else study
    name = "before" if name == results["study_fingerprint"] else name
    kept = unused(path.with_name(f"results-{name}.json"))
    os.replace(path, kept)
    return kept


def _write_samples(workspace: Workspace, path: Path) -> None:
    rows = workspace.train_rows
    real = _first(workspace.train.pixels, workspace.train.labels, rows, len(workspace.class_names))
    found = {workspace.contrasts.real.name: real}
    for each in workspace.study.synthetic:
        images = workspace.synthetic(each.name, 0)
        everything = np.arange(len(images))
        found[each.name] = _first(images.pixels, images.labels, everything, images.num_classes)
    mark = {STUDY: np.array(workspace.study.fingerprint)}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **found, **mark)  # type: ignore[arg-type]


def _first(pixels: Pixels, labels: Any, rows: Any, num_classes: int) -> Pixels:
    count = min(SAMPLES, *(int((labels[rows] == k).sum()) for k in range(num_classes)))
    chosen = [rows[labels[rows] == label][:count] for label in range(num_classes)]
    size = min(pixels.shape[1], THUMBNAIL)
    grids = [[resized(pixels[row], size, "box") for row in part] for part in chosen]
    return np.asarray(grids, dtype=np.uint8)


def _timing(workspace: Workspace) -> dict[str, Any]:
    folders = [workspace.study.output / stage_named(each).folder for each in order()]
    timed = [path.parent for each in folders for path in sorted(each.glob("*/timing.json"))]
    seconds = {folder.name: seconds_of(folder) for folder in timed}
    stages = {name: value for name, value in seconds.items() if value is not None}
    total = round(sum(stages.values()), 1)
    return {
        "study_fingerprint": workspace.study.fingerprint,
        "total_seconds": total,
        "stages": stages,
        "seconds_per_image": _seconds_per_image(workspace, stages),
        "host": platform.machine(),
    }


def _seconds_per_image(workspace: Workspace, stages: dict[str, float]) -> dict[str, float]:
    """Return what an image of each set took, its generator's fitting included."""
    found = {}
    for each in workspace.study.synthetic:
        if each.generator is None or each.per_class is None:
            continue
        names = [workspace.synthetic_artifact(each, 0).path.name]
        names += [workspace.fit_artifact(each, 0).path.name] if each.is_fitted else []
        if all(name in stages for name in names):
            count = each.per_class * len(workspace.class_names)
            found[each.name] = round(sum(stages[name] for name in names) / count, 6)
    return found
