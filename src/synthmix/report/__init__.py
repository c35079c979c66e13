"""From stored results to figures, tables and one HTML page that opens offline."""

from pathlib import Path

from synthmix.report import beyond, extra_tables, page, pictures, tables
from synthmix.report.beyond import Beyond
from synthmix.report.drawing import Drawing, to_html, to_png, to_svg
from synthmix.report.figures import accuracy, per_class
from synthmix.report.matrices import confusion, confusion_difference
from synthmix.report.severity import accuracy_by_severity
from synthmix.results import typed
from synthmix.results.typed import Results
from synthmix.store import replacing


def write(folder: Path) -> Path:
    """Write `report.html`, `figures/` and `tables/` beside `folder/results.json`.

    Returns the page's path. Equal inputs give equal bytes. Raises ArtifactError where the results
    are missing or damaged, DataError where an entry is not what the study writes.
    """
    study = typed.load(folder)
    samples = pictures.load(folder / "samples.npz", study)
    timing = typed.load_timing(folder / "timing.json")
    further = beyond.of(study)
    drawings = draw(study, further)
    sprites = pictures.make(samples, study)
    for name, text in (tables.make(study) | extra_tables.make(further)).items():
        _put(folder / "tables" / name, text.encode())
    files = {name: to_svg(drawing) for name, drawing in drawings.items()}
    figures = {name: to_html(drawing, files[name]) for name, drawing in drawings.items()}
    for name, svg in files.items():
        _put(folder / "figures" / f"{name}.svg", svg)
        _put(folder / "figures" / f"{name}.png", to_png(drawings[name]))
    for sprite in sprites:
        _put(folder / "figures" / f"{sprite.name}.png", sprite.png)
    html = page.render(study, further, figures, sprites, timing)
    _put(folder / "report.html", html.encode())
    return folder / "report.html"


def draw(study: Results, further: Beyond) -> dict[str, Drawing]:
    """Return every figure of the study by its name."""
    drawings = [
        accuracy(study, "accuracy", 11.0, 4.6),
        accuracy(study, "accuracy-narrow", 4.3, 4.3),
    ]
    for arm in study.arms:
        drawings.append(confusion(study, arm))
        if arm.name != study.baseline.name:
            drawings.append(confusion_difference(study, arm))
        if any(score.is_known for score in arm.per_class_difference):
            drawings.append(per_class(study, arm))
    if further.corruptions:
        drawings.append(accuracy_by_severity(study, further))
    return {drawing.name: drawing for drawing in drawings}


def _put(path: Path, content: bytes) -> None:
    with replacing(path) as temporary:
        temporary.write_bytes(content)
