"""Which rows of a finished synthetic set may be drawn: what its filters leave."""

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from synthmix.errors import ArtifactError, DataError
from synthmix.store import Artifact
from synthmix.study import filters
from synthmix.study.config.file import SyntheticSet, component_identity
from synthmix.study.filters import Filter
from synthmix.study.inputs.sets import Sets
from synthmix.types import Indices, Labels

REJECTED = "rejected.npy"


@dataclass(frozen=True, eq=False)
class Selections(Sets):
    """What filters leave of the synthetic sets, on the floor of the sets themselves."""

    @cached_property
    def filters(self) -> list[Filter]:
        """The filters that the study asks for; where there are none, all images may be drawn."""
        return filters.asked(self.study)

    def selection_artifact(self, each: SyntheticSet, run: int) -> Artifact:
        """Return where the selection of a finished set lies."""
        asked = [
            {**component_identity(one), "depends_on": one.depends_on(self)} for one in self.filters
        ]
        images = self.synthetic(each.name, run).fingerprint
        settings = {"kind": "selection", "images": images, "filters": asked}
        suffix = f"-seed{run}" if each.is_fitted else ""
        return Artifact(self.study.output / "selections", f"{each.name}{suffix}", settings)

    def store_selection(self, each: SyntheticSet, run: int, artifact: Artifact) -> None:
        """Ask every filter, and store which rows they reject and how many each of them does."""
        by_filter = {
            type(one).__name__.lower(): self._rejected(one, each, run) for one in self.filters
        }
        rows = np.unique(np.concatenate(list(by_filter.values()))).astype(np.int64)
        with artifact.part(REJECTED) as path, path.open("wb") as file:
            np.save(file, rows)
        artifact.seal(
            num_images=len(self.synthetic(each.name, run)),
            num_rejected=len(rows),
            by_filter={name: len(found) for name, found in by_filter.items()},
        )

    @cache  # noqa: B019 - a workspace lives as long as its study is at work
    def _rejected(self, one: Filter, each: SyntheticSet, run: int) -> Indices:
        return one.rejected(self, each, run)

    def left_out(self, name: str, run: int) -> Indices:
        """Return the rows of a finished set that no arm may draw, ascending.

        From the stored selection; before it is stored the filters are asked.
        """
        each = self.study.set_named(name)
        run = run if each.is_fitted else 0
        if not self.filters:
            return np.arange(0)
        artifact = self.selection_artifact(each, run)
        if artifact.is_complete and artifact.is_sound(REJECTED):
            rows: Indices = np.load(artifact.path / REJECTED, allow_pickle=False)
            return rows
        found = [self._rejected(one, each, run) for one in self.filters]
        return np.unique(np.concatenate(found)).astype(np.int64)

    def known_selections(self, run: int) -> tuple[str, ...]:
        """Return the sets of which it is known which images are left out of the mixes."""
        sets = self.study.synthetic if self.filters else ()
        return tuple(each.name for each in sets if self._undrawable(each, run) is not None)

    def unknown_selections(self, run: int) -> list[str]:
        """List the sets of which images will be left out, and nobody knows yet which."""
        sets = [each.name for each in self.study.synthetic] if self.filters else []
        known = self.known_selections(run)
        return [name for name in sets if name not in known]

    def drawable(self, each: SyntheticSet, run: int) -> Labels:
        """Return a set's labels; that of an image that must not be drawn is -1 less its label.

        What is left out of a set that is not there yet is not known; it is drawn again later.
        """
        labels = self.labels_of(each)
        rows = self._undrawable(each, run) if self.filters else None
        if rows is None:
            return labels
        drawable = labels.copy()
        drawable[rows] = -1 - labels[rows]
        return drawable

    def _undrawable(self, each: SyntheticSet, run: int) -> Indices | None:
        """Return the rows of a set that are left out, None while the set is not there or sound."""
        if not self.has_set(each, run):
            return None
        try:
            return self.left_out(each.name, run)
        except (DataError, ArtifactError):
            if each.generator is None:
                raise
            return None  # a damaged set is made anew before anything is drawn from it
