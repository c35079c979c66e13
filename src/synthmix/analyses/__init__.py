"""Analyses: what a study's stored predictions say, one file each, from a record of them alone.

None of them opens an image or loads torch: `record.py` says what they rest on, and whoever has it,
in memory or as files of a copied folder, gets the same numbers.

A file that defines an `Analysis` is all that a further one takes: results store what it finds under
its name, and the report shows the section it declares. Results without it are read as ever.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from synthmix.registry import Component, Registry
from synthmix.types import Json

if TYPE_CHECKING:
    from synthmix.analyses.predicted import Predicted
    from synthmix.analyses.record import Record
    from synthmix.evaluation.runs import Runs


@dataclass(frozen=True)
class Evidence:
    """What an analysis is given of a finished study."""

    record: "Record"
    predicted: "Predicted"
    runs: Mapping[str, "Runs"] | None
    """All arms' runs on the test set; None where they cannot be compared, as with one seed."""

    comparators: Mapping[str, str]
    """Name of the arm that each mix is compared with."""


@dataclass(frozen=True)
class Table:
    """A table of the report: texts and numbers, each row as long as `columns`."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str | float | None]]


@dataclass(frozen=True)
class Section:
    """What the report shows of an analysis: a heading, sentences, tables."""

    heading: str
    sentences: Sequence[str]
    tables: Sequence[Table] = ()


@dataclass(frozen=True)
class Found:
    """What an analysis found, as results store it, and what the report shows of it."""

    value: Json
    section: Section | None = None


@dataclass(frozen=True, kw_only=True)
class Analysis(Component, ABC):
    """One analysis; its name is its file's."""

    @abstractmethod
    def find(self, evidence: Evidence) -> Found | None:
        """Return what it found; None where the study has nothing that it needs."""


ANALYSES: Registry[Analysis] = Registry("synthmix.analyses", "Analysis")
