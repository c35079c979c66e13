"""Controls in the accuracy figure: hollow and grey, where the mix that they explain stands."""

from collections.abc import Iterator, Mapping, Sequence

from matplotlib.axes import Axes

from synthmix.report.drawing import GROUND, MUTED
from synthmix.report.sentences import percent, with_interval
from synthmix.results.typed import Arm, Results

LABELS = {
    "real-part": ("s", "a mix's real images alone"),
    "duplicated-real": ("^", "the same, repeated"),
    "strong-augmentation": ("D", "the same, strongly augmented"),
}
"""Marker and words of the controls that stand at a ratio; the others are in the table alone."""


def real_parts(results: Results) -> list[tuple[float, Arm]]:
    """Return the real images of each mix alone, at the mix's ratio, by growing ratio."""
    return sorted(_placed(results, "real-part"), key=lambda pair: pair[0])


def draw(axes: Axes, results: Results, aside: float) -> Mapping[str, Sequence[str]]:
    """Draw what else could explain a gain, `aside` right of its mix; return hover texts by gid.

    Markers beyond the limits of the axes are not drawn: a control may fail by tens of points.
    """
    titles: dict[str, Sequence[str]] = {}
    for kind, (marker, label) in LABELS.items():
        placed = sorted(_placed(results, kind), key=lambda pair: pair[0])
        shown = [(ratio, arm) for ratio, arm in placed if _is_inside(axes, arm)]
        if not shown:
            continue
        shift = 0.0 if kind == "real-part" else aside
        axes.plot(
            [ratio - shift for ratio, _ in shown],
            [arm.accuracy.mean for _, arm in shown],
            marker=marker,
            markersize=6,
            linestyle=(0, (1, 2)) if kind == "real-part" else "none",
            linewidth=1.2,
            color=MUTED,
            markerfacecolor=GROUND,
            markeredgecolor=MUTED,
            markeredgewidth=1.4,
            zorder=3.5,
            label=label,
        )
        axes.lines[-1].set_gid(f"control-{kind}")
        titles[f"control-{kind}"] = [
            f"{arm.name}: {with_interval(arm.accuracy, percent)}" for _, arm in shown
        ]
    return titles


def _placed(results: Results, kind: str) -> Iterator[tuple[float, Arm]]:
    """Yield a kind's controls, each with the ratio of the first arm that has its real images."""
    ratios: dict[int, float] = {}
    for arm in results.arms:
        ratios.setdefault(arm.num_real, arm.ratio)
    sizes = {arm.name: arm.num_real for arm in [*results.arms, *results.controls]}
    for control in results.controls:
        of = str(control.raw.get("of") or control.name)
        if control.control == kind and sizes.get(of) in ratios and control.accuracy.is_known:
            yield ratios[sizes[of]], control


def _is_inside(axes: Axes, arm: Arm) -> bool:
    low, high = axes.get_ylim()
    return low <= arm.accuracy.mean <= high
