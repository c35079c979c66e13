"""A finished study's results with types: read, checked on the way in, and given as tables."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmix import belonging
from synthmix.errors import ArtifactError, DataError
from synthmix.files import misfit
from synthmix.store import read_json
from synthmix.types import Json, Score

SCHEMA = 1

Matrix = NDArray[np.float64]
"""Confusion `[num_classes, num_classes]`, rows are true classes, as shares of the row."""


@dataclass(frozen=True)
class Estimate(Score):
    """A score as stored; `mean` is NaN where the study could not compute it."""

    @property
    def is_known(self) -> bool:
        """Whether there is a mean to show."""
        return math.isfinite(self.mean)

    @property
    def has_interval(self) -> bool:
        """Whether there are two bounds, which takes two seeds."""
        return self.low is not None and self.high is not None

    @property
    def sign(self) -> int:
        """1 or -1 where the interval lies above or below zero, 0 where it does not exclude it."""
        if self.low is None or self.high is None:
            return 0
        return int(self.low > 0) - int(self.high < 0)


@dataclass(frozen=True)
class Arm:
    """One training set of the study and what its runs scored."""

    name: str
    slug: str
    source: str | None
    ratio: float
    control: str | None
    num_real: int
    num_synthetic: int
    runs: tuple[Mapping[str, Json], ...]
    scores: Mapping[str, Estimate]
    per_class: tuple[Estimate, ...]
    difference: Estimate | None
    per_class_difference: tuple[Estimate, ...]
    counts: NDArray[np.int64]
    """Test images `[num_runs, num_classes, num_classes]`, rows are true classes."""
    raw: Mapping[str, Json]

    @property
    def accuracy(self) -> Estimate:
        """The arm's accuracy over seeds."""
        return self.scores["accuracy"]

    @property
    def confusion(self) -> Matrix:
        """Mean over runs of the row-normalised confusion; a class without test images is zero."""
        totals = self.counts.sum(axis=2, keepdims=True)
        shares: Matrix = (self.counts / np.maximum(totals, 1)).mean(axis=0)
        return shares


@dataclass(frozen=True)
class Verdict:
    """What the rule says of a study, or of one of its mixes.

    `label` is one of `helps`, `substitutes`, `equivalent`, `hurts`, `no evidence` and `invalid`;
    `text` is that with what could have been seen, `sentence` the whole of it.
    """

    label: str
    text: str
    sentence: str


@dataclass(frozen=True)
class Results:
    """A whole study; `raw` is the file as it was read."""

    name: str
    class_names: tuple[str, ...]
    baseline: Arm
    arms: tuple[Arm, ...]
    """Real images alone and the mixes."""
    controls: tuple[Arm, ...]
    """Arms that show what else could explain a gain."""
    raw: Mapping[str, Json]
    folder: Path | None = None
    """The study's folder, where the results were read from one."""

    @property
    def report(self) -> Path:
        """Path of the study's page."""
        assert self.folder is not None, "these results were not read from a study's folder"
        return self.folder / "report.html"

    @property
    def verdict(self) -> Verdict | None:
        """What the rule says of the whole study; None for one without a mix."""
        found = self.raw.get("verdict")
        return None if found is None else _verdict(found)

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """What the rule says of each mix, by the name of its arm."""
        found = self.raw.get("verdict") or {}
        return {str(each["arm"]): _verdict(each) for each in found.get("arms", [])}

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of the numbers, a sentence each."""
        return tuple(self.raw.get("notes", ()))

    @property
    def sections(self) -> list[dict[str, Any]]:
        """The sections that further analyses declare: `heading`, `sentences`, `tables`."""
        found = [each.get("section") for each in (self.raw.get("analyses") or {}).values()]
        return [_section(each) for each in found if each is not None]

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each arm, controls among them: `pandas.DataFrame(results.table())`.

        Accuracies and differences are shares of 1, with the bounds of their 95 % intervals;
        `gain` is against the arm's own real images alone, which only mixes have.
        """
        told = {str(each["arm"]): each for each in (self.raw.get("verdict") or {}).get("arms", [])}
        return [
            {
                "arm": arm.name,
                "source": arm.source,
                "ratio": arm.ratio,
                "control": arm.control,
                "num_real": arm.num_real,
                "num_synthetic": arm.num_synthetic,
                "num_seeds": len(arm.runs),
                **_bounds("accuracy", arm.accuracy),
                **_bounds("difference", arm.difference),
                **_bounds("gain", _score(told.get(arm.name, {}).get("gain"))),
                "verdict": told.get(arm.name, {}).get("label"),
            }
            for arm in (*self.arms, *self.controls)
        ]

    def runs_table(self) -> list[dict[str, Any]]:
        """Return a row for each run: its arm, its seed, and every metric of one number."""
        return [
            {"arm": arm.name, "seed": run["seed"], **{k: run.get(k) for k in self.scalar_metrics}}
            for arm in (*self.arms, *self.controls)
            for run in arm.runs
        ]

    def classes_table(self) -> list[dict[str, Any]]:
        """Return a row for each arm and class: accuracy, and the difference from real alone."""
        return [
            {
                "arm": arm.name,
                "class": name,
                **_bounds("accuracy", score),
                **_bounds("difference", dict(enumerate(arm.per_class_difference)).get(label)),
            }
            for arm in (*self.arms, *self.controls)
            for label, (name, score) in enumerate(zip(self.class_names, arm.per_class, strict=True))
        ]

    @property
    def seeds(self) -> str:
        """How many seeds the arms have, in words: `3 seeds`, or `3 to 7 seeds` where it varies."""
        counts = [len(arm.runs) for arm in (*self.arms, *self.controls)]
        least, most = min(counts), max(counts)
        if least < most:
            return f"{least} to {most} seeds"
        return f"{most} seed" if most == 1 else f"{most} seeds"

    @property
    def sources(self) -> list[str]:
        """Synthetic sources in the order in which their arms appear."""
        return list(dict.fromkeys(arm.source for arm in self.arms if arm.source is not None))

    def arms_of(self, source: str) -> list[Arm]:
        """Return a source's arms by growing ratio, the baseline left out."""
        arms = [arm for arm in self.arms if arm.source == source and arm is not self.baseline]
        return sorted(arms, key=lambda arm: arm.ratio)

    @property
    def compared(self) -> list[Arm]:
        """The arms that have a paired difference against the baseline."""
        others = [arm for arm in self.arms if arm is not self.baseline]
        return [arm for arm in others if arm.difference is not None and arm.difference.is_known]

    @property
    def scalar_metrics(self) -> list[str]:
        """Metrics with one number an arm, accuracy first."""
        known = [name for name in self.raw["metrics"] if name in self.baseline.scores]
        return sorted(known, key=lambda name: (name != "accuracy", known.index(name)))


def load(folder: Path) -> Results:
    """Read `folder/results.json`, held against the study's settings beside it.

    Raises ArtifactError or DataError.
    """
    path = folder / "results.json"
    if path.exists() and (why := misfit(path)):
        raise ArtifactError(f"{path} {why}; `synthmix evaluate {folder}` makes it anew.")
    if not path.exists():
        raise ArtifactError(f"{folder} has no results.json: `synthmix run STUDY` makes it.")
    try:
        found = load_file(path)
    except (ArtifactError, DataError) as error:
        raise type(error)(
            f"{str(error).removesuffix('.')}; `synthmix evaluate --replace {folder}` computes it "
            "anew from the stored predictions."
        ) from None
    belonging.check_results(path, found.raw)
    return replace(found, folder=folder)


def load_file(path: Path) -> Results:
    """Read a file of results; raises ArtifactError or DataError."""
    raw = _read(path)
    if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
        found = raw.get("schema") if isinstance(raw, dict) else type(raw).__name__
        raise ArtifactError(f"{path} has schema {found!r}; this version reads schema {SCHEMA}.")
    try:
        return _parse(raw)
    except KeyError as error:
        raise DataError(f"{path} lacks the entry {error}.") from None
    except (AttributeError, OverflowError, TypeError, ValueError) as error:
        raise DataError(f"{path} holds an unexpected value: {error}.") from None


def load_timing(path: Path) -> Mapping[str, Json] | None:
    """Read the durations, or return None where there are none; raises ArtifactError."""
    if not path.is_file():
        return None
    try:
        timing = _read(path)
        if not isinstance(timing, dict):
            raise ArtifactError(f"{path} is not a JSON object.")
    except ArtifactError as error:
        raise ArtifactError(
            f"{str(error).removesuffix('.')}; `synthmix evaluate {path.parent}` writes it anew."
        ) from None
    belonging.check_beside(path, timing.get("study_fingerprint"))
    return timing


def _section(raw: Mapping[str, Any]) -> dict[str, Any]:
    tables = [
        {
            "columns": [printable(str(name)) for name in each["columns"]],
            "rows": [
                [printable(cell) if isinstance(cell, str) else cell for cell in row]
                for row in each["rows"]
            ],
        }
        for each in raw["tables"]
    ]
    sentences = [printable(str(sentence)) for sentence in raw["sentences"]]
    return {"heading": printable(str(raw["heading"])), "sentences": sentences, "tables": tables}


def _verdict(raw: Mapping[str, Any]) -> Verdict:
    return Verdict(str(raw["label"]), str(raw["text"]), str(raw["sentence"]))


def _score(raw: Mapping[str, Any] | None) -> Estimate | None:
    return None if raw is None else estimate(raw)


def _bounds(name: str, found: Estimate | None) -> dict[str, float | None]:
    """Return a score as three columns, of None where it is not known."""
    mean = None if found is None or not found.is_known else found.mean
    low, high = (None, None) if found is None else (found.low, found.high)
    return {name: mean, f"{name}_low": low, f"{name}_high": high}


def slug(text: str) -> str:
    """Return the text as a file name: letters, digits, dots, hyphens and underscores."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.") or "unnamed"


def unique_slugs(names: list[str]) -> dict[str, str]:
    """Return a different file name for each name."""
    slugs: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        candidate, number = slug(name), 2
        # case-insensitive, because some file systems are
        while candidate.lower() in taken:
            candidate, number = f"{slug(name)}-{number}", number + 1
        slugs[name] = candidate
        taken.add(candidate.lower())
    return slugs


def _read(path: Path) -> Any:
    try:
        return read_json(path)
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}.") from None


def _parse(raw: Mapping[str, Any]) -> Results:
    names = [str(arm["name"]) for arm in raw["arms"]]
    if len(set(names)) != len(names):
        raise ValueError("two arms have the same name")
    num_classes, slugs = len(raw["class_names"]), unique_slugs(names)
    arms = {str(arm["name"]): _arm(arm, num_classes, slugs) for arm in raw["arms"]}
    if raw["baseline"] not in arms:
        raise ValueError(f"the baseline {raw['baseline']!r} is not an arm")
    for key in ("metrics", "mixing", "training", "real", "synthetic", "image_size", "versions"):
        raw[key]
    return Results(
        name=str(raw["name"]),
        class_names=tuple(printable(str(name)) for name in raw["class_names"]),
        baseline=arms[raw["baseline"]],
        arms=tuple(arm for arm in arms.values() if arm.control is None),
        controls=tuple(arm for arm in arms.values() if arm.control is not None),
        raw=raw,
    )


def _arm(raw: Mapping[str, Any], num_classes: int, slugs: Mapping[str, str]) -> Arm:
    difference = raw.get("difference") or {}
    counts = np.array([run["confusion"] for run in raw["runs"]], dtype=np.int64)
    if counts.shape != (len(raw["runs"]), num_classes, num_classes) or not len(counts):
        raise ValueError(f"arm {raw['name']!r}: confusion has shape {list(counts.shape)}")
    per_class = tuple(estimate(score) for score in raw["scores"]["per_class_accuracy"])
    changes = tuple(map(estimate, difference.get("per_class_accuracy") or ()))
    if len(per_class) != num_classes or len(changes) not in {0, num_classes}:
        raise ValueError(f"arm {raw['name']!r}: per_class_accuracy has {len(per_class)} classes")
    scalars = {key: value for key, value in raw["scores"].items() if isinstance(value, Mapping)}
    return Arm(
        name=printable(str(raw["name"])),
        slug=slugs[str(raw["name"])],
        source=None if raw["source"] is None else printable(str(raw["source"])),
        ratio=float(raw["ratio"]),
        control=raw.get("control"),
        num_real=int(raw["num_real"]),
        num_synthetic=int(raw["num_synthetic"]),
        runs=tuple(raw["runs"]),
        scores={"accuracy": estimate(raw["scores"]["accuracy"])}
        | {key: estimate(value) for key, value in scalars.items()},
        per_class=per_class,
        difference=estimate(difference["accuracy"]) if difference else None,
        per_class_difference=changes,
        counts=counts,
        raw=raw,
    )


def printable(text: str) -> str:
    """Return the text without control characters and lone surrogates, which XML forbids."""
    return "".join(
        char if char.isprintable() or char == "\u00a0" else "\N{REPLACEMENT CHARACTER}"
        for char in text
    )


def estimate(raw: Mapping[str, Any]) -> Estimate:
    """Return a stored score; raises KeyError or TypeError where it is none."""
    return Estimate(
        mean=_number(raw["mean"], math.nan),
        low=_number(raw["low"], None),
        high=_number(raw["high"], None),
        values=tuple(_number(value, math.nan) for value in raw["values"]),
    )


def _number(value: Any, missing: Any) -> Any:
    return missing if value is None else float(value)
