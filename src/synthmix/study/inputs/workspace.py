"""What a study's tasks read and where they write: images, splits, mixtures and artifacts."""

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from synthmix.images import mark
from synthmix.mixing import Arm
from synthmix.seeding import derive
from synthmix.store import Artifact
from synthmix.study.config.file import Study, recipe_identity
from synthmix.study.inputs import opened
from synthmix.study.inputs.mixtures import Mixtures
from synthmix.study.inputs.sets import key_of
from synthmix.training.recipe import REVISION, Recipe, recipe_of


@dataclass(frozen=True, eq=False)
class Workspace(Mixtures):
    """One study's view of its images and artifacts: the floor of the runs, above all others."""

    def recipe(self, arm: Arm) -> Recipe:
        """Return how an arm is trained: as the study says, but for two controls."""
        return recipe_of(self.study.recipe, arm.control, self.image_size)

    def placed_recipe(self, arm: Arm) -> Recipe:
        """Return how an arm is trained, on the device and at the precision that name its run."""
        machine = self.machine()
        device, precision = machine["device"], machine["precision"]
        return dataclasses.replace(self.recipe(arm), device=device, precision=precision)

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

    @cached_property
    def placed(self) -> Study:
        """The study with its machines resolved and its images named, which is what a task carries.

        A worker elsewhere may have other devices; it names artifacts as the plan does, or says
        that it lacks what they need, or that images were changed since.
        """
        made = [each for each in self.study.synthetic if each.generator is not None]
        machines = {key_of(each): self.machine(each) for each in [None, *made]}
        found = {opened.key(taken): taken for taken in self.inventories}
        return dataclasses.replace(self.study, machines=machines, opened=found)

    def check_unchanged(self) -> None:
        """Raise DataError where files of a source are no longer those that were opened."""
        again = Workspace(self.placed, self.progress, self.price)
        for source, split, image_size, where in list(self._on_disk):
            again.open(dataclasses.replace(source, per_class=None), split, image_size, where)


def results_path(folder: Path) -> Path:
    """Return where a study's results lie."""
    return folder / "results.json"
