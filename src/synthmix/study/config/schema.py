"""The JSON schema of study files, with which editors complete and check them as they are typed.

Types and ranges are pydantic's own; what a setting means is the string under its field.
"""

from dataclasses import fields
from typing import Any

from pydantic import BaseModel, TypeAdapter

from synthmix.errors import MissingPackage
from synthmix.evaluation.adaptive import Adaptive
from synthmix.registry import Registry, describe, field_texts, setting_name
from synthmix.study.config.evaluation import CORRUPTIONS, Asked, Corrupted
from synthmix.study.config.file import DATA, ENGINES, GENERATORS, MIXING, PROMPTS
from synthmix.study.config.keys import ControlKeys, SetKeys, StudyKeys
from synthmix.training.recipe import Recipe

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def schema() -> Schema:
    """Return the JSON schema of a study file (draft 2020-12), all its components' settings in it.

    A plug-in's components are there where it is installed; one whose packages are not is named
    without its settings.
    """
    defs: dict[str, Schema] = {
        registry.family: _family(registry)
        for registry in (DATA, PROMPTS, GENERATORS, MIXING, ENGINES, CORRUPTIONS)
    }
    defs["training"] = {**_settings(Recipe), "additionalProperties": False}
    defs["seeds"] = {**_settings(Adaptive), "additionalProperties": False}
    slots: dict[tuple[type[BaseModel], str], Schema] = {
        (StudyKeys, "real"): _ref("data"),
        (StudyKeys, "mixing"): _open(MIXING, "replace"),
        (StudyKeys, "engine"): _open(ENGINES, "local"),
        (StudyKeys, "training"): _ref("training"),
        (StudyKeys, "synthetic"): {"additionalProperties": _ref("set")},
        (StudyKeys, "seeds"): {"anyOf": [_whole(1, 1000), {"const": "auto"}, _ref("seeds")]},
        (StudyKeys, "controls"): {"anyOf": [{"type": "boolean"}, _ref("controls")]},
        (StudyKeys, "evaluation"): _ref("evaluation"),
        (SetKeys, "images"): _ref("data"),
        (SetKeys, "generator"): _ref("generators"),
        (SetKeys, "prompts"): _ref("prompts"),
        (Asked, "test_sets"): {"additionalProperties": _ref("data")},
        (Asked, "corruptions"): {"anyOf": [{"type": ["boolean", "null"]}, _ref("corrupted")]},
        (Corrupted, "kinds"): {
            "type": "array",
            "items": {"anyOf": [{"enum": CORRUPTIONS.names()}, _ref("corruptions")]},
        },
    }
    groups: dict[str, type[BaseModel]] = {
        "set": SetKeys,
        "controls": ControlKeys,
        "evaluation": Asked,
        "corrupted": Corrupted,
    }
    defs |= {name: _group(model, slots) for name, model in groups.items()}
    top = _group(StudyKeys, slots)
    return {
        "$schema": DIALECT,
        "title": "synthmix study",
        "description": "What to train on which images, and what to compare.",
        **top,
        "$defs": defs | top.pop("$defs", {}),
    }


def _group(model: type[BaseModel], slots: dict[tuple[type[BaseModel], str], Schema]) -> Schema:
    """Return the schema of a group of keys; `slots` are those of keys that hold components."""
    found = model.model_json_schema()
    texts = field_texts(model)
    properties = {}
    for name, plain in found["properties"].items():
        own = slots.get((model, name), plain)
        kept = {"default": plain["default"]} if "default" in plain else {}
        properties[name] = {"description": texts[name], **kept, **own}
        properties[name].pop("title", None)
    return {
        "type": "object",
        "properties": properties,
        "required": found.get("required", []),
        "additionalProperties": False,
    }


def _family(registry: Registry[Any]) -> Schema:
    """Return a schema that one component of a family fits, told apart by `use`."""
    return {
        "type": "object",
        "properties": {"use": {"enum": registry.names(), "description": f"Which {registry.noun}."}},
        "required": ["use"],
        "allOf": [
            {"if": {"properties": {"use": {"const": name}}}, "then": _component(registry, name)}
            for name in registry.names()
        ],
    }


def _component(registry: Registry[Any], name: str) -> Schema:
    told = {"const": name, "description": registry.summary(name)}
    try:
        found = _settings(registry.get(name))
    except MissingPackage:
        return {"properties": {"use": told}}
    return {
        "properties": {"use": told, **found["properties"]},
        "required": found.get("required", []),
        "additionalProperties": False,
        **({"$defs": found["$defs"]} if "$defs" in found else {}),
    }


def _settings(cls: type[Any]) -> Schema:
    """Return the schema of a component's settings by the names under which users write them."""
    found = TypeAdapter(cls).json_schema()
    field_of = {setting_name(each.name): each.name for each in fields(cls)}
    properties = {}
    for each in describe(cls):
        plain = found["properties"][field_of[each.name]]
        plain.pop("title", None)
        properties[each.name] = {"description": each.help.strip(), **plain}
    required = [each.name for each in describe(cls) if each.is_required]
    kept = {"$defs": found["$defs"]} if "$defs" in found else {}
    return {"type": "object", "properties": properties, "required": required, **kept}


def _open(registry: Registry[Any], default: str) -> Schema:
    """Return the schema of a slot whose `use` may be left out."""
    chosen = {"if": {"required": ["use"]}, "then": _ref(registry.family)}
    return {**chosen, "else": _component(registry, default)}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _whole(low: int, high: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high}
