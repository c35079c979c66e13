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

from collections.abc import Iterable
from difflib import get_close_matches


class SynthmixError(Exception):
    """Root of every error that is the user's to mend."""


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
    return f"{question}Known: {', '.join(known) or 'none'}."


def shown(name: str) -> str:
    """Return a name in quotes, with its characters by number where two could look the same."""
    is_plain = name.isascii() and name.isprintable() and "  " not in name
    return f"'{name}'" if is_plain else f"'{name}' ({name!a})"
