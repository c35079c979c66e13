"""What is stored of images besides the test set: other test sets, corruptions, generators."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from synthmix.errors import DataError
from synthmix.results.typed import Estimate, Results, estimate, printable
from synthmix.types import Json


@dataclass(frozen=True)
class Row:
    """An arm's scores on one set of images, and its difference to its comparator."""

    arm: str
    scores: Mapping[str, Estimate]
    difference: Mapping[str, Estimate]
    """Empty for an arm that is compared with none."""
    comparator: str | None


@dataclass(frozen=True)
class TestSet:
    """A named test set with a row for every evaluated arm."""

    name: str
    protocol: str
    num_images: int
    rows: Mapping[str, Row]
    invalid: str = ""
    """Why its numbers say nothing, empty where they do."""
    repeated: str = ""
    """Which other test set it shows again, empty where it is new."""


@dataclass(frozen=True)
class Corrupted:
    """One arm on corrupted test images."""

    severities: tuple[Row, ...]
    """Mean over the kinds, from severity 0, the same images as they are."""
    kinds: Mapping[str, tuple[Row, ...]]
    """By kind, from severity 1."""
    mean: Row
    """Over all kinds and severities."""


@dataclass(frozen=True)
class Cell:
    """A confusion of the real-only classifier on synthetic images."""

    name: str
    share: Estimate
    real_share: float
    excess: Estimate


@dataclass(frozen=True)
class Generator:
    """Both classification accuracy scores of a synthetic set; None where there is none."""

    name: str
    tstr: Estimate | None
    less_than_real: Estimate | None
    mirror: Estimate | None
    real_test: Estimate | None
    num_images: tuple[int, ...]
    classes: Mapping[str, Estimate | None]
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Beyond:
    """All of it; empty where the study stored nothing of the kind."""

    test_sets: tuple[TestSet, ...] = ()
    corruptions: Mapping[str, Corrupted] = field(default_factory=dict)
    protocol: str = ""
    num_images: int = 0
    interval: str = ""
    missing: tuple[str, ...] = ()
    generators: tuple[Generator, ...] = ()
    closest: str = ""
    scores_protocol: str = ""


def of(results: Results) -> Beyond:
    """Return what a study stored beyond its test set; raises DataError for what is damaged."""
    try:
        return _parse(results.raw)
    except KeyError as error:
        raise DataError(f"results.json, robustness: the entry {error} is missing.") from None
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"results.json, robustness: an unexpected value: {error}.") from None


def _parse(raw: Mapping[str, Json]) -> Beyond:
    robust = raw.get("robustness") or {"test_sets": {}, "corruptions": None, "interval": ""}
    scores = raw.get("classification_accuracy_scores")
    corrupted = robust["corruptions"]
    return Beyond(
        test_sets=tuple(_test_set(name, each) for name, each in robust["test_sets"].items()),
        corruptions={} if corrupted is None else _corruptions(corrupted),
        protocol="" if corrupted is None else printable(corrupted["protocol"]),
        num_images=0 if corrupted is None else int(corrupted["num_images"]),
        interval=robust["interval"],
        missing=tuple(robust.get("missing", ())),
        generators=() if scores is None else _generators(scores["sources"]),
        closest="" if scores is None else printable(scores["closest"]["sentence"]),
        scores_protocol="" if scores is None else printable(scores["protocol"]),
    )


def _row(arm: str, raw: Mapping[str, Json]) -> Row:
    return Row(
        printable(arm),
        {name: estimate(value) for name, value in raw["scores"].items()},
        {name: estimate(value) for name, value in (raw["difference"] or {}).items()},
        raw["comparator"],
    )


def _test_set(name: str, raw: Mapping[str, Json]) -> TestSet:
    rows = {arm: _row(arm, each) for arm, each in raw["arms"].items()}
    return TestSet(
        printable(name),
        printable(raw["protocol"]),
        int(raw["num_images"]),
        rows,
        printable(raw.get("invalid") or ""),
        printable(raw.get("repeated") or ""),
    )


def _corruptions(raw: Mapping[str, Json]) -> dict[str, Corrupted]:
    return {
        arm: Corrupted(
            tuple(_row(arm, level) for level in each["severities"]),
            {
                kind: tuple(_row(arm, level) for level in levels)
                for kind, levels in each["kinds"].items()
            },
            _row(arm, each["mean"]),
        )
        for arm, each in raw["arms"].items()
    }


def _generators(raw: Mapping[str, Json]) -> tuple[Generator, ...]:
    return tuple(_generator(name, each) for name, each in raw.items())


def _generator(name: str, raw: Mapping[str, Json]) -> Generator:
    tstr, mirror = raw["tstr"], raw["mirror"]
    known = mirror is not None
    return Generator(
        name=printable(name),
        tstr=None if tstr is None else estimate(tstr["accuracy"]),
        less_than_real=None if tstr is None else estimate(tstr["difference_from_real"]),
        mirror=estimate(mirror["accuracy"]) if known else None,
        real_test=estimate(mirror["real_test_accuracy"]) if known else None,
        num_images=tuple(mirror["num_images"]) if known else (),
        classes={
            printable(label): None if value is None else estimate(value)
            for label, value in (mirror["classes"] if known else {}).items()
        },
        cells=tuple(_cell(each) for each in (mirror["cells"] if known else ())),
    )


def _cell(raw: Mapping[str, Json]) -> Cell:
    return Cell(
        printable(raw["name"]),
        estimate(raw["share"]),
        float(raw["real_share"]),
        estimate(raw["excess"]),
    )
