"""How figures look, and how they become files and parts of the page.

A figure is drawn once in fixed colours. In the file they stay; in the page each turns into a CSS
variable, so that one drawing is readable on light and on dark ground.
"""

import io
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import ScaledTranslation

INK, MUTED, RULE, GROUND = "#1c2430", "#5c6675", "#d9dee5", "#ffffff"
GAIN, LOSS = "#1f6fb5", "#b9520d"
SERIES = (GAIN, LOSS, "#11805b", "#8a4bbd", "#bd3150", "#0a7c8c", "#876a17", "#5a6472")
MARKERS = "osD^vP*X"
DPI = 160
"""Pixels an inch of a figure's PNG: the accuracy curve is 1,760 pixels wide."""

VARIABLES = {INK: "ink", MUTED: "muted", RULE: "rule", GROUND: "ground"}
VARIABLES |= {colour: f"series-{i}" for i, colour in enumerate(SERIES)}

_STYLE = {
    "axes.edgecolor": RULE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 1.0,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.unicode_minus": True,
    "font.family": ["DejaVu Sans"],
    "font.size": 9,
    "figure.facecolor": GROUND,
    "axes.facecolor": "none",
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "svg.fonttype": "none",  # small, searchable, and read aloud; paths would be none of these
    "svg.hashsalt": "synthmix",  # else the ids inside differ from run to run
    "text.color": INK,
    "text.parse_math": False,  # a class may be called $x$
    "xtick.color": RULE,
    "xtick.labelcolor": MUTED,
    "ytick.color": RULE,
    "ytick.labelcolor": INK,
}


@dataclass(frozen=True)
class Drawing:
    """A figure, the text that stands for it, and a hover text for each marker by its line's gid."""

    name: str
    figure: Figure
    label: str
    titles: Mapping[str, Sequence[str]] = field(default_factory=dict)


@contextmanager
def style() -> Iterator[None]:
    """Draw in this module's style, whatever the user's own settings of matplotlib are."""
    keys = [key for key in matplotlib.rcParamsDefault if not key.startswith(("backend", "date."))]
    settings: Any = {key: matplotlib.rcParamsDefault[key] for key in keys} | _STYLE
    with warnings.catch_warnings(), matplotlib.rc_context(settings):
        # the browser has fonts for what the bundled one lacks
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        yield


def canvas(width: float, height: float, margins: tuple[float, float, float, float]) -> Axes:
    """Return axes in a new figure; all sizes in inches, margins left, right, top, bottom."""
    left, right, top, bottom = margins
    box = (left / width, bottom / height, (width - left - right) / width)
    return Figure(figsize=(width, height)).add_axes((*box, (height - top - bottom) / height))


def label_rows(
    axes: Axes, rows: Iterable[int], names: Sequence[str], colour: str, size: float
) -> None:
    """Write a name left of each row.

    Plain text, because matplotlib takes a hundred times as long for a tick.
    """
    axes.set_yticks([])
    look: dict[str, Any] = {"color": colour, "fontsize": size, "ha": "right", "va": "center"}
    for row, name in zip(rows, names, strict=True):
        place = axes.get_yaxis_transform() + ScaledTranslation(
            -0.07, 0, owner(axes).dpi_scale_trans
        )
        axes.text(0, row, name, transform=place, **look)


def label_columns(
    axes: Axes, columns: Iterable[int], names: Sequence[str], colour: str, size: float
) -> None:
    """Write a name, turned, below each column."""
    axes.set_xticks([])
    look: dict[str, Any] = {"color": colour, "fontsize": size, "ha": "center", "va": "top"}
    for column, name in zip(columns, names, strict=True):
        place = axes.get_xaxis_transform() + ScaledTranslation(
            0, -0.07, owner(axes).dpi_scale_trans
        )
        axes.text(column, 0, name, transform=place, rotation=90, **look)


def owner(axes: Axes) -> Figure:
    """Return the figure that holds the axes."""
    figure = axes.get_figure(root=True)
    assert figure is not None, "axes made by `canvas` have a figure"
    return figure


def to_svg(drawing: Drawing) -> bytes:
    """Return the figure as a file of its own, equal for equal figures."""
    buffer = io.BytesIO()
    with style():
        # `Date` and `Creator` would tell when and with which version
        metadata = {"Date": None, "Creator": None, "Title": drawing.label}
        drawing.figure.savefig(buffer, format="svg", metadata=metadata)
    return buffer.getvalue()


def to_png(drawing: Drawing) -> bytes:
    """Return the figure as pixels on white, for slides and editors that take no SVG."""
    buffer = io.BytesIO()
    with style():
        # `Software` would tell which version
        drawing.figure.savefig(
            buffer,
            format="png",
            dpi=DPI,
            metadata={"Software": None},
            pil_kwargs={"compress_level": 1},
        )
    return buffer.getvalue()


def to_html(drawing: Drawing, svg: bytes) -> Markup:
    """Return the figure's file as an `<svg>` element with hover titles on its markers."""
    root = ElementTree.fromstring(svg)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.attrib = {_plain(key): value for key, value in element.attrib.items()}
        if "style" in element.attrib:
            element.set("style", _themed(element.attrib["style"]))
    _strip(root)
    for gid, texts in drawing.titles.items():
        _add_titles(root, gid, texts)
    _rename_ids(root, drawing.name)
    width = float(root.attrib["width"].removesuffix("pt")) * 4 / 3
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": drawing.label}
    root.set("style", f"max-width:{width:.0f}px")
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _plain(key: str) -> str:
    return key.rpartition("}")[2]


def _themed(css: str) -> str:
    return re.sub(
        "#[0-9a-f]{6}",
        lambda found: f"var(--{VARIABLES[found[0]]})" if found[0] in VARIABLES else found[0],
        css,
    )


def _strip(root: ElementTree.Element) -> None:
    """Drop the metadata, and the style sheet that would reach out of the figure."""
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {"metadata", "style", "title"} or _is_style_sheet(child):
                parent.remove(child)


def _is_style_sheet(element: ElementTree.Element) -> bool:
    return element.tag == "defs" and all(part.tag == "style" for part in element)


def _add_titles(root: ElementTree.Element, gid: str, texts: Sequence[str]) -> None:
    group = root.find(f".//g[@id='{gid}']")
    markers = [] if group is None else list(group.iter("use"))
    assert len(markers) == len(texts), f"{gid}: {len(markers)} markers, {len(texts)} titles"
    for marker, text in zip(markers, texts, strict=True):
        ElementTree.SubElement(marker, "title").text = text


def _rename_ids(root: ElementTree.Element, prefix: str) -> None:
    """Keep only the ids that are referred to, and make them unique in the page."""
    text = " ".join(value for element in root.iter() for value in element.attrib.values())
    used = set(re.findall(r"url\(#([^)]+)\)", text))
    used |= {link[1:] for el in root.iter() if (link := el.get("href", "")).startswith("#")}
    names = {old: f"{prefix}-{number}" for number, old in enumerate(sorted(used))}
    for element in root.iter():
        if element.get("id") in names:
            element.set("id", names[element.attrib["id"]])
        else:
            element.attrib.pop("id", None)
        _point(element, names)


def _point(element: ElementTree.Element, names: Mapping[str, str]) -> None:
    for key, value in element.attrib.items():
        if key == "href" and value[:1] == "#":
            element.set(key, f"#{names[value[1:]]}")
        elif "url(#" in value:
            element.set(
                key, re.sub(r"url\(#([^)]+)\)", lambda found: f"url(#{names[found[1]]})", value)
            )
