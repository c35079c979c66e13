"""The real images of a study: splits, classes, and what of them a seed's arms share."""

import dataclasses
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from synthmix.data import ImageSource, Split
from synthmix.decoded import Inventory, open_images
from synthmix.errors import DataError, SettingError, shown
from synthmix.fitting import Priced, accepted
from synthmix.images import class_map_line, match_classes, per_class_rows, stratified_rows, take
from synthmix.mixing import Supply
from synthmix.names import keyed, matched
from synthmix.prompts import PromptStrategy
from synthmix.study.config.file import Study
from synthmix.study.inputs import opened
from synthmix.study.near_duplicates import Part, whole
from synthmix.types import ImageSet, Indices, Progress, no_progress


@dataclass(frozen=True, eq=False)
class Images:
    """The real images; each source is opened at most once."""

    study: Study
    progress: Progress = no_progress
    price: Priced = accepted
    inventories: list[Inventory] = field(default_factory=list)
    """What the user's own sources that were opened until now took, and what they passed over."""

    _on_disk: list[tuple[ImageSource, Split, int | None, str]] = field(default_factory=list)
    """How those of them were opened whose files lie here, where anybody may change them."""

    @cached_property
    def train(self) -> ImageSet:
        """All real training images, the validation split among them."""
        images = self._open("train")
        if images.num_classes < 2:
            names = ", ".join(images.class_names)
            raise DataError(f"real: a classifier needs two classes or more; there is only {names}.")
        return images

    @cached_property
    def test(self) -> ImageSet:
        """The test images, out of the trainer's and the generator's reach."""
        images = self._open("test", image_size=self.image_size)
        images = match_classes(images, self.class_names, {}, where="real (test)")
        if 0 in images.per_class():
            name = images.class_names[images.per_class().index(0)]
            raise DataError(f"real: the test set has no image of class '{name}'.")
        return images

    @property
    def class_names(self) -> tuple[str, ...]:
        """The study's classes, in the real set's order."""
        return self.train.class_names

    @property
    def image_size(self) -> int:
        """Side in pixels to which every source is brought."""
        return self.train.image_size

    @property
    def class_map(self) -> dict[str, str]:
        """Names that other sources have for the study's classes."""
        named = self.study.class_map.items()
        return {
            old: new for old, new in named if matched(new, self.class_names) in self.class_names
        }

    @property
    def spoken_names(self) -> tuple[str, ...]:
        """What prompts call the classes: as `class_map` says of one of them, else by its name."""
        said = self.said_of_classes
        return tuple(said.get(name, name) for name in self.class_names)

    @property
    def said_of_classes(self) -> dict[str, str]:
        """How `class_map` says that classes of the study are spoken."""
        other = {k: v for k, v in self.study.class_map.items() if k not in self.class_map}
        return keyed(other, self.class_names, where="class_map")

    def renumbered(self, images: ImageSet, where: str) -> ImageSet:
        """Return another source's images, numbered as the study's classes; `where` names it.

        Raises DataError for classes that do not match, SettingError where `class_map` has them the
        wrong way round.
        """
        for ours, theirs in self.said_of_classes.items():
            name = matched(theirs, images.class_names)
            if name in images.class_names and theirs not in self.class_map:
                raise SettingError(
                    f"class_map: {shown(theirs)} is a class of {where} and stands second, though "
                    f"the source's name comes first; write {class_map_line(theirs, ours)}."
                )
        return match_classes(images, self.class_names, self.class_map, where=where)

    def names_for(self, prompts: PromptStrategy) -> tuple[str, ...]:
        """Return the classes' names that a strategy is given."""
        return self.spoken_names if prompts.speaks_names else self.class_names

    @cached_property
    def validation_rows(self) -> Indices:
        """Rows of `train` held back for tuning: stratified, by the study seed alone."""
        total = round(self.study.validation * len(self.train))
        labels, num_classes = self.train.labels, self.train.num_classes
        return stratified_rows(labels, num_classes, total, self.study.seed, "validation")

    @cached_property
    def train_rows(self) -> Indices:
        """Rows of `train` that arms and generators may use."""
        rest = np.setdiff1d(np.arange(len(self.train)), self.validation_rows)
        per_class = self.study.real.per_class
        if per_class is None:
            return rest
        labels, names = self.train.labels[rest], self.class_names
        where = "real (after the validation split)"
        return rest[per_class_rows(labels, names, per_class, self.study.real.seed, where=where)]

    @cached_property
    def num_pool(self) -> int:
        """Real images that one seed's arms share."""
        return self.study.mixing.pool_size(len(self.train_rows))

    def real_supply(self, run: int) -> Supply:
        """Return a seed's real images alone: which they are depends on no synthetic set."""
        return Supply(
            seed=self.study.seed,
            run=run,
            num_classes=self.train.num_classes,
            real=self.train.labels[self.train_rows],
            pool=self.num_pool,
            synthetic={},
            largest={},
            class_names=self.class_names,
        )

    def pool_rows(self, run: int) -> Indices:
        """Return the rows of `train` that all arms of this seed draw from."""
        return self.train_rows[self.real_supply(run).real_rows(self.num_pool)]

    def pool(self, run: int) -> ImageSet:
        """Return this seed's real pool: all that a fitted generator ever sees."""
        return take(self.train, self.pool_rows(run))

    @cached_property
    def test_part(self) -> Part:
        """The test images."""
        return whole(self.test, self.study.real, "test")

    @cached_property
    def train_part(self) -> Part:
        """The real images that arms and generators may use."""
        return Part(self.train, self.train_rows, self.study.real, "train")

    @cached_property
    def validation_part(self) -> Part:
        """The real images held back for tuning."""
        return Part(self.train, self.validation_rows, self.study.real, "train")

    @cached_property
    def seen_part(self) -> Part:
        """All real images besides the test images: those for training, then those for tuning."""
        rows = np.concatenate([self.train_rows, self.validation_rows])
        return Part(self.train, rows, self.study.real, "train")

    def _open(self, split: Split, image_size: int | None = None) -> ImageSet:
        # subsets are drawn after the validation split, not by the source
        source = dataclasses.replace(self.study.real, per_class=None)
        return self.open(source, split, image_size or self.study.image_size, "real")

    def open(
        self, source: ImageSource, split: Split, image_size: int | None, where: str
    ) -> ImageSet:
        """Return the images of a source that the user has, and keep account of what it took.

        Raises DataError where they are others than those that the study began with.
        """
        images = open_images(
            source,
            split,
            image_size=image_size,
            resize=self.study.resize,
            progress=self.progress,
            where=where,
            price=self.price,
            tell=self._account,
        )
        place = source.place(split)
        if place and Path(place).is_dir():
            self._on_disk.append((source, split, image_size, where))
        return images

    def _account(self, taken: Inventory) -> None:
        opened.check(self.study.opened, taken)
        self.inventories.append(taken)
