"""The numbers behind the figures as CSV, unrounded."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from synthmix.errors import printable
from synthmix.results.typed import Arm, Estimate, Results
from synthmix.types import Json

Row = Sequence[object]


def make(results: Results) -> dict[str, str]:
    """Return the text of each table by its file name."""
    return {
        "arms.csv": text(_arms(results)),
        "runs.csv": text(_runs(results)),
        "per_class.csv": text(_per_class(results)),
        "confusion.csv": text(_confusion(results)),
        **_mcnemar((results.raw.get("verdict") or {}).get("arms") or []),
        **_prompts(results.raw.get("prompts") or {}),
    }


def text(rows: Iterable[Row]) -> str:
    """Return rows as CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def _harmless(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula: `=HYPERLINK(...)` may be a class."""
    if not isinstance(cell, str):
        return cell
    return (
        f"'{printable(cell)}"
        if cell.startswith(("=", "+", "-", "@", "\t", "\r"))
        else printable(cell)
    )


def _arms(results: Results) -> Iterable[Row]:
    metrics = [*results.scalar_metrics, "difference"]
    bounds = [f"{name}{part}" for name in metrics for part in ("", "_low", "_high")]
    facts = ["arm", "control", "source", "ratio", "num_real", "num_synthetic", "num_runs"]
    yield [*facts, *bounds]
    for arm in [*results.arms, *results.controls]:
        scores = [arm.scores.get(name) for name in results.scalar_metrics] + [arm.difference]
        counts = [arm.num_real, arm.num_synthetic, len(arm.runs)]
        yield [arm.name, arm.control, arm.source, arm.ratio, *counts] + [
            number for score in scores for number in numbers(score)
        ]


def _runs(results: Results) -> Iterable[Row]:
    metrics = [*results.scalar_metrics, "validation_accuracy"]
    yield ["arm", "seed", "artifact", *metrics]
    for arm in [*results.arms, *results.controls]:
        for run in arm.runs:
            yield [arm.name, run["seed"], run.get("artifact"), *(run.get(m) for m in metrics)]


def _per_class(results: Results) -> Iterable[Row]:
    names = ["accuracy", "difference"]
    bounds = [f"{name}{part}" for name in names for part in ("", "_low", "_high")]
    yield ["arm", "class", "num_real", "num_synthetic", *bounds]
    for arm in [*results.arms, *results.controls]:
        for k, name in enumerate(results.class_names):
            difference = arm.per_class_difference[k] if arm.per_class_difference else None
            scores = numbers(arm.per_class[k]) + numbers(difference)
            yield [arm.name, name, *_class_counts(arm, k), *scores]


def _class_counts(arm: Arm, k: int) -> list[object]:
    counts = [arm.raw.get("per_class_real"), arm.raw.get("per_class_synthetic")]
    return [column[k] if column and len(column) > k else None for column in counts]


def _confusion(results: Results) -> Iterable[Row]:
    """One row a run and pair of classes that occurs; a pair that is absent has count 0."""
    yield ["arm", "seed", "true_class", "predicted_class", "count"]
    names = results.class_names
    for arm in [*results.arms, *results.controls]:
        for run, counts in zip(arm.runs, arm.counts, strict=True):
            for true, seen in np.argwhere(counts):
                yield [arm.name, run["seed"], names[true], names[seen], counts[true, seen]]


def _mcnemar(arms: Sequence[Mapping[str, Json]]) -> dict[str, str]:
    """Return the table of runs beside those of real images alone; none where none was judged."""
    columns = ["seed", "real", "only_arm", "only_real", "p"]
    rows: list[Row] = [["arm", *columns]]
    for arm in arms:
        rows += [[arm["arm"], *map(run.get, columns)] for run in arm.get("mcnemar", [])]
    return {"mcnemar.csv": text(rows)} if len(rows) > 1 else {}


def _prompts(sets: Mapping[str, Json]) -> dict[str, str]:
    """Return the table of how much texts differ, none where no set has prompts."""
    columns = ["prompts", "distinct", "distinct_1", "distinct_2", "similarity", "vendi"]
    columns += ["attributes", "attribute_groups"]
    rows: list[Row] = [["set", "strategy", "class", *columns, "mean_words", "cut"]]
    for name, each in sets.items():
        for class_name, told in each["classes"].items():
            more = [told["words"]["mean"], sum(told["cut"].values())]
            numbers = [told[column] for column in columns]
            rows.append([name, each["strategy"], class_name, *numbers, *more])
    return {"prompts.csv": text(rows)} if len(rows) > 1 else {}


def numbers(score: Estimate | None) -> list[object]:
    """Return a mean and its bounds, empty where they are not known."""
    if score is None or not score.is_known:
        return [None, None, None]
    return [score.mean, score.low, score.high]
