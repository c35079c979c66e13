"""What a data set says of itself: in README.md, or in the older dataset_infos.json."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from synthmix import yaml_text
from synthmix.errors import DataError
from synthmix.types import Json

Features = Mapping[str, Json]
"""Column name -> its Hugging Face feature, as the Parquet metadata spell it."""

NOT_DESCRIBED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)
"""What reading a description of another kind than the hub's ends in."""

_FRONT_MATTER = re.compile(r"\s*---[ \t]*\n(.*?\n)?---[ \t]*(?:\n|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Card:
    """One configuration of a data set as its own folder describes it."""

    features: Features = field(default_factory=dict)
    num_rows: Mapping[str, int] = field(default_factory=dict)
    """Rows of each split, where they are told."""

    patterns: Mapping[str, Sequence[str]] | None = None
    """Files of each split, as patterns below the folder; None where file names alone tell."""

    folder: str = ""
    """Where in the data set the files lie."""

    is_named: bool = False
    """Whether the configuration that was asked for is described."""

    path: Path = Path("README.md")
    fault: str | None = None
    """Why nothing of it can be used, a sentence without its end."""


def read_card(folder: Path, name: str | None) -> Card:
    """Return what the folder says of a configuration; an empty card where it says nothing."""
    readme, infos = folder / "README.md", folder / "dataset_infos.json"
    which = f"{readme}: its front matter"
    try:
        front = _front_matter(readme) if readme.is_file() else {}
        chosen = _configuration(front.get("configs") or [], name)
        name = chosen.get("config_name", name)
        if "dataset_info" in front or not infos.is_file():
            told, path = _configuration(front.get("dataset_info", []), name), readme
            features = {each["name"]: _feature(each.get("dtype")) for each in _features(told)}
        else:
            which = str(infos)
            legacy = json.loads(infos.read_text(encoding="utf-8"))
            listed = [{"config_name": key, **value} for key, value in legacy.items()]
            told, path = _configuration(listed, name), infos
            features = dict(told.get("features") or {})
        is_named = name is not None and bool(chosen or told)
        place = _text(chosen.get("data_dir", ""))
        return Card(features, _num_rows(told), _patterns(chosen), place, is_named, path)
    except DataError as error:
        return Card(fault=str(error))
    except NOT_DESCRIBED as error:
        reason = f"{type(error).__name__}: {error}"
        return Card(fault=f"{which} does not describe columns as the hub does ({reason})")


def _front_matter(readme: Path) -> dict[str, Any]:
    with readme.open(encoding="utf-8-sig") as file:
        text = file.read(yaml_text.LARGEST)
    if not text.lstrip().startswith("---"):
        return {}
    found = _FRONT_MATTER.match(text)
    if found is None:
        if len(text) == yaml_text.LARGEST:
            raise DataError(
                f"{readme}: its front matter is longer than {yaml_text.LARGEST:,} characters"
            )
        return {}
    try:
        front = yaml_text.parse(found[1] or "", str)
    except ValueError as error:
        raise DataError(f"{readme}: its front matter is not valid YAML: {error}") from error
    return front if isinstance(front, dict) else {}


def _configuration(entries: Any, name: str | None) -> dict[str, Any]:
    """Return the entry of that name, else the default one, else the only one, else none."""
    entries = [entries] if isinstance(entries, dict) else list(entries)
    names = [each.get("config_name") for each in entries]
    if name is not None:
        wanted: tuple[str | None, ...] = (name, None)
    else:
        marked = [each.get("config_name") for each in entries if each.get("default") == "true"]
        wanted = (*marked, "default", None, *(names if len(names) == 1 else []))
        if entries and not any(each in names for each in wanted):
            known = ", ".join(str(each) for each in names if isinstance(each, str))
            raise DataError(f"README.md describes the configurations {known}: set name to one")
    return next((entries[names.index(each)] for each in wanted if each in names), {})


def _features(told: Mapping[str, Any]) -> Sequence[Any]:
    features: Sequence[Any] = told.get("features", [])
    names = [each["name"] for each in features]
    if len(set(names)) < len(names):
        raise ValueError(
            f"two features are called '{next(n for n in names if names.count(n) > 1)}'"
        )
    return features


def _feature(dtype: Json) -> Json:
    """Return a card's feature as the Parquet metadata spell it, its names unread."""
    if dtype == "image":
        return {"_type": "Image"}
    if isinstance(dtype, dict) and "class_label" in dtype:
        return {"_type": "ClassLabel", "names": dtype["class_label"].get("names", {})}
    return {}


def _num_rows(told: Mapping[str, Any]) -> dict[str, int]:
    splits = told.get("splits") or []
    if isinstance(splits, dict):  # of dataset_infos.json
        splits = [{**each, "name": name} for name, each in splits.items()]
    return {each["name"]: int(each["num_examples"]) for each in splits if "num_examples" in each}


def _patterns(chosen: Mapping[str, Any]) -> dict[str, list[str]] | None:
    told = chosen.get("data_files")
    if not told:
        return None
    # one pattern or some of them alone are the training split's
    entries = [told] if isinstance(told, (str, dict)) else list(told)
    found: dict[str, list[str]] = {}
    for each in entries:
        split, path = ("train", each) if isinstance(each, str) else (each["split"], each["path"])
        paths = [path] if isinstance(path, str) else path
        found.setdefault(split, []).extend(_text(each) for each in paths)
    return found


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} stands where a path should")
    return value
