"""Prompt strategies: class names in, texts for an image generator out.

A strategy is a frozen dataclass whose fields are its settings. Promises, held by the contract
tests over every file of this folder:

* exactly `per_class` prompts of every label, numbered 0, 1, 2, ... within the label;
* index-major, as images are requested: prompt 0 of every class, then prompt 1 of every class;
* the same prompts for the same class names, settings and seed;
* no text is empty, and every prompt names its strategy.

Strategies whose texts come before their number is asked for promise more: fewer prompts per class
are then a prefix of more, so a synthetic set can grow.

A strategy whose texts cost something (`is_costly`) is called by `resume` instead, with a ledger:
what is in it is replayed and never written again, and each new text is in it, on disk, the moment
it is accepted. It promises equal texts only where its settings say so.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from synthmix.ledger import Ledger
from synthmix.registry import Component
from synthmix.types import Json, Progress, Prompt, no_progress


class PromptStrategy(Component, ABC):
    """Writes the prompts of a synthetic set."""

    is_costly: ClassVar[bool] = False
    """Whether writing takes more than a moment, as with a language model."""

    speaks_names: ClassVar[bool] = True
    """Whether texts speak of classes by the names of `class_map`; else by the images' own."""

    @property
    def subjects_from(self) -> str | None:
        """Name of the set whose prompts this strategy starts from, None where it needs none."""
        return None

    @property
    def name(self) -> str:
        """The strategy's name: its file's."""
        return type(self).__module__.rpartition(".")[2].replace("_", "-")

    def content(self) -> Json:
        """Return what stands for the texts besides the settings: a file's sha256, else None."""
        return None

    def check(self, class_names: tuple[str, ...]) -> None:
        """Raise what would stop `write`, before any work; reads a file at the most."""

    def notes(self, class_names: tuple[str, ...]) -> list[str]:
        """Return what a reader of the set's card should know of the texts: sources, exceptions."""
        return []

    @abstractmethod
    def write(self, class_names: tuple[str, ...], per_class: int, *, seed: int) -> Iterator[Prompt]:
        """Yield `per_class` prompts of each class; raises DataError where one cannot have any."""

    def resume(
        self,
        class_names: tuple[str, ...],
        per_class: int,
        *,
        seed: int,
        ledger: Ledger,
        subjects: Sequence[Prompt] = (),
        progress: Progress = no_progress,
    ) -> Iterator[Prompt]:
        """Yield what `write` does, going on from the ledger; `subjects` are what to start from."""
        return self.write(class_names, per_class, seed=seed)

    def told(self, prompts: Sequence[Prompt]) -> list[str]:
        """Return what a reader of the card should know of how these prompts were written."""
        return []
