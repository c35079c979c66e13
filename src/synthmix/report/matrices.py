"""Confusion matrices: one colour whose opacity is the value, so any ground will do."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from numpy.typing import NDArray

from synthmix.report import sentences
from synthmix.report.drawing import (
    GAIN,
    LOSS,
    MUTED,
    Drawing,
    canvas,
    label_columns,
    label_rows,
    owner,
    style,
)
from synthmix.report.sentences import shorten
from synthmix.results.typed import Arm, Matrix, Results

MAX_SIDE = 128
"""More classes than this are summed in blocks, or twenty arms would outgrow the page."""

MAX_NUMBERS = 12
"""Up to this many classes the cells carry numbers."""

MAX_OPACITY = 0.72
"""Text stays readable on the darkest cell."""


def confusion(results: Results, arm: Arm) -> Drawing:
    """Draw the mean row-normalised confusion; opacity is the square root of the share."""
    matrix = blocks(arm.confusion)
    opacity = np.sqrt(np.clip(matrix, 0, 1))
    title = f"{shorten(arm.name, 30)}: share of the true class, %"
    axes = _matrix(results, _coloured(opacity, matrix), title)
    _numbers(axes, matrix, "{:.0f}")
    mistakes = ", ".join(sentences.largest_confusions(results, arm)) or "none"
    label = f"Confusion matrix of {arm.name}, mean over seeds. Largest mistakes: {mistakes}."
    return Drawing(f"confusion-{arm.slug}", owner(axes), label)


def confusion_difference(results: Results, arm: Arm) -> Drawing:
    """Draw the confusion minus the baseline's; all arms of a study share one scale.

    Full colour is `scale(results)`.
    """
    matrix = blocks(arm.confusion - results.baseline.confusion)
    limit = scale(results)
    title = f"{shorten(arm.name, 24)} − {shorten(results.baseline.name, 16)}, points"
    axes = _matrix(results, _coloured(np.abs(matrix) / limit, matrix), title)
    _numbers(axes, matrix, "{:+.0f}")
    label = f"Confusion matrix of {arm.name} minus that of {results.baseline.name}, in points."
    return Drawing(f"confusion-difference-{arm.slug}", owner(axes), label)


def scale(results: Results) -> float:
    """Return the largest absolute difference from the baseline's confusion over all arms."""
    base = results.baseline.confusion
    largest = max(float(np.abs(blocks(arm.confusion - base)).max()) for arm in results.arms)
    return largest or 1.0


def block_size(num_classes: int) -> int:
    """Return how many neighbouring classes share a row of the drawing."""
    return -(-num_classes // MAX_SIDE)


def blocks(matrix: Matrix) -> Matrix:
    """Sum blocks of columns and average blocks of rows until the matrix is small enough."""
    size = block_size(len(matrix))
    if size == 1:
        return matrix
    starts = np.arange(0, len(matrix), size)
    heights = np.diff([*starts, len(matrix)])
    summed = np.add.reduceat(np.add.reduceat(matrix, starts, axis=0), starts, axis=1)
    averaged: Matrix = summed / heights[:, None]
    return averaged


def _coloured(opacity: Matrix, matrix: Matrix) -> NDArray[np.uint8]:
    colours = np.where((matrix >= 0)[..., None], to_rgb(GAIN), to_rgb(LOSS))
    alpha = MAX_OPACITY * np.clip(opacity, 0, 1)
    pixels: NDArray[np.uint8] = np.round(255 * np.dstack([colours, alpha])).astype(np.uint8)
    return pixels


def _matrix(results: Results, pixels: NDArray[np.uint8], title: str) -> Axes:
    side, size = len(pixels), block_size(len(results.class_names))
    step = -(-side // 20)
    ticks = range(0, side, step)
    names = [shorten(results.class_names[k * size], 15) for k in ticks]
    margin = 0.45 + 0.068 * max(map(len, names))
    width = 5.0
    cells = width - margin - 0.1
    with style():
        axes = canvas(width, cells + margin + 0.3, (margin, 0.1, 0.3, margin))
        # "none" stores one pixel a cell and leaves the enlarging to the reader's screen
        axes.imshow(pixels, interpolation="none")
        label_rows(axes, ticks, names, MUTED, 8)
        label_columns(axes, ticks, names, MUTED, 8)
        middle: dict[str, Any] = {"color": MUTED, "ha": "center", "va": "center"}
        edge = -(margin - 0.12) / cells
        axes.text(0.5, edge, "predicted class", transform=axes.transAxes, **middle)
        axes.text(edge, 0.5, "true class", transform=axes.transAxes, rotation=90, **middle)
        axes.set_title(title, fontsize=9)
    return axes


def _numbers(axes: Axes, matrix: Matrix, form: str) -> None:
    if len(matrix) > MAX_NUMBERS:
        return
    with style():
        for (row, column), value in np.ndenumerate(matrix):
            if abs(value) >= 0.005:
                text = form.format(100 * value).replace("-", sentences.MINUS)
                axes.text(column, row, text, ha="center", va="center", fontsize=8)
