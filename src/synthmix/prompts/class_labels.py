"""One sentence with the class's name: the plainest prompt, and the one to beat."""

from collections.abc import Iterator
from dataclasses import dataclass

from synthmix.errors import SettingError
from synthmix.prompts import PromptStrategy
from synthmix.prompts._template import article, placeholders
from synthmix.prompts.spoken_names import check_spoken, spoken
from synthmix.types import Prompt


@dataclass(frozen=True, kw_only=True)
class ClassLabels(PromptStrategy):
    """Fills a template with the class's name: equal texts within a class, images differ by seed."""

    template: str = "A photo of {article} {name}"
    """Sentence with {name}, as it is spoken, and {article}, its "a" or "an"."""

    def __post_init__(self) -> None:
        if "name" not in placeholders(self.template, ("article", "name")):
            raise SettingError(
                f"template must contain {{name}}, else all classes share one text, "
                f"got {self.template!r}."
            )

    def check(self, class_names: tuple[str, ...]) -> None:
        check_spoken(class_names)

    def write(self, class_names: tuple[str, ...], per_class: int, *, seed: int) -> Iterator[Prompt]:
        texts = [self._text(spoken(name)) for name in class_names]
        for index in range(per_class):
            for label, text in enumerate(texts):
                yield Prompt(label, index, text, self.name, {"template": self.template})

    def _text(self, name: str) -> str:
        return self.template.format(article=article(name), name=name)
