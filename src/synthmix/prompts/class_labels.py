"""One sentence with the class's name: the plainest prompt, and the one to beat."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import Formatter

from synthmix.errors import SettingError, suggestion
from synthmix.prompts import PromptStrategy
from synthmix.types import Prompt

_PLACEHOLDERS = ("article", "name")

# The sound decides, not the letter. A silent h: hour, honest, honour, heir. A vowel letter that
# sounds like "you" or "won": unicorn (but uninvited, unmarked), user, euro, ewe, ukulele, one.
_VOWEL_SOUND = re.compile(
    r"(?:hour|hones|honou?r|heir)"
    r"|(?!uni(?![dmn])|us[aeu]|ut[ei]|uk|ura|eu|ew|one\b|once\b)[aeiou]"
)


def article(name: str) -> str:
    """Return "a" or "an" by the sound the English name begins with, as far as a short rule can."""
    return "an" if _VOWEL_SOUND.match(name.lower()) else "a"


@dataclass(frozen=True, kw_only=True)
class ClassLabels(PromptStrategy):
    """Fills a template with the class's name: equal texts within a class, images differ by seed."""

    template: str = "A photo of {article} {name}"
    """Sentence with {name}, underscores read as spaces, and {article}, its "a" or "an"."""

    def __post_init__(self) -> None:
        names = [_checked(*part, self.template) for part in _placeholders(self.template)]
        if "name" not in names:
            raise SettingError(
                f"template must contain {{name}}, else all classes share one text, "
                f"got {self.template!r}."
            )

    def write(self, class_names: tuple[str, ...], per_class: int, *, seed: int) -> Iterator[Prompt]:
        texts = [self._text(name.replace("_", " ")) for name in class_names]
        for index in range(per_class):
            for label, text in enumerate(texts):
                yield Prompt(label, index, text, self.name, {"template": self.template})

    def _text(self, name: str) -> str:
        return self.template.format(article=article(name), name=name)


def _placeholders(template: str) -> list[tuple[str, str]]:
    """Return each placeholder's name with the conversion and format after it, mostly none."""
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise SettingError(
            f"template is not a valid template ({error}), got {template!r}; write {{{{ for a brace."
        ) from None
    return [(name, (form or "") + (how or "")) for _, name, form, how in parts if name is not None]


def _checked(name: str, further: str, template: str) -> str:
    if name not in _PLACEHOLDERS:
        raise SettingError(
            f"template has no placeholder '{{{name}}}'. {suggestion(name, _PLACEHOLDERS)}"
        )
    if further:
        raise SettingError(f"template takes no format, got {template!r}; write it as {{{name}}}.")
    return name
