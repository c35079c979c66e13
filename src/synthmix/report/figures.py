"""The curves: accuracy against ratio, and the change of each class."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from synthmix.report import sentences
from synthmix.report.controls import LABELS, draw, real_parts
from synthmix.report.drawing import (
    GAIN,
    GROUND,
    INK,
    LOSS,
    MARKERS,
    MUTED,
    SERIES,
    Drawing,
    canvas,
    label_rows,
    owner,
    style,
)
from synthmix.report.sentences import percent, points, shorten, with_interval
from synthmix.results.typed import Arm, Estimate, Results

MAX_ROWS = 200
"""More classes than this would be a figure of metres: then only the ends of the order are drawn."""

Titles = dict[str, Sequence[str]]


def accuracy(results: Results, name: str, width: float, height: float) -> Drawing:
    """Draw accuracy against ratio: one line a source, intervals, and each seed as a point.

    `width` and `height` in inches.
    """
    titles: Titles = {}
    entries = 1 + len(results.sources) + len({arm.control for arm in results.controls} & {*LABELS})
    columns = 1 if width < 6 else min(4, entries)
    rows = math.ceil(entries / columns)
    with style():
        axes = canvas(width, height + 0.2 * rows, (0.75, 0.15, 0.15 + 0.2 * rows, 0.55))
        _band(axes, results.baseline.accuracy)
        titles |= _spread(axes, results, [results.baseline], "baseline", "o", INK, 0.0)
        for i, source in enumerate(results.sources):
            titles |= _line(axes, results, i, source)
        titles |= _spread(axes, results, _others(results), "others", "o", MUTED, 0.0)
        _frame_accuracy(axes, results)
        titles |= draw(axes, results, 0.018 * _span(results))
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.01, 1.0),
            ncols=columns,
            borderaxespad=0.2,
            columnspacing=1.6,
            handletextpad=0.2,
        )
    return Drawing(name, owner(axes), sentences.alt_accuracy(results), titles)


def _others(results: Results) -> list[Arm]:
    return [arm for arm in results.arms if arm.source is None and arm is not results.baseline]


def _band(axes: Axes, score: Estimate) -> None:
    axes.axhline(score.mean, color=INK, linewidth=1, linestyle=(0, (5, 4)), zorder=1)
    if score.low is not None and score.high is not None:
        axes.axhspan(score.low, score.high, color=INK, alpha=0.07, linewidth=0, zorder=0)


def _line(axes: Axes, results: Results, number: int, source: str) -> Titles:
    arms = results.arms_of(source)
    colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
    # side by side, so that intervals at the same ratio stay apart
    step = 0.009 * _span(results)
    shift = step * (number - (len(results.sources) - 1) / 2)
    start = [results.baseline] if all(arm.ratio > 0 for arm in arms) else []
    x = [arm.ratio for arm in start] + [arm.ratio + shift for arm in arms]
    y = [arm.accuracy.mean for arm in [*start, *arms]]
    dash = "solid" if number < len(SERIES) else "dotted"
    axes.plot(x, y, color=colour, linewidth=1.8, linestyle=dash, zorder=3)
    label = shorten(source, 24)
    return _spread(axes, results, arms, f"source-{number}", marker, colour, shift, label)


def _spread(
    axes: Axes,
    results: Results,
    arms: Sequence[Arm],
    gid: str,
    marker: str,
    colour: str,
    shift: float,
    label: str | None = None,
) -> Titles:
    """Draw the arms' intervals, seeds and means; return the hover texts by gid."""
    arms = [arm for arm in arms if arm.accuracy.is_known]
    for arm in arms:
        if arm.accuracy.low is not None and arm.accuracy.high is not None:
            low, high = arm.accuracy.low, arm.accuracy.high
            axes.vlines(arm.ratio + shift, low, high, color=colour, linewidth=1.4, zorder=4)
    aside = (0.024 if axes.bbox.width < 500 else 0.011) * _span(results)
    seeds = [(arm, run) for arm in arms for run in arm.runs]
    x_seeds = [arm.ratio + shift + aside for arm, _ in seeds]
    y_seeds = [float(run["accuracy"]) for _, run in seeds]
    dots: dict[str, Any] = {"linestyle": "none", "color": colour, "markeredgecolor": GROUND}
    axes.plot(x_seeds, y_seeds, marker="o", markersize=4.6, alpha=0.6, zorder=5, **dots)
    axes.lines[-1].set_gid(f"{gid}-seeds")
    means = [arm.accuracy.mean for arm in arms]
    name = label or (shorten(results.baseline.name, 24) if gid == "baseline" else "_")
    x = [arm.ratio + shift for arm in arms]
    axes.plot(x, means, marker=marker, markersize=7.5, zorder=6, label=name, **dots)
    axes.lines[-1].set_gid(f"{gid}-means")
    return {
        f"{gid}-seeds": [
            f"{arm.name}, seed {run['seed']}: {percent(run['accuracy'])}" for arm, run in seeds
        ],
        f"{gid}-means": [_title(arm, results) for arm in arms],
    }


def _title(arm: Arm, results: Results) -> str:
    text = f"{arm.name}: {with_interval(arm.accuracy, percent)}"
    if arm.difference is not None and arm is not results.baseline:
        text += f"; against {results.baseline.name} {with_interval(arm.difference, points)} points"
    return text


def _span(results: Results) -> float:
    return max((arm.ratio for arm in results.arms), default=0) or 1.0


def _frame_accuracy(axes: Axes, results: Results) -> None:
    span = _span(results)
    axes.set_xlim(-0.05 * span, 1.05 * span)
    axes.set_ylim(*_limits(results))
    ticks = sorted({arm.ratio for arm in results.arms})
    if len(ticks) <= 8:
        axes.set_xticks(ticks)
    unit = (lambda x, _: f"{x:g}") if sentences.mixing(results) == "add" else _share
    axes.xaxis.set_major_formatter(FuncFormatter(unit))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(_share))
    axes.set_xlabel(sentences.axis(results))
    axes.set_ylabel("test accuracy")
    axes.grid(axis="y")
    axes.set_axisbelow(True)


def _limits(results: Results) -> tuple[float, float]:
    seen = [value for arm in results.arms for value in _extent(arm.accuracy)]
    seen += [arm.accuracy.mean for _, arm in real_parts(results)]
    low, high = min(seen), max(seen)
    room = 0.06 * (high - low) or 0.02
    return max(low - room, -0.02), min(high + room, 1.02)


def _extent(score: Estimate) -> list[float]:
    values = [score.mean, *score.values]
    values += [bound for bound in (score.low, score.high) if bound is not None]
    # an accuracy is in [0, 1]; a wide t interval need not be
    return [min(max(value, 0.0), 1.0) for value in values if math.isfinite(value)] or [0.0, 1.0]


def _share(value: float, _: object) -> str:
    return f"{100 * value:.4g}%"


def per_class(results: Results, arm: Arm) -> Drawing:
    """Draw each class's paired change against the baseline, the largest gain on top."""
    rows = _order(arm)
    names = [shorten(results.class_names[k], 26) for k in rows]
    scores = [arm.per_class_difference[k] for k in rows]
    pitch = 0.24 if len(rows) <= 30 else 0.165
    left = 0.35 + 0.073 * max(map(len, names))
    with style():
        axes = canvas(5.0, 0.95 + pitch * len(rows), (left, 0.15, 0.3, 0.55))
        axes.axvline(0, color=INK, linewidth=1, linestyle=(0, (5, 4)), zorder=1)
        titles: Titles = {}
        for sign, gid in ((1, "above"), (0, "either"), (-1, "below")):
            titles |= _dots(axes, results, rows, scores, sign, gid)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        label_rows(axes, range(len(rows)), names, INK, 8 if pitch > 0.2 else 7)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{100 * x:+.4g}"))
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
        axes.grid(axis="x")
        axes.set_axisbelow(True)
        axes.set_xlabel("change in class accuracy, points")
        axes.set_title(f"{shorten(arm.name, 26)} − {shorten(results.baseline.name, 20)}")
    return Drawing(f"per-class-{arm.slug}", owner(axes), _alt(results, arm), titles)


def _order(arm: Arm) -> list[int]:
    scores = arm.per_class_difference
    known = [k for k, score in enumerate(scores) if score.is_known]
    rows = sorted(known, key=lambda k: (-scores[k].mean, k))
    half = MAX_ROWS // 4
    return rows if len(rows) <= MAX_ROWS else rows[:half] + rows[-half:]


def _dots(
    axes: Axes,
    results: Results,
    rows: Sequence[int],
    scores: Sequence[Estimate],
    sign: int,
    gid: str,
) -> Titles:
    """Draw the classes whose interval has this sign: full where it excludes zero, else hollow."""
    mine = [i for i, score in enumerate(scores) if score.sign == sign]
    colour = {1: GAIN, 0: MUTED, -1: LOSS}[sign]
    bounds = [(i, scores[i].low, scores[i].high) for i in mine if scores[i].has_interval]
    if bounds:
        y, low, high = np.array(bounds, dtype=float).T
        axes.hlines(y, low, high, color=colour, linewidth=1.4, zorder=2)
    marker = "D" if sign else "o"
    face = colour if sign else GROUND
    means = [scores[i].mean for i in mine]
    look: dict[str, Any] = {"markerfacecolor": face, "markeredgecolor": colour, "markersize": 5.5}
    axes.plot(means, mine, marker=marker, linestyle="none", zorder=3, gid=gid, **look)
    texts = [
        f"{results.class_names[rows[i]]}: {with_interval(scores[i], points)} points" for i in mine
    ]
    return {gid: texts}


def _alt(results: Results, arm: Arm) -> str:
    scores = list(zip(results.class_names, arm.per_class_difference, strict=True))
    above = [name for name, score in scores if score.sign > 0]
    below = [name for name, score in scores if score.sign < 0]
    return (
        f"Change of each class's accuracy, {arm.name} against {results.baseline.name}, sorted. "
        f"Interval above zero: {', '.join(above) or 'none'}. Below: {', '.join(below) or 'none'}."
    )
