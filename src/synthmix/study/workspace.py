"""What a study's tasks read and where they write: images, splits, mixtures and artifacts."""

import dataclasses
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from synthmix.data import ImageSource, Split
from synthmix.data.huggingface import Huggingface
from synthmix.decoded import Inventory, open_images
from synthmix.errors import ArtifactError, DataError, SettingError
from synthmix.fitting import Priced, accepted
from synthmix.generators import Generator
from synthmix.images import mark, match_classes, per_class_rows, stratified_rows, take
from synthmix.ledger import Ledger
from synthmix.mixing import Arm, Supply
from synthmix.mixing._controls import controls
from synthmix.mixing._controls import draw as draw_control
from synthmix.names import keyed, matched
from synthmix.prompts import PromptStrategy
from synthmix.prompts._names import spoken
from synthmix.seeding import derive
from synthmix.store import Artifact, fingerprint
from synthmix.study import opened
from synthmix.study.copies import Part, found, whole
from synthmix.study.file import (
    Machine,
    Study,
    SyntheticSet,
    component_identity,
    recipe_identity,
)
from synthmix.training.recipe import REVISION, Recipe, recipe_of
from synthmix.types import (
    Device,
    ImageSet,
    Indices,
    Labels,
    Mixture,
    Precision,
    Progress,
    no_progress,
)

SHARD_SIZE = 1000
"""Images of one Parquet shard: some seconds of work, a few megabytes."""


@dataclass(frozen=True, eq=False)
class Workspace:
    """One study's view of its images and artifacts; opens each at most once."""

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

    def arms(self) -> list[Arm]:
        """List the study's arms: real images alone, the mixes, then their controls.

        Mixes that draw the same images are one arm.
        """
        return list(self._arms.values())

    @cached_property
    def _arms(self) -> dict[str, Arm]:
        mixes: dict[tuple[object, ...], Arm] = {}
        for arm in self.study.mixing.arms([each.name for each in self.study.synthetic]):
            drawn = self._drawn(arm, self.supply(0))
            rows = [(name, mark(rows)) for name, rows in drawn.synthetic.items()]
            mixes.setdefault((mark(drawn.real), *rows, drawn.batch_share), arm)
        most, wanted = len(self.train_rows), self.study.controls
        listed = list(mixes.values())
        listed += controls(self.study.mixing, listed, self.num_pool, most, wanted)
        return {arm.name: arm for arm in listed}

    def recipe(self, arm: Arm) -> Recipe:
        """Return how an arm is trained: as the study says, but for two controls."""
        return recipe_of(self.study.recipe, arm.control, self.image_size)

    def supply(self, run: int) -> Supply:
        """Return what run number `run` draws from."""
        shares = self.study.mixing.shares()
        needed = max(self.study.mixing.needed(ratio, self.num_pool) for ratio in shares)
        sets = self.study.synthetic
        if self.study.mixing.sources == "pooled" and sets:
            needed = -(-needed // len(sets))
        return dataclasses.replace(
            self._real_supply(run),
            synthetic={each.name: self._drawable(each, run) for each in sets},
            # a set that each seed has to itself needs no blocks: any prefix of it is fresh
            largest={
                each.name: len(self._labels(each)) if each.is_fitted else needed for each in sets
            },
        )

    def _real_supply(self, run: int) -> Supply:
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

    def mixture(self, arm: Arm, run: int) -> Mixture:
        """Return the rows of `train` and of each synthetic set that this arm takes at this seed."""
        return self._mixture(arm, run, self._left_out_of(run))

    @lru_cache(maxsize=128)  # noqa: B019 - a workspace lives as long as its study is at work
    def _mixture(self, arm: Arm, run: int, known: tuple[str, ...]) -> Mixture:
        drawn = self._drawn(arm, self.supply(run))
        return dataclasses.replace(drawn, real=self.train_rows[drawn.real])

    def _left_out_of(self, run: int) -> tuple[str, ...]:
        """Return the sets of which it is known which images are left out of the mixes."""
        sets = self.study.synthetic if self.study.exclude_duplicates else ()
        return tuple(each.name for each in sets if self._undrawable(each, run) is not None)

    def _drawn(self, arm: Arm, supply: Supply) -> Mixture:
        mixing = self.study.mixing
        if arm.control is None:
            return mixing.draw(arm, supply)
        return draw_control(arm, lambda name: mixing.draw(self._arms[name], supply), supply)

    def pool_rows(self, run: int) -> Indices:
        """Return the rows of `train` that all arms of this seed draw from."""
        return self.train_rows[self._real_supply(run).real_rows(self.num_pool)]

    def pool(self, run: int) -> ImageSet:
        """Return this seed's real pool: all that a fitted generator ever sees."""
        return take(self.train, self.pool_rows(run))

    def synthetic(self, name: str, run: int) -> ImageSet:
        """Return a finished synthetic set at the study's size, numbered as the study's classes."""
        each = self.study.set_named(name)
        if each.images is not None:
            return self._ready_made(each)
        assert each.per_class is not None
        source = Huggingface(path=str(self.synthetic_artifact(each, run).path))
        images = open_images(source, "train", image_size=self.image_size, where=name)
        count = each.per_class * len(self.class_names)
        return images if len(images) == count else take(images, np.arange(count))

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
        other = {k: v for k, v in self.study.class_map.items() if k not in self.class_map}
        said = keyed(other, self.class_names, where="class_map")
        return tuple(said.get(name, name) for name in self.class_names)

    def names_for(self, prompts: PromptStrategy) -> tuple[str, ...]:
        """Return the classes' names that a strategy is given."""
        return self.spoken_names if prompts.speaks_names else self.class_names

    def fit_artifact(self, each: SyntheticSet, run: int) -> Artifact:
        """Return where the generator fitted for this seed lies."""
        assert each.generator is not None
        settings = {
            "kind": "fitted generator",
            "generator": component_identity(each.generator),
            "real": {"fingerprint": self.train.fingerprint, "rows": mark(self.pool_rows(run))},
            "image_size": self.image_size,
            "seed": derive(self.study.seed, "fit", each.name, run),
            **self.machine(each),
        }
        return Artifact(self.study.output / "generators", f"{each.name}-seed{run}", settings)

    def synthetic_artifact(self, each: SyntheticSet, run: int) -> Artifact:
        """Return where a generated set lies; its count is not part of its name, so it can grow."""
        assert each.generator is not None
        settings = {
            "kind": "synthetic set",
            "generator": component_identity(each.generator),
            "prompts": self.prompt_settings(each),
            "fitted": self.fit_artifact(each, run).fingerprint if each.is_fitted else None,
            "class_names": list(self.class_names),
            "image_size": self.image_size,
            "resize": self.study.resize,
            "keep_original": each.keep_original,
            "seed": self.image_seed(each, run),
            "shard_size": SHARD_SIZE,
            **self.machine(each),
        }
        suffix = f"-seed{run}" if each.is_fitted else ""
        return Artifact(self.study.output / "synthetic", f"{each.name}{suffix}", settings)

    def prompts_artifact(self, each: SyntheticSet) -> Artifact:
        """Return where a set's prompts lie."""
        assert each.prompts is not None
        settings = {
            "kind": "prompts",
            "prompts": self.prompt_settings(each),
            "class_names": list(self.class_names),
            "per_class": each.per_class,
            "seed": derive(self.study.seed, "prompts", each.name),
        }
        return Artifact(self.study.output / "prompts", each.name, settings)

    def prompts_ledger(self, each: SyntheticSet) -> Ledger:
        """Return the file of a set's costly texts, which outlives the set's growth."""
        return Ledger(self.ledger_path(each), self._ledger_settings(each))

    def ledger_path(self, each: SyntheticSet) -> Path:
        """Return where the ledger of a set's texts lies, whatever the number of them."""
        name = f"{each.name}-{fingerprint(self._ledger_settings(each))}.jsonl"
        return self.study.output / "prompts" / "ledgers" / name

    def _ledger_settings(self, each: SyntheticSet) -> dict[str, Any]:
        depends_on = {**self.prompts_artifact(each).settings, "kind": "ledger of prompts"}
        del depends_on["per_class"]
        return depends_on

    def prompt_settings(self, each: SyntheticSet) -> dict[str, Any] | None:
        """Return what a set's texts depend on: strategy, settings, files, another set's texts."""
        if each.prompts is None:
            return None
        found = {**component_identity(each.prompts), "content": each.prompts.content()}
        if each.prompts.speaks_names:
            names = [spoken(name) for name in self.spoken_names]
            if names != [name.replace("_", " ") for name in self.class_names]:
                found["spoken"] = names
        if each.prompts.subjects_from is not None:
            other = self.study.set_named(each.prompts.subjects_from)
            subjects = self.prompts_artifact(other).settings
            # that set may grow; which of its texts a prompt starts from is stored with the prompt
            found["subjects"] = {k: v for k, v in subjects.items() if k != "per_class"}
        return found

    def run_artifact(self, arm: Arm, run: int) -> Artifact:
        """Return where the run of an arm at a seed lies; needs the sets that it trains on."""
        drawn = self.mixture(arm, run)
        sets = {name: self.synthetic(name, run).fingerprint for name in drawn.synthetic}
        settings = {
            "kind": "run",
            "training": recipe_identity(self.recipe(arm)),
            "training_revision": REVISION,
            "real": {"fingerprint": self.train.fingerprint, "rows": mark(drawn.real)},
            "synthetic": [
                {"fingerprint": sets[name], "rows": mark(rows)}
                for name, rows in drawn.synthetic.items()
            ],
            "batch_share": drawn.batch_share,
            "labels": {name: mark(labels) for name, labels in drawn.labels.items()},
            "test": self.test.fingerprint,
            "validation": mark(self.validation_rows),
            "seed": derive(self.study.seed, "run", run),
            **self.machine(),
        }
        return Artifact(self.study.output / "runs", f"{arm.name}-seed{run}", settings)

    def image_seed(self, each: SyntheticSet, run: int) -> int:
        """Return the seed from which every image's own seed is derived."""
        return derive(self.study.seed, "images", each.name, *([run] if each.is_fitted else []))

    @cached_property
    def placed(self) -> Study:
        """The study with its machines resolved and its images named, which is what a task carries.

        A worker elsewhere may have other devices; it names artifacts as the plan does, or says
        that it lacks what they need, or that images were changed since.
        """
        made = [each for each in self.study.synthetic if each.generator is not None]
        machines = {_at(each): self.machine(each) for each in [None, *made]}
        found = {opened.key(taken): taken for taken in self.inventories}
        return dataclasses.replace(self.study, machines=machines, opened=found)

    def machine(self, each: SyntheticSet | None = None) -> Machine:
        """Return device, precision and threads of training, or of a set's generator.

        As the plan resolved them, else as they are resolved here: equal bytes are promised only on
        the same device at the same precision. Raises SettingError for a device that this machine
        does not have.
        """
        from synthmix.hardware import resolve_device, resolve_precision

        where, recipe = _at(each), self.study.recipe
        if where in self.study.machines:
            return self.study.machines[where]
        asked = recipe if each is None else each.generator
        try:
            device = resolve_device(getattr(asked, "device", recipe.device))
        except SettingError as error:
            raise SettingError(f"{where}.{error}") from None
        precision = resolve_precision(getattr(asked, "precision", recipe.precision), device)
        return Machine(
            device=cast("Device", device),
            precision=cast("Precision", precision),
            threads=recipe.threads,
        )

    def generator(self, each: SyntheticSet) -> Generator:
        """Return a set's generator, on the device and at the precision that name its images."""
        assert each.generator is not None
        machine = self.machine(each)
        return each.generator.placed(machine["device"], machine["precision"])

    def placed_recipe(self, arm: Arm) -> Recipe:
        """Return how an arm is trained, on the device and at the precision that name its run."""
        machine = self.machine()
        device, precision = machine["device"], machine["precision"]
        return dataclasses.replace(self.recipe(arm), device=device, precision=precision)

    def has_set(self, each: SyntheticSet, run: int) -> bool:
        """Whether a synthetic set is there, with as many images as the study asks for."""
        if each.generator is None:
            return True
        artifact = self.synthetic_artifact(each, run)
        wanted = (each.per_class or 0) * len(self.class_names)
        return artifact.is_complete and artifact.manifest().get("num_images", 0) >= wanted

    @cache  # noqa: B019 - a workspace lives as long as its study is at work
    def left_out(self, name: str, run: int) -> Indices:
        """Return the rows of a finished set that show a test or validation image."""
        mine = self.part_of_set(name, run)
        shown = [found(mine, each).kinds >= 0 for each in (self.test_part, self.validation_part)]
        return np.flatnonzero(np.logical_or(*shown))

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

    def part_of_set(self, name: str, run: int) -> Part:
        """Return all images of a finished synthetic set."""
        each = self.study.set_named(name)
        images = self.synthetic(name, run)
        if each.images is not None:
            return whole(images, each.images, "train")
        path = self.synthetic_artifact(each, run).path
        return whole(images, Huggingface(path=str(path)), "train")

    def _drawable(self, each: SyntheticSet, run: int) -> Labels:
        """Return a set's labels, -1 where an image must not be drawn.

        What is left out of a set that is not there yet is not known; it is drawn again later.
        """
        labels = self._labels(each)
        rows = self._undrawable(each, run) if self.study.exclude_duplicates else None
        if rows is None:
            return labels
        drawable = labels.copy()
        drawable[rows] = -1
        return drawable

    def _undrawable(self, each: SyntheticSet, run: int) -> Indices | None:
        """Return the rows of a set that are left out, None while the set is not there or sound."""
        if not self.has_set(each, run):
            return None
        try:
            return self.left_out(each.name, run if each.is_fitted else 0)
        except (DataError, ArtifactError):
            if each.generator is None:
                raise
            return None  # a damaged set is made anew before anything is drawn from it

    def _labels(self, each: SyntheticSet) -> np.ndarray[Any, np.dtype[np.int64]]:
        if each.images is not None:
            return self._ready_made(each).labels
        assert each.per_class is not None
        return np.tile(np.arange(len(self.class_names), dtype=np.int64), each.per_class)

    @cache  # noqa: B019 - a workspace lives as long as its study is at work
    def _ready_made(self, each: SyntheticSet) -> ImageSet:
        assert each.images is not None
        where = f"synthetic.{each.name}"
        limit = dataclasses.replace(each.images, per_class=each.per_class or each.images.per_class)
        images = self.open(limit, "train", self.image_size, where)
        return match_classes(images, self.class_names, self.class_map, where=where)

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

    def check_unchanged(self) -> None:
        """Raise DataError where files of a source are no longer those that were opened."""
        again = Workspace(self.placed, self.progress, self.price)
        for source, split, image_size, where in list(self._on_disk):
            again.open(dataclasses.replace(source, per_class=None), split, image_size, where)


def _at(each: SyntheticSet | None) -> str:
    """Return the key of the study file that says what trains, or what makes a set."""
    return "training" if each is None else f"synthetic.{each.name}.generator"


def results_path(folder: Path) -> Path:
    """Return where a study's results lie."""
    return folder / "results.json"
