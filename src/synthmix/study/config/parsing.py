"""YAML in a study file or after `--set`: what is none is a setting's error."""

from typing import Any

from synthmix import yaml_text
from synthmix.errors import SettingError


def parse(text: str, where: str) -> Any:
    """Return what the text holds; raises SettingError, in one line, where it is not YAML."""
    try:
        return yaml_text.parse(text)
    except yaml_text.NotYaml as error:
        raise SettingError(f"{where} is not valid YAML: {error}.") from None
