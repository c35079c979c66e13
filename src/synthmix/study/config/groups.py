"""What the keys of a study file are checked with before anything is built."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict

from synthmix.errors import SettingError, suggestion
from synthmix.study.config.other_names import answer

Settings = dict[str, Any]
"""A component as a file asks for it: `use` and its settings."""


def _file_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}", name):
        raise ValueError("must be 1 to 80 letters, digits, '.', '_' or '-', not '.' first")
    return name


Name = Annotated[str, AfterValidator(_file_name)]
"""A name that becomes part of a folder's name."""


STRICT = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True, allow_inf_nan=False)
"""A group of keys in which no other key may stand."""


def check_keys(where: str, group: Any, model: type[BaseModel]) -> None:
    """Raise SettingError, with the nearest key, for one that a group of this kind does not have.

    Pydantic has no words for that; a value that is no group is left to it.
    """
    if isinstance(group, dict):
        answer(f"{where}.", group.items(), model.model_fields)
    for key in group if isinstance(group, dict) else ():
        if key not in model.model_fields:
            hint = suggestion(key, model.model_fields)
            raise SettingError(f"{where} has no key '{key}'. {hint}")
