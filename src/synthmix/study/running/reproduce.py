"""A study's numbers computed again, and held against those that are stored."""

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.analyses.record import Record
from synthmix.aside import unused
from synthmix.belonging import Owner, check_results
from synthmix.errors import ArtifactError, DataError, SynthmixError
from synthmix.results.compute import compute
from synthmix.results.stored import LABELS, RECORD, read_record, write_record
from synthmix.store import json_text, read_json, write_json
from synthmix.study.config.file import Study
from synthmix.study.inputs.workspace import Workspace, results_path
from synthmix.study.running.recording import record_of
from synthmix.study.running.results import is_beside, write, write_beside
from synthmix.study.running.runner import save_study

LISTED = 20
"""Differing fields that are named; all are counted."""


@dataclass(frozen=True)
class Recomputed:
    """What came of it; `differing` names fields, as paths like `arms.2.runs.0.accuracy`."""

    results: dict[str, Any]
    path: Path
    """Where the recomputed numbers lie."""

    was_stored: bool
    is_equal: bool
    """Whether the stored file has the very bytes that the recomputed numbers have."""

    differing: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    """Fields that the stored results lack, since an earlier version computed fewer."""

    kept: Path | None = None
    """Where the stored results went if they were replaced."""

    owner: Owner | None = None
    """Which other study the stored results belong to, if they do."""

    @property
    def sentence(self) -> str:
        """What a doubting reader wants to know, in one line."""
        if not self.was_stored:
            return "There were no stored results to compare with."
        if self.is_equal:
            return "The recomputed results equal the stored ones, byte for byte."
        where = f"The stored ones are in {self.kept}." if self.kept else "Those were left as is."
        if self.owner is not None:
            is_version = self.owner.name == self.results["name"]
            told = "another version of this study" if is_version else "another study"
            return f"The stored results belong to {told}, {self.owner}. {where}"
        if self.added and not self.differing:
            told = "The recomputed results have every stored value, and what the stored ones lack: "
            return f"{told}{_listed(self.added)} {where}"
        named = _listed(self.differing or ("the file's layout, no value",))
        return f"The recomputed results differ from the stored ones in: {named} {where}"


def recompute(study: Study, *, replace: bool = False) -> Recomputed:
    """Compute all numbers from the stored predictions and compare them with `results.json`.

    Where they differ the stored file stays and the new numbers go beside it, or, with `replace`,
    take its place while it is renamed. From the record that the study left beside its logits,
    which takes no image; where it is lost or damaged, from the images again. Raises ArtifactError
    where a run is missing.
    """
    results, path = compute(_record(study)), results_path(study.output)
    if not path.exists():
        return Recomputed(results, _written(study, results), was_stored=False, is_equal=False)
    if path.read_bytes() == json_text(results).encode():
        _mend_beside(study)
        return Recomputed(results, path, was_stored=True, is_equal=True)
    stored = _stored(path)
    differing, added = _differences(stored, results)
    owner = _other_owner(stored, results)
    if replace:
        kept = unused(path.with_name("results-before.json"))
        path.rename(kept)
        return Recomputed(
            results, _written(study, results), True, False, differing, added, kept, owner
        )
    beside = path.with_name("results-recomputed.json")
    write_json(beside, results)
    return Recomputed(results, beside, True, False, differing, added, None, owner)


def _record(study: Study) -> Record:
    """Return the record that a study left, else one that is made of its images again."""
    record = read_record(study.output, study.fingerprint)
    if record is not None:
        return record
    try:
        record = record_of(Workspace(study))
    except DataError as error:
        raise DataError(
            f"{study.output / RECORD} or {LABELS} beside it is missing, damaged or another "
            f"study's, and without both the study's images are needed: {error}"
        ) from error
    write_record(record)
    return record


def _listed(fields: Sequence[str]) -> str:
    more = len(fields) - LISTED
    return ", ".join(fields[:LISTED]) + (f" and {more} more." if more > 0 else ".")


def _mend_beside(study: Study) -> None:
    """Write what lies beside results anew where it is lost, damaged or another study's.

    That takes the study's images; a copied folder whose images are elsewhere stays as it is.
    """
    if is_beside(study):
        return
    with suppress(SynthmixError):
        write_beside(study)


def _written(study: Study, results: dict[str, Any]) -> Path:
    """Write results, and what says whose they are where another version of synthmix named it."""
    path = write(study, results)
    _mend_beside(study)
    try:
        check_results(path, results)
    except ArtifactError:
        save_study(study)
    return path


def _stored(path: Path) -> Any:
    """Return stored results, None where they are damaged: then everything differs."""
    try:
        return read_json(path)
    except ArtifactError:
        return None


def _other_owner(stored: Any, results: dict[str, Any]) -> Owner | None:
    """Return the study that stored results name, None where it is this one or cannot be told."""
    mine = stored.get("study_fingerprint") if isinstance(stored, dict) else None
    if not isinstance(mine, str) or mine == results["study_fingerprint"]:
        return None
    return Owner(str(stored.get("name")), mine)


def _differences(stored: Any, results: dict[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths of values that are others than the stored ones, and of those not stored.

    A digest stands for the rest and says nothing of its own where the rest differs.
    """
    found = [(path, is_new) for path, is_new in _differing(stored, results) if path != "digest"]
    changed, added = (
        tuple(p for p, is_new in found if is_new is wanted) for wanted in (False, True)
    )
    return changed, added


def _differing(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the paths at which two JSON values differ, and whether the first has no value there."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            here = f"{path}.{key}".lstrip(".")
            if key in one and key in other:
                yield from _differing(one[key], other[key], here)
            else:
                yield here, key not in one
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _differing(mine, theirs, f"{path}.{number}")
    elif one != other:
        yield path or "everything (it is damaged)", False
