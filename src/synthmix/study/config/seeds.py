"""How many run seeds a study has: a number, or as many as its verdicts need (`seeds: auto`)."""

from typing import Any

from synthmix.errors import SettingError
from synthmix.evaluation.adaptive import Adaptive
from synthmix.registry import build


def read(asked: dict[str, Any]) -> tuple[dict[str, Any], Adaptive | None]:
    """Return the study's keys with `seeds` as a number, and the rule that adds seeds, if any.

    The number is the most that any arm can have. Raises SettingError.
    """
    wanted = asked.get("seeds")
    if isinstance(wanted, str) and wanted != "auto":
        raise SettingError(
            f"seeds is '{wanted}'; it must be a number, 'auto', or a group like "
            "{first: 3, step: 2, most: 9, budget: 40}."
        )
    if not isinstance(wanted, (str, dict)):
        return asked, None
    settings = wanted if isinstance(wanted, dict) else {}
    found = build(Adaptive, settings, label="rule that adds seeds", where="seeds")
    return {**asked, "seeds": found.most}, found
