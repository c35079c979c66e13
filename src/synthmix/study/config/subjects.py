"""Sets whose prompts start from another set's: each name leads somewhere, and none to itself."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synthmix.errors import SettingError, suggestion

if TYPE_CHECKING:
    from synthmix.study.config.file import SyntheticSet


def check_subjects(sets: "Sequence[SyntheticSet]") -> None:
    """Raise SettingError for an unknown set, one without prompts, or a circle of sets."""
    start = {e.name: e.prompts.subjects_from for e in sets if e.prompts is not None}
    names = [each.name for each in sets]
    for name, other in start.items():
        if other is None:
            continue
        where = f"synthetic.{name}.prompts.from"
        if other not in names:
            hint = suggestion(other, [each for each in start if each != name])
            raise SettingError(f"{where}: there is no synthetic set '{other}'. {hint}")
        if other not in start:
            raise SettingError(f"{where}: the set '{other}' has no prompts to start from.")
        circle = _circle(name, start)
        if circle:
            raise SettingError(f"{where}: a set cannot start from itself: {' from '.join(circle)}.")


def _circle(name: str, start: dict[str, str | None]) -> list[str]:
    """Return the sets from `name` back to itself, nothing where the path ends."""
    path, here = [name], start.get(name)
    while here is not None and here not in path:
        path.append(here)
        here = start.get(here)
    return [*path, name] if here == name else []
