"""The synthetic sets of a study: where prompts, fitted generators and images lie, and are read."""

import dataclasses
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np

from synthmix.data.huggingface import Huggingface
from synthmix.decoded import open_images
from synthmix.errors import SettingError
from synthmix.generators import Generator
from synthmix.images import mark, take
from synthmix.ledger import Ledger
from synthmix.prompts.spoken_names import spoken
from synthmix.seeding import derive
from synthmix.store import Artifact, fingerprint
from synthmix.study.config.file import Machine, SyntheticSet, component_identity
from synthmix.study.inputs.images import Images
from synthmix.study.near_duplicates import Part, whole
from synthmix.types import Device, ImageSet, Precision

SHARD_SIZE = 1000
"""Images of one Parquet shard: some seconds of work, a few megabytes."""


@dataclass(frozen=True, eq=False)
class Sets(Images):
    """The synthetic sets, on the floor of the real images."""

    def machine(self, each: SyntheticSet | None = None) -> Machine:
        """Return device, precision and threads of training, or of a set's generator.

        As the plan resolved them, else as they are resolved here: equal bytes are promised only on
        the same device at the same precision. Raises SettingError for a device that this machine
        does not have.
        """
        from synthmix.hardware import resolve_device, resolve_precision

        where, recipe = key_of(each), self.study.recipe
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

    def image_seed(self, each: SyntheticSet, run: int) -> int:
        """Return the seed from which every image's own seed is derived."""
        return derive(self.study.seed, "images", each.name, *([run] if each.is_fitted else []))

    def has_set(self, each: SyntheticSet, run: int) -> bool:
        """Whether a synthetic set is there, with as many images as the study asks for."""
        if each.generator is None:
            return True
        artifact = self.synthetic_artifact(each, run)
        wanted = (each.per_class or 0) * len(self.class_names)
        return artifact.is_complete and artifact.manifest().get("num_images", 0) >= wanted

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

    @cache  # noqa: B019 - a workspace lives as long as its study is at work
    def _ready_made(self, each: SyntheticSet) -> ImageSet:
        assert each.images is not None
        where = f"synthetic.{each.name}"
        limit = dataclasses.replace(each.images, per_class=each.per_class or each.images.per_class)
        images = self.open(limit, "train", self.image_size, where)
        return self.renumbered(images, where)

    def labels_of(self, each: SyntheticSet) -> np.ndarray[Any, np.dtype[np.int64]]:
        if each.images is not None:
            return self._ready_made(each).labels
        assert each.per_class is not None
        return np.tile(np.arange(len(self.class_names), dtype=np.int64), each.per_class)

    def part_of_set(self, name: str, run: int) -> Part:
        """Return all images of a finished synthetic set."""
        each = self.study.set_named(name)
        images = self.synthetic(name, run)
        if each.images is not None:
            return whole(images, each.images, "train")
        path = self.synthetic_artifact(each, run).path
        return whole(images, Huggingface(path=str(path)), "train")


def key_of(each: SyntheticSet | None) -> str:
    """Return the key of the study file that says what trains, or what makes a set."""
    return "training" if each is None else f"synthetic.{each.name}.generator"
