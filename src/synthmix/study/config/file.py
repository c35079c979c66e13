"""The study file: what a user writes, and the study it stands for."""

import codecs
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypedDict, cast

import numpy as np
from pydantic import ValidationError

from synthmix.controls import KINDS, Plan
from synthmix.data import ImageSource
from synthmix.decoded import Inventory
from synthmix.engines import Engine
from synthmix.errors import NotYetAvailable, SettingError, suggestion
from synthmix.evaluation.adaptive import Adaptive
from synthmix.files import misfit
from synthmix.generators import Generator
from synthmix.images import Resize
from synthmix.mixing import Mixing
from synthmix.prompts import PromptStrategy
from synthmix.registry import (
    Component,
    Registry,
    check_values,
    default_of,
    explain,
    identity,
    setting_name,
)
from synthmix.registry import build as build_settings
from synthmix.store import canonical, fingerprint
from synthmix.study.config import evaluation
from synthmix.study.config import seeds as run_seeds
from synthmix.study.config.evaluation import Evaluation, resolved
from synthmix.study.config.groups import Settings, check_keys
from synthmix.study.config.keys import ControlKeys, SetKeys, StudyKeys
from synthmix.study.config.other_names import answer
from synthmix.study.config.parsing import parse
from synthmix.study.config.subjects import check_subjects
from synthmix.training.recipe import Recipe
from synthmix.types import REAL_ONLY, Device, Json, Precision
from synthmix.yaml_text import LARGEST

DATA: Registry[ImageSource] = Registry("synthmix.data", "ImageSource")
ENGINES: Registry[Engine] = Registry("synthmix.engines", "Engine")
GENERATORS: Registry[Generator] = Registry("synthmix.generators", "Generator")
MIXING: Registry[Mixing] = Registry("synthmix.mixing", "Mixing")
PROMPTS: Registry[PromptStrategy] = Registry("synthmix.prompts", "PromptStrategy")

RESERVED = ("codec", "curation")
"""Keys kept free for capabilities that are not there yet."""


_MIXING = {"use": "replace"}
_ENGINE = {"use": "local"}


@dataclass(frozen=True)
class SyntheticSet:
    """One synthetic set: images that are there already, or a generator with its prompts."""

    name: str
    per_class: int | None
    images: ImageSource | None = None
    generator: Generator | None = None
    prompts: PromptStrategy | None = None
    keep_original: bool = False
    """Whether images are also kept at the size at which they were drawn."""

    attempts: int = 3
    """How often an image that cannot be used is drawn again."""

    @property
    def is_fitted(self) -> bool:
        """Whether every run seed has a set of its own, from a generator fitted on its real pool."""
        return self.generator is not None and self.generator.needs_real


class Machine(TypedDict):
    """What work runs on: part of what it is named by, since its last bits depend on it."""

    device: Device
    precision: Precision
    threads: int


@dataclass(frozen=True)
class Study:
    """A whole experiment with every component built and checked."""

    name: str
    seed: int
    real: ImageSource
    synthetic: tuple[SyntheticSet, ...]
    mixing: Mixing
    controls: Plan
    hypotheses: tuple[str, ...]
    recipe: Recipe
    seeds: int
    """Seeds of every arm, at most where they are added."""

    adaptive: Adaptive | None
    image_size: int | None
    resize: Resize
    validation: float
    class_map: dict[str, str]
    output: Path
    engine: Engine
    reduced_budget: bool
    evaluation: Evaluation
    exclude_duplicates: bool
    """Whether synthetic images that show a test or validation image are left out of the mixes."""

    asked: dict[str, Any] = field(repr=False)

    machines: Mapping[str, Machine] = field(default_factory=dict, repr=False)
    """What `auto` stands for, by the key that asks for it; empty until a plan resolves it."""

    opened: Mapping[str, Inventory] = field(default_factory=dict, repr=False)
    """The images that the study began with, by source and split; empty until a plan opens them."""

    def resolved(self) -> dict[str, Any]:
        """Return every setting that can change a result as JSON, defaults included."""
        return self._settings(component_settings, asdict(self.recipe))

    def _settings(self, of: Callable[[Component], Json], training: Json) -> dict[str, Any]:
        found = {
            "name": self.name,
            "seed": self.seed,
            "real": of(self.real),
            "synthetic": {each.name: _set_settings(each, of) for each in self.synthetic},
            "mixing": of(self.mixing),
            "controls": asdict(self.controls),
            "hypotheses": list(self.hypotheses),
            "training": training,
            "seeds": self.seeds if self.adaptive is None else asdict(self.adaptive),
            "image_size": self.image_size,
            "resize": self.resize,
            "validation": self.validation,
            "class_map": self.class_map,
            "reduced_budget": self.reduced_budget,
            "evaluation": self.evaluation.settings(of),
        }
        if self.exclude_duplicates:
            found["exclude_duplicates"] = True
        # as it reads back from a file: a tuple there is a list
        return cast("dict[str, Any]", _plain(found))

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits that stand for the study, wherever it is and whatever runs it."""
        return fingerprint(self._settings(component_identity, recipe_identity(self.recipe)))

    def set_named(self, name: str) -> SyntheticSet:
        """Return the synthetic set of this name; raises SettingError where there is none."""
        found = {each.name: each for each in self.synthetic}
        if name not in found:
            raise SettingError(f"There is no synthetic set '{name}'. {suggestion(name, found)}")
        return found[name]


def component_settings(component: Component) -> dict[str, Any]:
    """Return a component as JSON: its name, its revision and all its settings."""
    name = type(component).__module__.rpartition(".")[2].replace("_", "-")
    settings = {key: _plain(value) for key, value in component.settings().items()}
    return {"use": name, "output_revision": component.output_revision, **settings}


def component_identity(component: Component) -> dict[str, Any]:
    """Return what of a component names what it makes; see `registry.identity`."""
    named = identity(type(component), component.settings())
    return {k: v for k, v in component_settings(component).items() if k in _ALWAYS or k in named}


_ALWAYS = ("use", "output_revision")


def recipe_identity(recipe: Recipe) -> dict[str, Any]:
    """Return what of a recipe names a run."""
    return identity(Recipe, asdict(recipe))


def _plain(value: Any) -> Json:
    return json.loads(canonical(value if not isinstance(value, Path) else str(value)))


def _set_settings(each: SyntheticSet, of: Callable[[Component], Json]) -> dict[str, Any]:
    parts = {"images": each.images, "generator": each.generator, "prompts": each.prompts}
    found = {key: of(value) for key, value in parts.items() if value is not None}
    return {"per_class": each.per_class, "keep_original": each.keep_original, **found}


def load(path: Path | str) -> Study:
    """Read a study file; raises SettingError with the key, the value and what would be valid."""
    return resolve(read(Path(path)))


def read(path: Path) -> dict[str, Any]:
    """Return the keys of a study file, unchecked; raises SettingError where it is not YAML."""
    if path.is_dir():
        raise SettingError(f"{path} is a folder; name the study file (*.yaml) in it.")
    if path.exists() and (why := misfit(path)):
        raise SettingError(f"{path} {why}; name a study file (*.yaml).")
    if not path.is_file():
        raise SettingError(f"There is no study file {path}.")
    try:
        with path.open("rb") as file:
            content = file.read(4 * LARGEST + 1)
        if len(content) > 4 * LARGEST:
            raise SettingError(
                f"{path} is no study file: it is larger than {LARGEST:,} characters."
            )
        text = _decoded(content)
    except UnicodeError as error:
        raise SettingError(f"{path} is not valid YAML: it must be UTF-8, but {error}.") from None
    except OSError as error:
        raise SettingError(f"{path} cannot be read: {error.strerror}.") from None
    asked = parse(text, str(path))
    if not isinstance(asked, dict):
        held = "nothing" if asked is None else repr(str(asked)[:60])
        raise SettingError(f"{path} must hold keys like `name:` and `real:`; it holds {held}.")
    return asked


def _decoded(content: bytes) -> str:
    """Return the text of a file, whichever Unicode its first bytes announce."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    return content.decode("utf-8-sig")


def build(*, name: str, real: ImageSource, **keys: Any) -> Study:
    """Return a study of components that are there already, under the keys of a study file.

        study.build(
            name="mine",
            real=Folder(path="data/birds"),
            synthetic={"flow": {"generator": Flow(), "per_class": 500}},
            training=Recipe(model="resnet18", steps=4000),
        )

    A key's value may be settings too, as in a file. Raises SettingError as `resolve` does, and for
    a component that no registry has: a worker could not find it.
    """
    return resolve({"name": name, "real": real, **keys})


_KINDS: dict[str, type[Any]] = {
    "real": ImageSource,
    "mixing": Mixing,
    "engine": Engine,
    "training": Recipe,
    "seeds": Adaptive,
}
_KINDS_OF_SET: dict[str, type[Any]] = {
    "images": ImageSource,
    "generator": Generator,
    "prompts": PromptStrategy,
}


def _check_kinds(where: str, keys: Mapping[Any, Any], kinds: Mapping[str, type[Any]]) -> None:
    """Raise SettingError for a component in the place of another kind, or a class of one."""
    for key, value in keys.items():
        wanted = kinds.get(key)
        name = value.__name__ if isinstance(value, type) else type(value).__name__
        is_component = isinstance(value, Component | Recipe | Adaptive | SyntheticSet | type)
        if is_component and not (wanted and isinstance(value, wanted)):
            what = f"the class {name}, not an instance of it" if isinstance(value, type) else name
            right = f"it takes a {wanted.__name__}" if wanted else "it takes settings"
            raise SettingError(f"{where}{key} is {what}; {right}.")


def _check_components(asked: Mapping[Any, Any]) -> None:
    sets = asked.get("synthetic")
    _check_kinds("", asked, _KINDS)
    for name, each in sets.items() if isinstance(sets, Mapping) else ():
        if isinstance(each, Component):
            key = next((k for k, kind in _KINDS_OF_SET.items() if isinstance(each, kind)), "images")
            raise SettingError(
                f"synthetic.{name} is {type(each).__name__}; a set is {{'{key}': that}}, "
                "or a SyntheticSet."
            )
        if isinstance(each, Mapping):
            _check_kinds(f"synthetic.{name}.", each, _KINDS_OF_SET)


def _as_written(value: Any) -> Any:
    """Return components as a study file would write them, wherever they stand."""
    if isinstance(value, Component):
        return {"use": _name_of(value), **_set_fields(value)}
    if isinstance(value, Recipe | Adaptive):
        return _set_fields(value)
    if isinstance(value, SyntheticSet):
        return {key: each for key, each in _set_fields(value).items() if key != "name"}
    if isinstance(value, Mapping):
        return {key: _as_written(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_written(each) for each in value]
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return str(value) if isinstance(value, Path) else value


def _set_fields(component: Any) -> dict[str, Any]:
    """Return the fields that have another value than their default."""
    values = {each: _as_written(getattr(component, each.name)) for each in fields(component)}
    return {
        setting_name(each.name): value
        for each, value in values.items()
        if value != _as_written(default_of(each))
    }


def _name_of(component: Component) -> str:
    family, _, name = type(component).__module__.rpartition(".")
    for registry in (DATA, ENGINES, GENERATORS, MIXING, PROMPTS, evaluation.CORRUPTIONS):
        if registry.package == family:
            return name.replace("_", "-")
        if isinstance(component, registry.base_class()):
            found = [each for each in registry.names() if registry.get(each) is type(component)]
            if found:
                return found[0]
    raise SettingError(
        f"{type(component).__name__} is in no registry, so that no file or worker could name it: "
        "make it a plug-in (docs/extending.md)."
    )


def resolve(asked: dict[str, Any]) -> Study:
    """Return the study that these keys describe, every component built and checked.

    A value may be a component that is there already, instead of its settings.
    """
    if not isinstance(asked, dict):
        raise SettingError(
            f"A study is a dictionary of its keys, like {{'name': ...}}, got {_plainly(asked)}; "
            "`load` reads a file."
        )
    _check_components(asked)
    asked = _as_written(asked)
    plain, adaptive = run_seeds.read(asked)
    file = _checked(plain)
    training = {"precision": file.precision, **file.training}
    answer("training.", training.items(), _names_of(Recipe))
    study = Study(
        name=file.name,
        seed=file.seed,
        real=_component(DATA, file.real, "real"),
        synthetic=tuple(_synthetic(name, each) for name, each in file.synthetic.items()),
        mixing=_component(MIXING, _MIXING | file.mixing, "mixing"),
        controls=_controls(file.controls),
        hypotheses=file.hypotheses,
        recipe=build_settings(Recipe, training, label="recipe", where="training"),
        seeds=file.seeds,
        adaptive=adaptive,
        image_size=file.image_size,
        resize=file.resize,
        validation=file.validation,
        class_map=file.class_map,
        output=(file.output or Path("results") / file.name).expanduser(),
        engine=_component(ENGINES, _ENGINE | file.engine, "engine"),
        reduced_budget=file.reduced_budget,
        evaluation=resolved(file.evaluation, _component, DATA),
        exclude_duplicates=file.exclude_duplicates,
        asked=asked,
    )
    check_subjects(study.synthetic)
    return study


def _plainly(value: object) -> str:
    return f"'{value}'" if isinstance(value, str | Path) else f"a {type(value).__name__}"


def _controls(asked: bool | ControlKeys) -> Plan:
    if isinstance(asked, bool):
        return Plan() if asked else Plan(kinds=())
    for name in asked.leave_out:
        if name not in KINDS:
            raise SettingError(
                f"controls.leave_out: there is no control '{name}'. {suggestion(name, KINDS)}"
            )
    kinds = tuple(kind for kind in KINDS if kind not in asked.leave_out)
    return Plan(kinds, asked.share, asked.curve)


def _checked(asked: dict[str, Any]) -> StudyKeys:
    answer("", asked.items(), StudyKeys.model_fields)
    for key in asked:
        if key in RESERVED:
            raise NotYetAvailable(
                f"The key '{key}' is reserved and not yet available; leave it out."
            )
        if key not in StudyKeys.model_fields:
            hint = suggestion(str(key), StudyKeys.model_fields)
            raise SettingError(f"A study has no key '{key}'. {hint}")
    _check_sets(asked.get("synthetic"))
    _check_controls(asked.get("controls"))
    evaluation.check(asked.get("evaluation"))
    try:
        file = StudyKeys.model_validate(asked)
    except ValidationError as error:
        raise SettingError(f"The study file: {explain(error, asked)}") from None
    check_values(asked, "The study file", file)
    return file


def _check_controls(asked: Any) -> None:
    if asked is not None and not isinstance(asked, (bool, dict)):
        raise SettingError(
            "controls must be true, false, or {leave_out: [NAME], share: R, curve: [N]}, "
            f"got {asked!r}."
        )
    check_keys("controls", asked, ControlKeys)


def _check_sets(asked: Any) -> None:
    """Name what pydantic has no words for: a misspelt key of a set, a set named `real`."""
    for name, each in asked.items() if isinstance(asked, dict) else ():
        if str(name).lower() in REAL_ONLY:
            raise SettingError(
                f"synthetic.{name}: '{name}' stands for the real images; give the set another name."
            )
        check_keys(f"synthetic.{name}", each, SetKeys)


def _component(registry: Registry[Any], settings: Settings, where: str) -> Any:
    if not isinstance(settings.get("use"), str):
        names, got = ", ".join(registry.names()), settings.get("use")
        raise SettingError(f"{where} needs `use: NAME`, one of: {names}; got {got!r}.")
    rest = {key: value for key, value in settings.items() if key != "use"}
    if settings["use"] in registry.names():
        answer(f"{where}.", rest.items(), _names_of(registry.get(settings["use"])))
    return registry.build(settings["use"], rest, where=where)


def _names_of(component: type) -> list[str]:
    return [setting_name(each.name) for each in fields(component)]


def _synthetic(name: str, each: SetKeys) -> SyntheticSet:
    where = f"synthetic.{name}"
    if (each.images is None) == (each.generator is None):
        found = "both" if each.images is not None else "neither"
        raise SettingError(
            f"{where} needs either `generator` or `images` (ones that are there), got {found}."
        )
    if each.images is not None:
        if each.prompts is not None:
            raise SettingError(f"{where}.prompts goes with a generator, not with `images`.")
        for key in each.model_fields_set & {"keep_original", "attempts"}:
            raise SettingError(f"{where}.{key} goes with a generator, not with `images`.")
        return SyntheticSet(name, each.per_class, _component(DATA, each.images, f"{where}.images"))
    if each.per_class is None:
        raise SettingError(f"{where} needs `per_class`, the number of images of each class.")
    generator: Generator = _component(GENERATORS, each.generator or {}, f"{where}.generator")
    prompts: PromptStrategy | None = None
    if each.prompts is not None:
        prompts = _component(PROMPTS, each.prompts, f"{where}.prompts")
    if generator.needs_prompts and prompts is None:
        raise SettingError(
            f"{where} needs `prompts`, for example {{use: class-labels}} "
            "(`generate` without a study: --set prompts.use=class-labels)."
        )
    return SyntheticSet(
        name, each.per_class, None, generator, prompts, each.keep_original, each.attempts
    )
