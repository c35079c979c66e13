"""synthmix list: the components of every family and what they do."""

from typing import Annotated

import typer

from synthmix.cli._options import Json, say, say_json, table
from synthmix.errors import SettingError, suggestion

FAMILIES = {
    "data": ("synthmix.data", "ImageSource"),
    "prompts": ("synthmix.prompts", "PromptStrategy"),
    "generators": ("synthmix.generators", "Generator"),
    "mixing": ("synthmix.mixing", "Mixing"),
    "metrics": ("synthmix.evaluation.metrics", "Metric"),
    "corruptions": ("synthmix.evaluation.corruptions", "Corruption"),
    "engines": ("synthmix.engines", "Engine"),
}

Family = Annotated[str | None, typer.Argument(metavar="[FAMILY]", help="data, prompts, ...")]
Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show this one's settings.")]


def command(family: Family = None, name: Name = None, json: Json = False) -> None:
    """List components; with a family and a name, a component's settings."""
    from synthmix.registry import Registry

    if family is not None and family not in FAMILIES:
        raise SettingError(f"There is no family '{family}'. {suggestion(family, FAMILIES)}")
    if family is not None and name is not None:
        _settings(family, name, json)
        return
    wanted = [family] if family else list(FAMILIES)
    found = {each: Registry[object](*FAMILIES[each]) for each in wanted}  # type: ignore[type-var]
    if json:
        say_json({key: {n: each.summary(n) for n in each.names()} for key, each in found.items()})
        return
    for key, each in found.items():
        say(f"\n{key}")
        table([["", n, each.summary(n)] for n in each.names()], ["", "", ""])


def _settings(family: str, name: str, json: bool) -> None:
    from dataclasses import asdict

    from synthmix.registry import Component, Registry, describe

    registry: Registry[Component] = Registry(*FAMILIES[family])
    settings = describe(registry.get(name))
    if json:
        say_json([asdict(each) for each in settings])
        return
    say(f"{name}: {registry.summary(name)}")
    rows = [["", each.name, _short(each.default), each.help] for each in settings]
    table(rows, ["", "setting", "default", "meaning"])


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
