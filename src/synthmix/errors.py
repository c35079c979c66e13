"""The errors a user can meet; the command line prints each of them in one line.

SynthmixError
├── SettingError            a setting has a wrong name, type, value or range
│   ├── UnknownComponent    no component of that name exists
│   └── NotYetAvailable     a reserved key that a later release will fill
├── MissingPackage          an optional package is needed
├── DataError               images, labels or classes are not what was promised
│   └── NoSuchSplit         a source has images, but not of this split
├── ArtifactError           a stored artifact is damaged or not what its name says
│   └── Unfinished          a run has yet to end it
├── DiskFull                no space is left; nothing finished is lost
└── Interrupted             a worker stopped before its task ended
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from unicodedata import category

LONGEST = 400
"""Characters of an error's line."""


class SynthmixError(Exception):
    """Root of every error that is the user's to mend; as text it is one line."""

    def __str__(self) -> str:
        return shortened(" ".join(printable(super().__str__()).split()), LONGEST)


class SettingError(SynthmixError):
    """A setting has a wrong name, type, value or range."""


class UnknownComponent(SettingError):
    """No component of that name exists in its family."""


class NotYetAvailable(SettingError):
    """A key is reserved for a capability that is not there yet."""


class MissingPackage(SynthmixError):
    """A component needs a package that is not installed."""


class DataError(SynthmixError):
    """Images, labels or class names are not what was promised."""


class NoSuchSplit(DataError):
    """A source has images, but none of the split that was asked for."""


class ArtifactError(SynthmixError):
    """A stored artifact is damaged or is not what its name says."""


class Unfinished(ArtifactError):
    """An artifact that a run has yet to end is asked for what it will hold."""


class DiskFull(SynthmixError):
    """No space is left on the device; what was finished stays finished."""


class Interrupted(SynthmixError):
    """A worker process stopped before its task ended."""


class DamagedCache(UserWarning):
    """An entry of the cache was damaged; it is made anew, and no result depends on it."""


def suggestion(name: object, known: Iterable[str]) -> str:
    """Return ``Did you mean 'x'? Known: a, b.``, without the question where nothing is close."""
    known = sorted(known)
    close = get_close_matches(str(name), known, n=1, cutoff=0.6)
    question = f"Did you mean {shown(close[0])}? " if close else ""
    return f"{question}Known: {_listed(known)}."


def shown(name: str) -> str:
    """Return a name in quotes, with its characters by number where two could look the same."""
    is_plain = name.isascii() and name.isprintable() and "  " not in name
    return f"'{name}'" if is_plain else f"'{name}' ({name!a})"


def counted(number: int, what: str) -> str:
    """Return `1 image` or `1,200 images`: a number before `what`, which is given in the plural.

    Its first plural is the noun; `are`, `have`, `hold` or `lie` right behind it agrees with it.
    """
    return f"{number:,} {what if number != 1 else _PLURAL.sub(_singular, what, count=1)}"


_PLURAL = re.compile(r"\b(\w+?)(sses|ies|s)\b((?: that)?(?: (?:are|have|hold|lie)\b)?)")
_ENDS = {"sses": "ss", "ies": "y", "s": ""}
_VERBS = {"are": "is", "have": "has", "hold": "holds", "lie": "lies"}


def _singular(found: re.Match[str]) -> str:
    noun, end, rest = found.groups()
    that, _, verb = rest.rpartition(" ")
    return noun + _ENDS[end] + (f"{that} {_VERBS[verb]}" if verb in _VERBS else rest)


def _listed(names: list[str]) -> str:
    """Return the names, or as many as a line has room for."""
    if not names:
        return "none"
    room = 200
    told = [name for at, name in enumerate(names) if sum(map(len, names[: at + 1])) <= room]
    more = len(names) - len(told)
    return ", ".join(told) + (f" and {more:,} more" if more else "")


def shortened(text: str, most: int) -> str:
    """Return a text without its middle where it is longer than `most` characters."""
    tail = most // 3
    return text if len(text) <= most else f"{text[: most - tail - 5]} ... {text[-tail:]}"


def printable(text: str) -> str:
    """Return a text with what nobody sees, or what would steer a terminal, escaped."""
    if text.isprintable():
        return text
    return "".join(each if _is_harmless(each) else ascii(each)[1:-1] for each in text)


def _is_harmless(character: str) -> bool:
    # Cc: ESC and its kind; Cs: halves of a pair; Cf: marks that turn or hide what stands beside
    return character in _KEPT or category(character) not in ("Cc", "Cs", "Cf")


_KEPT = "\n\t\u200c\u200d"
"""Lines, and what joins emoji and letters."""
