"""The keys of a study file, their types and what each means; `synthmix schema` publishes them."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Discriminator, Field, Tag

from synthmix.images import Resize
from synthmix.study.config.evaluation import Asked
from synthmix.study.config.groups import STRICT, Name, Settings
from synthmix.yaml_text import WrittenFloat, WrittenInt


def _place(output: object) -> object:
    if isinstance(output, WrittenInt | WrittenFloat):
        output = str(output)
    if str(output).strip() == "" or "\0" in str(output):
        raise ValueError("must be the path of a folder")
    if "://" in str(output):
        # as a path it would be a folder `s3:` beside the study
        raise ValueError("must be the path of a local folder; object storage is not yet available")
    return output


class _Strict(BaseModel):
    model_config = STRICT


class SetKeys(_Strict):
    """The keys of one synthetic set."""

    images: Settings | None = None
    """Images that are there already: a data source, as under `real`."""

    generator: Settings | None = None
    """What draws the images: `use` and its settings."""

    prompts: Settings | None = None
    """What writes the prompts of a generator that reads them: `use` and its settings."""

    per_class: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    """Images of each class; needed with a generator."""

    keep_original: bool = False
    """Whether images are also kept at the size at which they were drawn."""

    attempts: Annotated[int, Field(ge=0, le=100)] = 3
    """How often an image that cannot be used is drawn again."""


class ControlKeys(_Strict):
    """The keys under `controls`, where it is neither true nor false."""

    leave_out: tuple[str, ...] = ()
    """Controls that are not run, by name."""

    share: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    """Ratio at which the controls are run; the middle one where not given."""

    curve: Annotated[
        tuple[Annotated[int, Field(ge=1, le=100_000_000)], ...] | None, Field(max_length=100)
    ] = None
    """Numbers of real images at which the learning curve is run."""


class StudyKeys(_Strict):
    """The keys of a study file."""

    name: Name
    """Name of the study; part of the results folder where `output` is not given."""

    seed: int = 0
    """Seed from which every other is derived."""

    real: Settings
    """The real images: a data source, `use` and its settings."""

    synthetic: dict[Name, SetKeys] = {}
    """Synthetic sets, by names of your own."""

    mixing: Settings = {}
    """Which images each arm trains on: `use` and its settings."""

    controls: Annotated[
        Annotated[bool, Tag("[flag]")] | Annotated[ControlKeys, Tag("[keys]")],
        Discriminator(lambda given: "[flag]" if isinstance(given, bool) else "[keys]"),
    ] = True
    """Whether the control arms are run; {leave_out: [NAME], share: R, curve: [N]} for some."""

    hypotheses: Annotated[tuple[str, ...], Field(max_length=1000)] = ()
    """Predictions, written before the results, that are tested with the verdict."""

    training: Settings = {}
    """How every classifier is trained."""

    seeds: Annotated[int, Field(ge=1, le=1000)] = 3
    """Runs of every arm, each with its own images and weights; `auto` adds some to open arms."""

    image_size: Annotated[int, Field(ge=4, le=4096)] | None = None
    """Side in pixels to which every image is brought; the real ones' own where not given."""

    resize: Resize = "lanczos"
    """How images are brought to that size."""

    validation: Annotated[float, Field(ge=0, le=0.5)] = 0.1
    """Share of the training images that is held back for tuning."""

    class_map: dict[str, str] = {}
    """Names that other sources have for the classes, `theirs: ours`; or how a class is spoken."""

    precision: str = "auto"
    """Numbers that classifiers are trained with: auto, float32 or bfloat16."""

    output: Annotated[Path | None, BeforeValidator(_place)] = None
    """The results folder; `results/NAME` where not given."""

    engine: Settings = {}
    """What runs the tasks: `use` and its settings."""

    reduced_budget: bool = False
    """Whether a real-only accuracy below that of full recipes is meant."""

    evaluation: Asked = Asked()
    """Which images, besides the test set, the finished runs predict."""

    exclude_duplicates: bool = False
    """Whether synthetic images that show a test or validation image are left out of the mixes."""
