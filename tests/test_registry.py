import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import pytest
from annotated_types import Ge, Gt, Le, Lt

from synthmix.cli.list import FAMILIES
from synthmix.errors import SettingError, UnknownComponent, suggestion
from synthmix.evaluation.adaptive import Adaptive
from synthmix.registry import AS_WRITTEN, Component, Registry, build, describe, identity
from synthmix.training.recipe import Recipe

ALL = [(family, name) for family, where in FAMILIES.items() for name in Registry(*where).names()]

PINNED = Path(__file__).parent / "golden" / "settings.json"
"""The settings by which each component names what it makes, as of the first artifacts."""

CORRUPTIONS = ("brightness", "contrast", "gaussian-blur", "gaussian-noise", "jpeg", "pixelate")


@dataclass(frozen=True, kw_only=True)
class Sample(Component):
    """A component for these tests."""

    size: Annotated[int, Ge(1)]
    """Side in pixels."""

    noise: float = 8.0
    """Grey levels."""


def test_the_names_are_a_public_promise() -> None:
    assert [
        *(("data", n) for n in ("array", "digits", "folder", "huggingface", "torchvision")),
        *(
            ("prompts", n)
            for n in ("class-labels", "clustered-attributes", "file", "language-model")
        ),
        *(("generators", n) for n in ("diffusers", "flow", "stylegan-xl")),
        *(("mixing", n) for n in ("add", "batch-ratio", "per-class", "replace")),
        *(("metrics", n) for n in ("accuracy", "brier", "ece", "nll")),
        *(("corruptions", n) for n in CORRUPTIONS),
        ("engines", "local"),
    ] == ALL


@pytest.mark.parametrize(("family", "name"), ALL)
def test_every_component_documents_itself(family: str, name: str) -> None:
    registry: Registry[Any] = Registry(*FAMILIES[family])
    component = registry.get(name)
    assert component.__name__.lower() == name.replace("-", "")
    assert registry.summary(name)
    assert component.__dataclass_params__.frozen
    for setting in describe(component):
        assert setting.help.endswith("."), f"{name}.{setting.name} needs a sentence under it"


@dataclass(frozen=True, kw_only=True)
class Grown(Sample):
    """The same component, two versions on."""

    added_later: ClassVar[tuple[str, ...]] = ("sharpness", "seed")

    sharpness: float | None = None
    """Came later, and changes nothing while it has its default."""

    seed_: int = 0
    """Likewise; users write it without the mark."""


def test_a_setting_that_came_later_names_nothing_while_it_has_its_default() -> None:
    before, now = Sample(size=4), Grown(size=4)
    assert identity(Grown, now.settings()) == identity(Sample, before.settings())
    for other in (Grown(size=4, sharpness=1.0), Grown(size=4, seed_=1)):
        assert identity(Grown, other.settings()) != identity(Grown, now.settings())
    assert identity(Sample, Sample(size=4, noise=8.0).settings()) == {"size": 4, "noise": 8.0}


@pytest.mark.parametrize(("family", "name"), [*ALL, ("training", "recipe")])
def test_every_setting_that_names_artifacts_is_pinned(family: str, name: str) -> None:
    """A new setting is listed in `added_later`: else `status` calls finished work undone."""
    component: Any = Recipe if name == "recipe" else Registry(*FAMILIES[family]).get(name)
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))[f"{family}/{name}"]
    settings = {setting.name: setting for setting in describe(component)}
    later = set(component.added_later)
    assert sorted(settings.keys() - later) == pinned
    assert not [each for each in later if settings[each].is_required]


def test_unknown_names_get_a_suggestion() -> None:
    with pytest.raises(UnknownComponent, match="no data source 'digit'. Did you mean 'digits'?"):
        Registry(*FAMILIES["data"]).get("digit")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"siz": 3}, "no setting 'siz'. Did you mean 'size'?"),
        ({}, "needs the setting 'size'"),
        ({"size": 0}, "'size': input should be greater than or equal to 1, got 0"),
        ({"size": "big"}, "'size'.*integer.*'big'"),
        ({"size": 3, "noise": "loud"}, "'noise'.*number.*'loud'"),
    ],
)
def test_wrong_settings_are_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        build(Sample, settings, label="sample", where="real")
    assert "\n" not in str(caught.value)


def test_listing_and_help_are_fast_and_light() -> None:
    code = (
        "import sys; from synthmix.cli.app import app\n"
        "try: app(['list'])\nexcept SystemExit: pass\n"
        "assert 'torch' not in sys.modules, 'torch'; assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


ANY_INTEGER = "any integer of 64 bits names a stream of random numbers"

UNBOUNDED = {
    ("data", "seed"): ANY_INTEGER,
    ("data", "split_seed"): ANY_INTEGER,
    ("data", "test_fraction"): "digits.py says itself what is right",
}
"""Numbers without bounds of their own, and why."""


def _numbers(hint: Any) -> Iterator[tuple[bool, bool]]:
    """Yield of each number within a type whether it has a lower and an upper bound."""
    if get_origin(hint) is Annotated:
        inner, *limits = get_args(hint)
        if inner in (int, float):
            yield (
                any(isinstance(each, Ge | Gt) for each in limits),
                any(isinstance(each, Le | Lt) for each in limits),
            )
            return
        hint = inner
    if hint in (int, float):
        yield (False, False)
    for each in get_args(hint):
        if not isinstance(each, (str, int, float)):
            yield from _numbers(each)


@pytest.mark.parametrize(
    ("family", "cls"),
    [
        *((family, Registry(*FAMILIES[family]).get(name)) for family, name in ALL),
        ("training", Recipe),
        ("seeds", Adaptive),
    ],
)
def test_every_number_has_bounds(family: str, cls: type) -> None:
    hints = get_type_hints(cls, include_extras=True)
    for each in fields(cls):
        if (family, each.name) in UNBOUNDED:
            continue
        for bounds in _numbers(hints[each.name]):
            assert bounds == (True, True), f"{cls.__name__}.{each.name} lacks a bound"


def test_text_is_text_as_written() -> None:
    for cls in (Component, Recipe, Adaptive):
        assert cls.__pydantic_config__ is AS_WRITTEN


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": True}, "'size': must be a number, got True"),
        ({"size": 1, "noise": "nan"}, "'noise'.*finite"),
        ({"size": 2**63}, "'size': must fit in 64 bits"),
        ({"size": "1:30"}, "'size'.*integer.*'1:30'"),
        ({"x" * 5000: 1}, "no setting 'xxx"),
    ],
)
def test_what_pydantic_lets_pass_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingError, match=message) as caught:
        build(Sample, settings, label="sample")
    assert len(str(caught.value)) <= 400


def test_a_long_list_of_names_is_cut_short() -> None:
    assert suggestion("x", [f"class {i}" for i in range(5000)]).endswith("more.")
    assert suggestion("b", "abc") == "Did you mean 'b'? Known: a, b, c."


@pytest.mark.parametrize(
    "text", ["a\x1b[2Jb", "a\x07b", "a\u202eb", "a\x9bb", "a\x7fb", "a\ud800b", "a\ufeffb"]
)
def test_what_would_steer_a_terminal_is_escaped(text: str) -> None:
    shown = str(SettingError(text))
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert str(SettingError("Mädchen 👧🏽 é\u200d")) == "Mädchen 👧🏽 é\u200d"
