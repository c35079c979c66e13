"""The page: everything a reader needs in one HTML file that asks the network for nothing."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from synthmix.report import matrices, sentences
from synthmix.report.beyond import Beyond
from synthmix.report.pictures import Sprite
from synthmix.results.typed import Arm, Estimate, Results, printable
from synthmix.types import Json

FIRST_ROWS = 12
"""Classes whose images are shown before the reader asks for the rest."""


@dataclass(frozen=True)
class Bar:
    """A paired difference on the table's common scale, in percent of the cell's width."""

    zero: float
    mean: float
    low: float | None
    high: float | None
    sign: int


def render(
    results: Results,
    beyond: Beyond,
    figures: Mapping[str, Markup],
    sprites: Sequence[Sprite],
    timing: Mapping[str, Json] | None,
) -> str:
    """Return the whole page as HTML."""
    environment = _environment()
    script = environment.get_template("script.js").render()
    return environment.get_template("report.html.j2").render(
        results=results,
        beyond=beyond,
        raw=results.raw,
        figures=figures,
        say=sentences,
        bars=_bars(results),
        limit=matrices.scale(results),
        block_size=matrices.block_size(len(results.class_names)),
        sprites=sprites,
        first_rows=FIRST_ROWS,
        numbered=list(enumerate(results.class_names)),
        timing=timing,
        resolved=_resolved(results),
        script=Markup(script),
        script_hash=_hash(script),
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("synthmix.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["as_mixing"] = as_mixing
    environment.filters["cell"] = _cell
    environment.filters["contrast"] = _contrast
    environment.filters["value"] = _value
    environment.filters["data_uri"] = _data_uri
    return environment


def _hash(script: str) -> str:
    """Return the one script that the page's content policy lets run."""
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()


def _data_uri(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _cell(score: Estimate | None, form: Any) -> Markup:
    """Return a table cell's content: the mean, and its interval below in small print."""
    if score is None or not score.is_known:
        return Markup('<span class="muted">–</span>')
    interval = sentences.bracket(score, form)
    mean = Markup("<b>{}</b>").format(form(score.mean))
    return mean + (Markup(" <small>{}</small>").format(interval) if interval else "")


def _contrast(found: Mapping[str, Json] | None) -> Markup:
    """Return a stored difference as a cell, in points."""
    if found is None:
        return Markup('<span class="muted">–</span>')
    return _cell(Estimate(found["mean"], found["low"], found["high"], ()), sentences.points)


def as_mixing(classes: Mapping[str, Json]) -> str:
    """Return advice by class as a line of a study file; nothing where no class gained."""
    counts = {name: int(each["per_class"]) for name, each in classes.items() if each["per_class"]}
    if not counts:
        return ""
    # JSON is YAML too, and quotes what YAML would take for a number
    listed = json.dumps(counts, ensure_ascii=False)
    return f"mixing: {{use: per-class, per_class: {printable(listed)}}}"


def _value(value: Json) -> str:
    """Return a setting as text: strings bare, lists of them with commas, the rest as JSON."""
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = ", ".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return printable(text)


def _resolved(results: Results) -> str:
    """Return the study's settings as they were resolved, as indented JSON."""
    keys = ("name", "image_size", "baseline", "seeds", "real", "synthetic", "mixing", "training")
    study = results.raw.get("study") or {key: results.raw.get(key) for key in keys}
    lines = json.dumps(study, indent=2, ensure_ascii=False).split("\n")
    return "\n".join(map(printable, lines))


def _bars(results: Results) -> dict[str, Bar]:
    """Return each compared arm's difference on one scale that holds all intervals and zero."""
    scores = {arm.name: _difference(arm) for arm in results.compared}
    ends = [0.0]
    for score in scores.values():
        ends += [end for end in (score.mean, score.low, score.high) if end is not None]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0

    def place(value: float) -> float:
        return round(4 + 92 * (value - low) / span, 2)

    return {
        name: Bar(
            zero=place(0.0),
            mean=place(score.mean),
            low=None if score.low is None else place(score.low),
            high=None if score.high is None else place(score.high),
            sign=score.sign,
        )
        for name, score in scores.items()
    }


def _difference(arm: Arm) -> Estimate:
    assert arm.difference is not None, "`compared` holds only arms with a difference"
    return arm.difference
