"""Whatever is wrong with a component's keys, `resolve` says it as an error of ours, in one line."""

from dataclasses import MISSING, fields
from typing import Any

import pytest

from synthmix.errors import SettingError
from synthmix.registry import Registry, setting_name
from synthmix.study import resolve
from synthmix.study.config.file import DATA, ENGINES, GENERATORS, MIXING, PROMPTS
from synthmix.training.recipe import Recipe

FLOW = {"use": "flow"}
PLACES: dict[str, tuple[Registry[Any], Any]] = {
    "real": (DATA, lambda made: {"real": made}),
    "engine": (ENGINES, lambda made: {"engine": made}),
    "mixing": (MIXING, lambda made: {"mixing": made}),
    "evaluation.test_sets.t": (DATA, lambda made: {"evaluation": {"test_sets": {"t": made}}}),
    "synthetic.s.images": (DATA, lambda made: {"synthetic": {"s": {"images": made}}}),
    "synthetic.s.generator": (
        GENERATORS,
        lambda made: {"synthetic": {"s": {"per_class": 1, "generator": made}}},
    ),
    "synthetic.s.prompts": (
        PROMPTS,
        lambda made: {"synthetic": {"s": {"per_class": 1, "generator": FLOW, "prompts": made}}},
    ),
}
EVERY = [(place, name) for place, (registry, _) in PLACES.items() for name in registry.names()]
WRONG = [None, True, -1, 1.5, "", [], {}, [None], {1: 2}, object(), b"x", float("nan"), 10**400]


def refused(asked: Any) -> str:
    with pytest.raises(SettingError) as caught:
        resolve(asked)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def taken_or_refused(study: dict[str, Any]) -> None:
    """Let nothing out of `resolve` but a study, or an error of ours in one line."""
    try:
        resolve(study)
    except SettingError as error:
        text = str(error)
    else:
        return
    assert "\n" not in text


def asked(place: str, made: Any) -> dict[str, Any]:
    return {"name": "x", "real": {"use": "digits"}, **PLACES[place][1](made)}


def needed(cls: type) -> dict[str, str]:
    """Return a value for each setting that has no default."""
    bare = [each for each in fields(cls) if each.default is each.default_factory is MISSING]
    return {setting_name(each.name): "x" for each in bare}


@pytest.mark.parametrize(("place", "name"), EVERY)
def test_a_key_that_a_component_does_not_have(place: str, name: str) -> None:
    for key in ("bogus", "", 1, None, ("a",), 3.5):
        text = refused(asked(place, {"use": name, **needed(PLACES[place][0].get(name)), key: 1}))
        assert "a key must be text" in text or f"{place}: The " in text
        assert "a key must be text" in text or f"has no setting '{key}'" in text


@pytest.mark.parametrize(("place", "name"), EVERY)
def test_a_key_that_a_component_lacks(place: str, name: str) -> None:
    needs = needed(PLACES[place][0].get(name))
    for key in needs:
        left = {k: v for k, v in needs.items() if k != key}
        text = refused(asked(place, {"use": name, **left}))
        assert f"needs the setting '{key}'" in text


@pytest.mark.parametrize(("place", "name"), EVERY)
def test_a_value_of_any_type_is_taken_or_refused(place: str, name: str) -> None:
    cls = PLACES[place][0].get(name)
    for each in fields(cls):
        for value in WRONG:
            key = setting_name(each.name)
            taken_or_refused(asked(place, {"use": name, **needed(cls), key: value}))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("made", ["digits", [], 1, None, {"use": 3}, {"use": ["a"]}, {"use": "no"}])
def test_what_is_no_component(place: str, made: Any) -> None:
    if made is not None or place == "real":
        refused(asked(place, made))


def test_a_recipe_of_any_type() -> None:
    for each in fields(Recipe):
        for value in WRONG:
            taken_or_refused({**asked("engine", {"use": "local"}), "training": {each.name: value}})


@pytest.mark.parametrize("given", [None, True, 3, "study.yaml", [], ["name"], b"x", {1, 2}])
def test_what_is_no_study(given: Any) -> None:
    assert refused(given).startswith("A study is a dictionary of its keys, like {'name': ...}, got")
