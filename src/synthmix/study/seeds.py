"""How many run seeds a study has: a number, or as many as its verdicts need (`seeds: auto`)."""

from dataclasses import dataclass
from typing import Annotated, Any

from annotated_types import Ge, Le

from synthmix.errors import SettingError
from synthmix.evaluation.adaptive import Looks
from synthmix.registry import AS_WRITTEN, build


@dataclass(frozen=True, kw_only=True)
class Adaptive:
    """Seeds that are added to arms whose verdict is open, and to no others."""

    __pydantic_config__ = AS_WRITTEN

    first: Annotated[int, Ge(2), Le(1000)] = 3
    """Seeds of every arm at the first look."""

    step: Annotated[int, Ge(1), Le(1000)] = 2
    """Seeds that an open arm has more at the next look."""

    most: Annotated[int, Ge(2), Le(1000)] = 9
    """Seeds at the last look."""

    budget: Annotated[int, Ge(0), Le(1_000_000)] | None = None
    """Training runs that may be added after the first look; as many as `most` allows if not given.
    """

    def __post_init__(self) -> None:
        assert self.looks.numbers

    @property
    def looks(self) -> Looks:
        """At which numbers of seeds arms are judged."""
        return Looks(self.first, self.step, self.most)


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
