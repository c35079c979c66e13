"""Filters: which images of a finished synthetic set may be drawn, one file a filter.

A filter looks at a finished set and names rows that no arm may take. All filters that a study asks
for make one selection of each set, an artifact of rows (`study/inputs/selection.py`).
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from synthmix.registry import Component, Registry
from synthmix.study.config.file import Study, SyntheticSet
from synthmix.types import Indices, Json

if TYPE_CHECKING:
    from synthmix.study.inputs.sets import Sets


@dataclass(frozen=True, kw_only=True)
class Filter(Component, ABC):
    """Names the images of a set that no arm may draw."""

    reason: ClassVar[str]
    """Why they may not, as in `they REASON`."""

    @abstractmethod
    def is_asked(self, study: Study) -> bool:
        """Whether the study wants it."""

    @abstractmethod
    def depends_on(self, space: "Sets") -> Json:
        """Return what the answer depends on, besides the set's own images."""

    @abstractmethod
    def rejected(self, space: "Sets", each: SyntheticSet, run: int) -> Indices:
        """Return the rows of a finished set that may not be drawn, ascending."""


FILTERS: Registry[Filter] = Registry("synthmix.study.filters", "Filter")


def asked(study: Study) -> list[Filter]:
    """List the filters that a study asks for."""
    found = [FILTERS.build(name, {}) for name in FILTERS.names()]
    return [each for each in found if each.is_asked(study)]
