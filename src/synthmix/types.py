"""The nouns that cross the borders between stages."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
"""One image `[H, W, 3]` or many `[N, H, W, 3]`, RGB."""

Labels = NDArray[np.int64]
"""Class indices `[N]`, each an index into `class_names`."""

Indices = NDArray[np.int64]
"""Row numbers of images in an `ImageSet`."""

Json = Any
"""A value that JSON can hold."""

Direction = Literal["higher", "lower"]
"""Which way a metric improves."""

REAL_ONLY = ("real-only", "real only", "real")
"""What sentences call the arm of real images alone; no synthetic set may be called so."""

Device = Literal["auto", "cpu", "cuda", "mps"]
"""Where tensors live; `auto` is CUDA, then MPS, then CPU."""

Precision = Literal["auto", "float32", "bfloat16"]
"""Precision of a forward pass; `auto` is bfloat16 where the hardware multiplies it natively."""

Progress = Callable[[int, int], None]
"""Called as `progress(completed, total)` by anything that may take longer than two seconds."""


def no_progress(completed: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True)
class ImageSet:
    """Labelled images of one size, possibly memory-mapped.

    `pixels` is uint8 `[N, H, W, 3]`, `labels` int64 `[N]`; `columns` holds one value an image
    (prompt, seed, flags). `fingerprint` names the decoded content, not where it came from.
    """

    pixels: Pixels
    labels: Labels
    class_names: tuple[str, ...]
    fingerprint: str
    columns: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_size(self) -> int:
        """Side of the square images, in pixels."""
        return int(self.pixels.shape[1])

    @property
    def num_classes(self) -> int:
        """Number of classes, empty ones included."""
        return len(self.class_names)

    def per_class(self) -> list[int]:
        """Return the number of images of each class, in label order."""
        counts: list[int] = np.bincount(self.labels, minlength=self.num_classes).tolist()
        return counts


@dataclass(frozen=True)
class Prompt:
    """One text for an image generator and what it was made from."""

    label: int
    index: int
    text: str
    strategy: str
    source: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One image to be generated: number `index` of class `label`, with a seed of its own."""

    label: int
    class_name: str
    index: int
    seed: int
    prompt: str | None = None
    cut: str | None = None
    """What of the prompt a text encoder does not read."""


@dataclass(frozen=True)
class TextEncoder:
    """A text encoder's limit; `tokens` splits a text into the pieces that it counts."""

    name: str
    limit: int
    tokens: Callable[[str], Sequence[str]]

    def cut(self, text: str) -> str | None:
        """Return what of the text lies beyond the limit, None where nothing does."""
        beyond = self.tokens(text)[self.limit :]
        return "".join(beyond).strip() or None


@dataclass(frozen=True)
class Mixture:
    """The training set of one arm at one seed, as row numbers of its sources.

    `synthetic` maps a source's name to rows of its `ImageSet`. `batch_share` is the synthetic
    share of every batch in [0, 1] where the arm fixes it, else None: every image then has the
    same chance.
    """

    arm: str
    ratio: float
    seed: int
    real: Indices
    synthetic: Mapping[str, Indices] = field(default_factory=dict)
    batch_share: float | None = None
    labels: Mapping[str, Labels] = field(default_factory=dict)
    """Labels of the chosen rows of a synthetic set where they are not its own."""

    @property
    def num_real(self) -> int:
        """Number of real images."""
        return len(self.real)

    @property
    def num_synthetic(self) -> int:
        """Number of synthetic images over all sources."""
        return sum(len(rows) for rows in self.synthetic.values())


@dataclass(frozen=True)
class Score:
    """A number with its interval: mean over seeds, `low` and `high` at 95 %, None for one seed."""

    mean: float
    low: float | None
    high: float | None
    values: tuple[float, ...]


VerdictLabel = Literal[
    "helps",
    "substitutes",
    "helps, but so does more augmentation",
    "not attributable to labels",
    "no evidence",
    "equivalent",
    "hurts",
    "invalid",
]
"""What a rule may say of an arm."""


@dataclass(frozen=True)
class Verdict:
    """What a rule says of one arm, or of a whole study, and the sentence that explains it.

    `unclaimed` lists what cannot be claimed because a control was left out; `detectable` is the
    effect that would have been seen with 80 % power, as a share of 1; `is_open` whether it rests on
    something that is not shown, so that more seeds might decide it.
    """

    arm: str
    label: VerdictLabel
    sentence: str
    unclaimed: tuple[str, ...] = ()
    detectable: float | None = None
    p_adjusted: float | None = None
    reason: str = ""
    is_open: bool = False

    @property
    def text(self) -> str:
        """The label with what belongs to it: why it is invalid, what could have been seen."""
        if self.label == "invalid":
            return f"invalid: {self.reason}"
        if self.label == "no evidence" and self.detectable is not None:
            if self.detectable > 1:
                return "no evidence (could not have seen any difference)"
            return f"no evidence (could have seen {100 * self.detectable:.2f} points)"
        return self.label
