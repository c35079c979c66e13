"""synthmix list: the components of every family and what they do."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from synthmix.cli._options import Json, say, say_json, table
from synthmix.errors import SettingError, suggestion

if TYPE_CHECKING:
    from synthmix.registry import Component

FAMILIES = {
    "data": ("synthmix.data", "ImageSource"),
    "prompts": ("synthmix.prompts", "PromptStrategy"),
    "generators": ("synthmix.generators", "Generator"),
    "mixing": ("synthmix.mixing", "Mixing"),
    "metrics": ("synthmix.evaluation.metrics", "Metric"),
    "corruptions": ("synthmix.evaluation.corruptions", "Corruption"),
    "engines": ("synthmix.engines", "Engine"),
}

TRAINING = "training"
"""No family: the settings of every run."""

Family = Annotated[
    str | None, typer.Argument(metavar="[FAMILY]", help="data, prompts, ..., or training.")
]
Name = Annotated[str | None, typer.Argument(metavar="[NAME]", help="Show this one's settings.")]


def command(family: Family = None, name: Name = None, json: Json = False) -> None:
    """List components; with a family and a name, a component's settings; `training`, the recipe."""
    from synthmix.registry import Registry

    if family == TRAINING:
        _recipe(json)
        return
    if family is not None and family not in FAMILIES:
        raise SettingError(_unknown(family))
    if family is not None and name is not None:
        _settings(family, name, json)
        return
    wanted = [family] if family else list(FAMILIES)
    found = {each: Registry["Component"](*FAMILIES[each]) for each in wanted}
    if json:
        say_json({key: {n: each.summary(n) for n in each.names()} for key, each in found.items()})
        return
    for key, each in found.items():
        say(f"\n{key}")
        table([["", n, each.summary(n)] for n in each.names()], ["", "", ""])
    if family is None:
        say("\nThe recipe of every run: synthmix list training")


def _unknown(word: str) -> str:
    """Return what to write instead of a word that is no family, perhaps a component's name."""
    from synthmix.registry import Registry

    for family, where in FAMILIES.items():
        if word in Registry["Component"](*where).names():
            return f"There is no family '{word}'. Did you mean 'synthmix list {family} {word}'?"
    return f"There is no family '{word}'. {suggestion(word, [*FAMILIES, TRAINING])}"


def _settings(family: str, name: str, json: bool) -> None:
    from synthmix.registry import Registry

    registry: Registry[Component] = Registry(*FAMILIES[family])
    cls = registry.get(name)
    _show(f"{name}: {registry.summary(name)}\n\n{registry.about(name)}", cls, json)


def _recipe(json: bool) -> None:
    from synthmix.training.recipe import Recipe

    _show(f"{TRAINING}: {(Recipe.__doc__ or '').strip()}", Recipe, json)


def _show(head: str, cls: type, json: bool) -> None:
    from synthmix.registry import describe

    settings = describe(cls)
    if json:
        say_json([asdict(each) for each in settings])
        return
    say(f"{head}\n")
    if settings:
        rows = [["", each.name, _short(each.default_text), each.help] for each in settings]
        table(rows, ["", "setting", "default", "meaning"])


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."
