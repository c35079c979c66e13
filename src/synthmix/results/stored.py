"""A record beside the logits: what a copied folder needs to give its numbers again, alone."""

import io
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.analyses.record import ArmRecord, Basis, CollectionRecord, Record
from synthmix.arms import contrasts_from
from synthmix.errors import ArtifactError
from synthmix.evaluation.adaptive import Adaptive
from synthmix.store import is_altered, read_json, replacing, sha256, signed, write_json
from synthmix.types import Labels

RECORD = "record.json"
LABELS = "labels.npz"
VERSION = 1
"""Raised when a record of another layout is written; earlier ones are then not read."""


def write_record(record: Record) -> None:
    """Write a record to its study's folder: `record.json`, and the labels as `labels.npz`."""
    arrays = {"test": record.basis.labels, "validation": record.basis.validation_labels}
    listed = []
    for number, each in enumerate(record.collections):
        arrays[f"labels-{number}"] = each.labels
        if each.rows is not None:
            arrays[f"rows-{number}"] = each.rows
        plain = {key: getattr(each, key) for key in ("kind", "name", "facts", "run")}
        listed.append({**plain, "artifacts": {k: list(v) for k, v in each.artifacts.items()}})
    labels = record.folder / LABELS
    with replacing(labels) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    told = {
        "record": VERSION,
        "basis": _basis(record),
        "arms": {name: asdict(arm) for name, arm in record.arms.items()},
        "collections": listed,
        "labels_sha256": sha256(labels),
        **{key: getattr(record, key) for key in _PLAIN},
    }
    write_json(record.folder / RECORD, signed(told))


_PLAIN = ("head", "notes", "duplicates", "prompts", "mirror", "sets")


def _basis(record: Record) -> dict[str, Any]:
    basis = record.basis
    seeds = record.num_seeds
    at = [basis.spoiled(dict.fromkeys(seeds, n + 1)) for n in range(max(seeds.values()))]
    reasons = {arm: [told.get(arm, "") for told in at[:n]] for arm, n in seeds.items()}
    return {
        "contrasts": basis.contrasts.as_json(),
        "class_names": list(basis.class_names),
        "test_fingerprint": basis.test_fingerprint,
        "reduced_budget": basis.reduced_budget,
        "adaptive": None if basis.adaptive is None else asdict(basis.adaptive),
        "seeds": basis.seeds,
        "hypotheses": list(basis.hypotheses),
        "seen_rows": list(basis.seen_rows),
        "spoiled": {arm: told for arm, told in reasons.items() if any(told)},
    }


def read_record(folder: Path, study_fingerprint: str) -> Record | None:
    """Return the record that a study left in its folder; None where there is none that is sound.

    One of another study, of another layout, or whose bytes have changed is none.
    """
    if not (folder / LABELS).is_file():
        return None
    try:
        stored = read_json(folder / RECORD)
        content = (folder / LABELS).read_bytes()
        # a record was never written without its digest: one that lacks it was edited
        is_sound = isinstance(stored, dict) and "digest" in stored and not is_altered(stored)
        if not is_sound or stored["record"] != VERSION:
            return None
        if stored["head"]["study_fingerprint"] != study_fingerprint:
            return None
        if sha256(folder / LABELS) != stored["labels_sha256"]:
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays: dict[str, Labels] = {name: file[name] for name in file.files}
        return _record(folder, stored, arrays)
    except (OSError, ArtifactError, KeyError, TypeError, ValueError):
        return None


def _record(folder: Path, stored: dict[str, Any], arrays: Mapping[str, Labels]) -> Record:
    known = stored["basis"]
    adaptive = known["adaptive"]
    reasons: dict[str, list[str]] = known["spoiled"]

    def spoiled(seeds: Mapping[str, int]) -> dict[str, str]:
        told = {arm: next(filter(None, each[: seeds[arm]]), "") for arm, each in reasons.items()}
        return {arm: reason for arm, reason in told.items() if reason}

    basis = Basis(
        contrasts=contrasts_from(known["contrasts"]),
        class_names=tuple(known["class_names"]),
        labels=arrays["test"],
        validation_labels=arrays["validation"],
        test_fingerprint=known["test_fingerprint"],
        reduced_budget=known["reduced_budget"],
        adaptive=None if adaptive is None else Adaptive(**adaptive),
        seeds=known["seeds"],
        hypotheses=tuple(known["hypotheses"]),
        seen_rows=known["seen_rows"],
        spoiled=spoiled,
    )
    collections = [
        CollectionRecord(**each, labels=arrays[f"labels-{n}"], rows=arrays.get(f"rows-{n}"))
        for n, each in enumerate(stored["collections"])
    ]
    arms = {name: ArmRecord(**each) for name, each in stored["arms"].items()}
    # JSON's keys are sorted; arms and collections have the study's order
    ordered = {name: arms[name] for name in basis.contrasts.arms}
    plain = {key: stored[key] for key in _PLAIN}
    return Record(folder=folder, basis=basis, arms=ordered, collections=collections, **plain)
