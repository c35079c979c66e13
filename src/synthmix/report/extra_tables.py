"""The numbers of other test sets, corruptions and generators as CSV, unrounded."""

from collections.abc import Iterable, Mapping, Sequence

from synthmix.report.beyond import Beyond, Row
from synthmix.report.tables import numbers, text
from synthmix.results.typed import Estimate

Line = Sequence[object]


def make(beyond: Beyond) -> dict[str, str]:
    """Return the text of each table by its file name; none for what was not stored."""
    found = {}
    if beyond.test_sets:
        found["test_sets.csv"] = text(_test_sets(beyond))
    if beyond.corruptions:
        found["corruptions.csv"] = text(_corruptions(beyond))
    if beyond.generators:
        found["generators.csv"] = text(_generators(beyond))
        found["mirror_per_class.csv"] = text(_classes(beyond))
        found["mirror_confusion.csv"] = text(_cells(beyond))
    return found


def _head(metrics: Iterable[str]) -> list[str]:
    names = [f"{kind}{name}" for kind in ("", "difference_") for name in metrics]
    return ["comparator", *_bounds(names)]


def _bounds(names: Iterable[str]) -> list[str]:
    return [f"{name}{part}" for name in names for part in ("", "_low", "_high")]


def _cells_of(row: Row, metrics: Iterable[str]) -> list[object]:
    scores = [each.get(name) for each in (row.scores, row.difference) for name in metrics]
    return [row.comparator, *(number for score in scores for number in numbers(score))]


def _metrics(rows: Mapping[str, Row]) -> list[str]:
    return list(next(iter(rows.values())).scores)


def _test_sets(beyond: Beyond) -> Iterable[Line]:
    metrics = _metrics(beyond.test_sets[0].rows)
    yield ["test_set", "num_images", "arm", *_head(metrics)]
    for each in beyond.test_sets:
        for arm, row in each.rows.items():
            yield [each.name, each.num_images, arm, *_cells_of(row, metrics)]


def _corruptions(beyond: Beyond) -> Iterable[Line]:
    """Severity 0 is uncorrupted; `all` is the mean over kinds, or over kinds and severities."""
    metrics = _metrics({arm: each.mean for arm, each in beyond.corruptions.items()})
    yield ["corruption", "severity", "arm", *_head(metrics)]
    for arm, each in beyond.corruptions.items():
        for severity, row in enumerate(each.severities):
            yield ["all" if severity else "none", severity, arm, *_cells_of(row, metrics)]
        yield ["all", "all", arm, *_cells_of(each.mean, metrics)]
        for kind, rows in each.kinds.items():
            for severity, row in enumerate(rows, start=1):
                yield [kind, severity, arm, *_cells_of(row, metrics)]


def _generators(beyond: Beyond) -> Iterable[Line]:
    names = ["tstr", "tstr_less_real", "mirror", "real_test"]
    yield ["generator", "mirror_images", *_bounds(names)]
    for each in beyond.generators:
        scores: list[Estimate | None] = [each.tstr, each.less_than_real, each.mirror]
        scores.append(each.real_test)
        yield [each.name, sum(each.num_images), *(n for score in scores for n in numbers(score))]


def _classes(beyond: Beyond) -> Iterable[Line]:
    yield ["generator", "class", *_bounds(["mirror"])]
    for each in beyond.generators:
        for name, score in each.classes.items():
            yield [each.name, name, *numbers(score)]


def _cells(beyond: Beyond) -> Iterable[Line]:
    yield ["generator", "cell", *_bounds(["share"]), "real_share", *_bounds(["excess"])]
    for each in beyond.generators:
        for cell in each.cells:
            scores = [*numbers(cell.share), cell.real_share, *numbers(cell.excess)]
            yield [each.name, cell.name, *scores]
