"""Templates of prompts, and the article of what stands in them."""

import re
from collections.abc import Sequence
from string import Formatter

from synthmix.errors import SettingError, suggestion

# The sound decides, not the letter. A silent h: hour, honest, honour, heir. A vowel letter that
# sounds like "you" or "won": unicorn (but uninvited, unmarked), user, euro, ewe, ukulele, one.
_VOWEL_SOUND = re.compile(
    r"(?:hour|hones|honou?r|heir)"
    r"|(?!uni(?![dmn])|us[aeu]|ut[ei]|uk|ura|eu|ew|one\b|once\b)[aeiou]"
)


def article(name: str) -> str:
    """Return "a" or "an" by the sound the English name begins with, as far as a short rule can."""
    return "an" if _VOWEL_SOUND.match(name.lower()) else "a"


def placeholders(template: str, known: Sequence[str], setting: str = "template") -> list[str]:
    """Return the placeholders of a template; raises SettingError for what is not known."""
    return [_checked(*part, template, known, setting) for part in _parts(template, setting)]


def _parts(template: str, setting: str) -> list[tuple[str, str]]:
    """Return each placeholder's name with the conversion and format after it, mostly none."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise SettingError(
            f"{setting} is not a valid template ({error}), got {template!r}; "
            "write {{ for a brace."
        ) from None
    return [(name, (form or "") + (how or "")) for _, name, form, how in parts if name is not None]


def _checked(name: str, further: str, template: str, known: Sequence[str], setting: str) -> str:
    if name not in known:
        raise SettingError(f"{setting} has no placeholder '{{{name}}}'. {suggestion(name, known)}")
    if further:
        raise SettingError(f"{setting} takes no format, got {template!r}; write it as {{{name}}}.")
    return name
