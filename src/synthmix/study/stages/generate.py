"""Generate a synthetic set, shard by shard."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from synthmix.generators import Generator
from synthmix.store import Artifact
from synthmix.study.config.file import SyntheticSet, component_settings
from synthmix.study.inputs.interim import Wanted
from synthmix.study.inputs.sets import SHARD_SIZE
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.stages import Stage, Step, Task
from synthmix.types import Json, Pixels, Request

if TYPE_CHECKING:
    from synthmix.study.planning.costs import Prices


@dataclass(frozen=True, kw_only=True)
class Generate(Stage):
    """Draws the images of a set; one that was made with fewer images grows."""

    after: ClassVar[tuple[str, ...]] = ("write", "fit")
    verb: ClassVar[str] = "generating"
    unit: ClassVar[str] = "images"
    folder: ClassVar[str] = "synthetic"

    def steps(self, workspace: Workspace, wanted: Wanted) -> list[Step]:
        return [
            Step(
                Task(workspace.placed, "generate", each.name, run),
                (each.per_class or 0) * len(workspace.class_names),
                workspace.synthetic_artifact(each, run),
            )
            for each in workspace.study.synthetic
            if each.generator is not None
            for run in range(wanted.sets[each.name])
        ]

    def make(self, task: Task) -> list[str]:
        from synthmix.study.stages.work import at_work, workspace_of

        workspace = workspace_of(task.study)
        each = task.study.set_named(task.target)
        artifact = workspace.synthetic_artifact(each, task.run)
        with at_work(artifact, task.study) as damaged:
            _generate(workspace, each, task.run, artifact)
        return damaged

    def depends_on(self, workspace: Workspace, target: str) -> Json:
        generator = workspace.study.set_named(target).generator
        assert generator is not None
        return component_settings(generator)

    def num_bytes(self, costs: "Prices", target: str, units: int) -> int:
        # lossless PNG of a photograph takes about 0.8 of its raw size
        return int(units * costs.workspace.image_size**2 * 3 * 0.8)

    def is_enough(self, artifact: Artifact, units: int) -> bool:
        held: int = artifact.manifest().get("num_images", 0)
        return held >= units


def _generate(workspace: Workspace, each: SyntheticSet, run: int, artifact: Artifact) -> None:
    from synthmix.shards import Form, requests, write_set
    from synthmix.study.inputs import warnings
    from synthmix.study.stages._card import set_card
    from synthmix.study.stages._prompts import prompts_of

    generator, per_class = workspace.generator(each), each.per_class
    assert per_class is not None
    fitted = workspace.fit_artifact(each, run).path if each.is_fitted else None
    names, size = workspace.class_names, workspace.image_size
    prompts = prompts_of(workspace, each)
    if prompts is not None:
        warnings.of_prompts(each, workspace.spoken_names, prompts)
    wanted_images = requests(names, per_class, workspace.image_seed(each, run), prompts)
    settled = generator.settled(artifact)

    def images(wanted: Sequence[Request]) -> Iterator[Pixels]:
        return settled.generate(wanted, class_names=names, image_size=size, fitted=fitted)

    write_set(
        artifact,
        _with_cuts(wanted_images, generator),
        images,
        class_names=names,
        shard_size=SHARD_SIZE,
        form=Form(size, workspace.study.resize, each.keep_original),
        attempts=each.attempts,
        card=set_card(workspace, each, run, prompts or []),
        facts={
            "terms": generator.terms,
            "prompts_with": warnings.counts(
                warnings.findings(each, workspace.spoken_names, prompts or [])
            ),
        },
        progress=artifact.report,
    )


def _with_cuts(wanted: list[Request], generator: Generator) -> list[Request]:
    """Return the requests with what their prompts lose at a text encoder's limit."""
    encoders = generator.text_encoders()
    texts = {each.prompt for each in wanted if each.prompt}
    cuts = {text: next(filter(None, (e.cut(text) for e in encoders)), None) for text in texts}
    return [replace(each, cut=cuts.get(each.prompt or "")) for each in wanted]
