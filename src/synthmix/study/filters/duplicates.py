"""Leave out images that show a test or validation image (`exclude_duplicates: true`)."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from synthmix.evaluation.duplicates import REVISION
from synthmix.images import mark
from synthmix.study.config.file import Study, SyntheticSet
from synthmix.study.filters import Filter
from synthmix.study.near_duplicates import found
from synthmix.types import Indices, Json

if TYPE_CHECKING:
    from synthmix.study.inputs.sets import Sets


@dataclass(frozen=True, kw_only=True)
class Duplicates(Filter):
    """Rejects exact and near copies of images that arms are tested or tuned on."""

    reason: ClassVar[str] = "show a test or validation image"

    def is_asked(self, study: Study) -> bool:
        return study.exclude_duplicates

    def depends_on(self, space: "Sets") -> Json:
        return {
            "revision": REVISION,
            "test": space.test.fingerprint,
            "train": space.train.fingerprint,
            "validation": mark(space.validation_rows),
        }

    def rejected(self, space: "Sets", each: SyntheticSet, run: int) -> Indices:
        mine = space.part_of_set(each.name, run)
        shown = [
            found(mine, other).kinds >= 0 for other in (space.test_part, space.validation_part)
        ]
        return np.flatnonzero(np.logical_or(*shown))
