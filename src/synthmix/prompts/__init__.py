"""Prompt strategies: class names in, texts for an image generator out.

A strategy is a frozen dataclass whose fields are its settings. Promises, held by the contract
tests over every file of this folder:

* exactly `per_class` prompts of every label, numbered 0, 1, 2, ... within the label;
* index-major, as images are requested: prompt 0 of every class, then prompt 1 of every class;
* the same prompts for the same class names, settings and seed;
* no text is empty, and every prompt names its strategy.

Strategies whose texts come before their number is asked for promise more: fewer prompts per class
are then a prefix of more, so a synthetic set can grow.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from synthmix.registry import Component
from synthmix.types import Json, Prompt


class PromptStrategy(Component, ABC):
    """Writes the prompts of a synthetic set."""

    @property
    def name(self) -> str:
        """The strategy's name: its file's."""
        return type(self).__module__.rpartition(".")[2].replace("_", "-")

    def content(self) -> Json:
        """Return what stands for the texts besides the settings: a file's sha256, else None."""
        return None

    def check(self, class_names: tuple[str, ...]) -> None:
        """Raise what would stop `write`, before any work; reads a file at the most."""

    @abstractmethod
    def write(self, class_names: tuple[str, ...], per_class: int, *, seed: int) -> Iterator[Prompt]:
        """Yield `per_class` prompts of each class; raises DataError where one cannot have any."""
