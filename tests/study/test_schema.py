"""The published schema takes what the program takes, and says what each setting means."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from synthmix.errors import SettingError
from synthmix.study.config.file import DATA, ENGINES, GENERATORS, MIXING, PROMPTS, resolve
from synthmix.study.config.schema import schema

ROOT = Path(__file__).parents[2]
QUICKSTART = yaml.safe_load((ROOT / "studies" / "quickstart.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    found = schema()
    Draft202012Validator.check_schema(found)
    return Draft202012Validator(found)


def test_the_published_one_is_that_of_this_version() -> None:
    stored = json.loads((ROOT / "docs" / "study.schema.json").read_text(encoding="utf-8"))
    assert stored == schema(), "run: synthmix schema > docs/study.schema.json"


@pytest.mark.parametrize("path", sorted((ROOT / "studies").glob("*.yaml")), ids=lambda p: p.stem)
def test_the_studies_of_this_project_fit_it(validator: Draft202012Validator, path: Path) -> None:
    asked = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(asked)] == []


@pytest.mark.parametrize(
    ("changes", "is_right"),
    [
        ({"seeds": "auto"}, True),
        ({"seeds": {"first": 3, "step": 1}}, True),
        ({"seeds": {"frist": 3}}, False),
        ({"seeds": 0}, False),
        ({"sede": 1}, False),
        ({"training": {"steps": 3, "device": "cpu"}}, True),
        ({"training": {"stpes": 3}}, False),
        ({"real": {"use": "digits", "test_fraction": 0.5, "per_class": 3}}, True),
        ({"real": {"use": "digit"}}, False),
        ({"real": {"path": "images"}}, False),
        ({"controls": False}, True),
        ({"controls": {"leave_out": ["half-steps"], "curve": [30, 60]}}, True),
        ({"mixing": {"total": 100}}, True),
        ({"mixing": {"use": "add", "total": 100}}, False),
        ({"evaluation": {"corruptions": {"kinds": ["jpeg", {"use": "contrast"}]}}}, True),
        ({"evaluation": {"corruptions": {"kinds": ["jpg"]}}}, False),
        ({"engine": {"processes": 2}}, True),
        ({"output": None, "image_size": 8}, True),
    ],
    ids=str,
)
def test_it_takes_what_the_program_takes(
    validator: Draft202012Validator, changes: dict[str, Any], is_right: bool
) -> None:
    asked = {**QUICKSTART, **changes}
    assert validator.is_valid(asked) is is_right
    if is_right:
        resolve(asked)
    else:
        with pytest.raises(SettingError):
            resolve(asked)


def test_every_setting_says_what_it_means() -> None:
    found = schema()
    for registry in (DATA, PROMPTS, GENERATORS, MIXING, ENGINES):
        options = found["$defs"][registry.family]["allOf"]
        named = [each["if"]["properties"]["use"]["const"] for each in options]
        assert named == registry.names()
    silent = [name for name, each in properties(found) if not each.get("description", "").strip()]
    assert silent == []


def properties(node: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every property that the schema describes, wherever it stands."""
    if isinstance(node, dict):
        for name, each in node.get("properties", {}).items():
            if set(each) != {"const"}:  # the condition of a choice
                yield name, each
        for key, each in node.items():
            if key != "default":
                yield from properties(each)
    elif isinstance(node, list):
        for each in node:
            yield from properties(each)
