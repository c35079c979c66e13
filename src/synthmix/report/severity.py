"""The figure of corruptions: accuracy against severity, a line an arm."""

import math
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from synthmix.report.beyond import Beyond, Row
from synthmix.report.drawing import (
    GROUND,
    INK,
    MARKERS,
    SERIES,
    Drawing,
    canvas,
    owner,
    style,
)
from synthmix.report.sentences import percent, shorten, with_interval
from synthmix.results.typed import Results

_COLUMNS = 4


def accuracy_by_severity(results: Results, beyond: Beyond) -> Drawing:
    """Draw the mean accuracy over the kinds of corruption at each severity, with intervals.

    Severity 0 is the same images as they are. Real images alone and the mixes only.
    """
    names = [arm.name for arm in results.arms if arm.name in beyond.corruptions]
    titles: dict[str, list[str]] = {}
    rows = math.ceil(len(names) / _COLUMNS)
    with style():
        axes = canvas(8.0, 3.6 + 0.2 * rows, (0.75, 0.15, 0.15 + 0.2 * rows, 0.55))
        for number, name in enumerate(names):
            levels = beyond.corruptions[name].severities
            shift = 0.05 * (number - (len(names) - 1) / 2) / max(len(names) / 4, 1)
            titles |= _line(axes, number, name, levels, shift)
        _frame(axes, max(len(each.severities) for each in beyond.corruptions.values()))
    return Drawing("severity", owner(axes), _label(names, beyond), titles)


def _line(
    axes: Axes, number: int, name: str, levels: tuple[Row, ...], shift: float
) -> dict[str, list[str]]:
    colour = INK if number == 0 else SERIES[(number - 1) % len(SERIES)]
    scores = [row.scores["accuracy"] for row in levels]
    x = [severity + shift for severity in range(len(levels))]
    for place, score in zip(x, scores, strict=True):
        if score.low is not None and score.high is not None:
            axes.vlines(place, score.low, score.high, color=colour, linewidth=1.2, zorder=3)
    look: dict[str, Any] = {"markeredgecolor": GROUND, "markersize": 6, "linewidth": 1.6}
    look["linestyle"] = "solid" if number <= len(SERIES) else "dotted"
    marker = MARKERS[number % len(MARKERS)]
    label, gid = shorten(name, 22), f"severity-{number}"
    means = [score.mean for score in scores]
    axes.plot(x, means, color=colour, marker=marker, label=label, gid=gid, zorder=4, **look)
    texts = [
        f"{name}, severity {severity}: {with_interval(score, percent)}"
        for severity, score in enumerate(scores)
    ]
    return {gid: texts}


def _frame(axes: Axes, num_levels: int) -> None:
    axes.set_xticks(range(num_levels))
    low, high = axes.get_ylim()
    # an accuracy is in [0, 1]; a wide t interval need not be
    axes.set_ylim(max(low, -0.02), min(high, 1.02))
    axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 2.5, 5, 10]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{100 * y:.4g}%"))
    axes.set_xlabel("severity, mean over the kinds of corruption (0: the same images as they are)")
    axes.set_ylabel("accuracy")
    axes.grid(axis="y")
    axes.set_axisbelow(True)
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(-0.01, 1.0),
        ncols=_COLUMNS,
        borderaxespad=0.2,
        columnspacing=1.6,
        handletextpad=0.4,
    )


def _label(names: list[str], beyond: Beyond) -> str:
    parts = []
    for name in names:
        levels = beyond.corruptions[name].severities
        first, last = (percent(row.scores["accuracy"].mean) for row in (levels[0], levels[-1]))
        parts.append(f"{name}: {first} at severity 0, {last} at {len(levels) - 1}")
    return f"Accuracy against severity of corruption. {'; '.join(parts)}."
