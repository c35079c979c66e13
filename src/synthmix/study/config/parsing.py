"""YAML in a study file or after `--set`: what is none is a setting's error."""

from typing import Any

from synthmix import yaml_text
from synthmix.errors import SettingError

_NO_VALUE = "a value is missing; write one, or null for the default"


def parse(text: str, where: str) -> Any:
    """Return what the text holds; raises SettingError, in one line, where it is not YAML.

    Nothing at all is no value: it would leave a default in place that was meant to be changed.
    """
    try:
        return yaml_text.parse(text, _written)
    except yaml_text.NotYaml as error:
        problem = str(error) if _NO_VALUE in str(error) else f"is not valid YAML: {error}"
        raise SettingError(f"{where}{',' if _NO_VALUE in problem else ''} {problem}.") from None


def _written(text: str) -> Any:
    if not text:
        raise yaml_text.NotYaml(_NO_VALUE)
    return yaml_text.resolved(text)
