"""Image sources: real images, or synthetic ones that somebody already has.

A source is a frozen dataclass whose fields are its settings. It only decodes; what all sources
share (one size, one kernel, the memory-mapped cache, stratified subsets) is done once, by
`open_images`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Le

from synthmix.registry import Component
from synthmix.types import Json, Pixels

Split = Literal["train", "test"]


@dataclass(frozen=True)
class PassedOver:
    """What a source does not take, all of it for one reason."""

    reason: str
    """Why, in words that follow a number: `hidden files`, `files of other kinds (.txt)`."""

    count: int
    examples: tuple[str, ...] = ()
    """The first three of them, as a user would look for them."""


@dataclass(frozen=True)
class Listing:
    """What a split holds, known before any image is decoded."""

    class_names: tuple[str, ...]
    num_images: int
    content: Json
    """What stands for the raw content: files with sizes and times, or a dataset's revision."""

    passed_over: tuple[PassedOver, ...] = ()
    notes: tuple[str, ...] = ()
    """What is taken and may not be what is meant, a sentence each."""


@dataclass(frozen=True, kw_only=True)
class ImageSource(Component, ABC):
    """Yields decoded images of the training or the test split."""

    per_class: Annotated[int, Ge(1), Le(10_000_000)] | None = None
    """Training images kept of each class, chosen at random; all where not given."""

    seed: int = 0
    """Seed of that choice."""

    @property
    def shows_characters(self) -> bool:
        """Whether these are known to be digits or letters, which mirroring turns into others."""
        return False

    @abstractmethod
    def list(self, split: Split) -> Listing:
        """Return what the split holds; raises NoSuchSplit, or DataError for a wrong path."""

    @abstractmethod
    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        """Yield `(image, label)` in a fixed order: uint8 RGB `[H, W, 3]` of any size.

        Grey and RGBA files arrive converted (alpha over white); a file that cannot be decoded
        raises DataError with its name.
        """

    def names(self, split: Split, rows: Sequence[int]) -> Sequence[str]:
        """Return by which names a user finds these rows of `read`: a file, a file and its row."""
        return [f"image {row} of the {split} split" for row in rows]

    def place(self, split: Split) -> str:
        """Return in which folder these names are found; empty where there is none."""
        return ""
