"""What is noticed of single images while a source decodes them, for whoever asked for them."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

EXAMPLES = 3
"""Names that are kept of what is noticed."""

Noticed = dict[str, tuple[int, tuple[str, ...]]]
"""What was noticed -> of how many images, and the first of them by name."""

_noticed: ContextVar[Noticed | None] = ContextVar("noticed", default=None)


@contextmanager
def noticing() -> Iterator[Noticed]:
    """Yield what is noticed of images from now on, until it is left."""
    found: Noticed = {}
    token = _noticed.set(found)
    try:
        yield found
    finally:
        _noticed.reset(token)


def legible(name: str) -> str:
    """Return a file's name as text that can be written, printed and read back as one line."""
    escaped = name.encode("utf-8", "backslashreplace").decode()
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in escaped)


def notice(what: str, name: str) -> None:
    """Count an image, by name, of which `what` is true; nothing is kept where nobody asked."""
    found = _noticed.get()
    if found is not None:
        count, names = found.get(what, (0, ()))
        found[what] = (count + 1, (*names, legible(name))[:EXAMPLES])
