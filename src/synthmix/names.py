"""Class names from different places are one where Unicode says that they are the same text.

macOS spells names decomposed, most others composed (`e` with an accent after it, or one character);
they look equal. Names are composed (NFC) as they enter, and looked up by it.
"""

import unicodedata
from collections.abc import Collection, Iterable, Mapping
from typing import TypeVar

from synthmix.errors import SettingError, shown

T = TypeVar("T")


def composed(name: str) -> str:
    """Return a name in Unicode's composed form (NFC)."""
    return unicodedata.normalize("NFC", name)


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return a source's class names composed; as they are where two would become one."""
    given = tuple(names)
    found = tuple(map(composed, given))
    return found if len(set(found)) == len(set(given)) else given


def matched(name: str, names: Collection[str]) -> str:
    """Return the one of `names` that `name` stands for: itself or composed; else `name`."""
    return name if name in names or composed(name) not in names else composed(name)


def keyed(given: Mapping[str, T], names: Collection[str], *, where: str) -> dict[str, T]:
    """Return what is given by name under those of `names` that its keys stand for.

    Raises SettingError where two keys stand for one.
    """
    found: dict[str, T] = {}
    for name, value in given.items():
        key = matched(name, names)
        if key in found:
            twin = next(each for each in given if matched(each, names) == key)
            raise SettingError(
                f"{where}: {shown(twin)} and {shown(name)} are one name; leave one of them out."
            )
        found[key] = value
    return found


def alike(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return the names that only case, width, spaces or what is not seen tells apart."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_seen(name), []).append(name)
    return [tuple(group) for group in groups.values() if len(group) > 1]


def _seen(name: str) -> str:
    """Return what is left of a name without case, width, spaces and invisible characters."""
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(
        each for each in plain if not each.isspace() and unicodedata.category(each) != "Cf"
    )
