"""Images of any size brought to one: how much of them that changes, and what it costs."""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from synthmix.errors import DataError, SettingError, counted
from synthmix.images import Resize, resized
from synthmix.noticed import Noticed
from synthmix.types import Json, Pixels

ENLARGED = 4
"""Times a side from which enlarging is told: what is seen then is the kernel, not the picture."""

CUT = 0.5
"""Share of an image from which cutting it to a square is told as a warning."""

_SAMPLE = 0.25  # seconds of decoding that tell the rest
_STORED = 4e8  # bytes a second that are written and hashed


class Fitting:
    """Brings images to squares of one size and keeps account of what that does to them."""

    def __init__(self, image_size: int | None, resize: Resize) -> None:
        self._image_size = image_size
        self._resize = resize
        self._num_images = 0
        self._lost: list[float] = []
        self._enlarged = 0
        self._smallest: tuple[int, int] | None = None

    def fitted(self, images: Iterator[tuple[Pixels, int]]) -> Iterator[tuple[Pixels, int]]:
        """Yield the images at one size; without one they must be square and alike already."""
        first: tuple[int, ...] | None = None
        for image, label in images:
            height, width = image.shape[:2]
            if self._image_size is not None:
                self._account(height, width, self._image_size)
                yield resized(image, self._image_size, self._resize), label
                continue
            first = first or (height, width)
            if (height, width) != first:
                other = f"{first[1]}x{first[0]} and {width}x{height}"
                raise DataError(f"its images differ in size ({other} pixels): set image_size.")
            if height != width:
                raise DataError(
                    f"its images are not square ({width}x{height} pixels): set image_size."
                )
            yield image, label

    def _account(self, height: int, width: int, side: int) -> None:
        self._num_images += 1
        shorter, longer = sorted((height, width))
        if shorter < longer:
            self._lost.append(1 - shorter / longer)
        if side > ENLARGED * shorter:
            self._enlarged += 1
        if self._smallest is None or shorter < min(self._smallest):
            self._smallest = (width, height)

    def facts(self, noticed: Noticed) -> dict[str, Json]:
        """Return, as sentences, what is true of these images and, of that, what is not meant.

        `noticed` is what their decoder noticed of them.
        """
        notes: list[str] = []
        concerns: list[str] = []
        if self._lost:
            mean, most = sum(self._lost) / len(self._lost), max(self._lost)
            text = (
                f"{len(self._lost):,} of {counted(self._num_images, 'images')} are not square: "
                "their middle "
                f"is taken, which leaves out {mean:.0%} of one on average, {most:.0%} at most"
            )
            (concerns if most > CUT else notes).append(text)
        if self._enlarged and self._smallest is not None:
            smallest = "x".join(map(str, self._smallest))
            concerns.append(
                f"{self._enlarged:,} of {counted(self._num_images, 'images')} are enlarged more "
                "than "
                f"{ENLARGED} times a side, the smallest of {smallest} pixels to "
                f"{self._image_size}x{self._image_size}; a smaller image_size shows as much"
            )
        for what, (count, names) in noticed.items():
            concerns.append(f"{counted(count, what)}, such as {', '.join(names)}")
        return {"notes": notes, "concerns": concerns}


@dataclass(frozen=True)
class Price:
    """What it takes to decode a source once: images of `side` pixels, bytes in `folder`, seconds.

    `where` is the study's name for the source.
    """

    where: str
    num_images: int
    side: int
    num_bytes: int
    seconds: float
    folder: Path

    def __str__(self) -> str:
        return (
            f"{self.where}: {counted(self.num_images, 'images')} at {self.side} x {self.side} "
            "pixels take "
            f"{_size(self.num_bytes)} in {self.folder} and about {_time(self.seconds)} to decode"
        )


Priced = Callable[[Price], None]
"""Called once the price is known, before all but the first images are decoded; may raise."""


def accepted(price: Price) -> None:
    """Decode whatever it costs."""


def priced(
    images: Iterator[tuple[Pixels, int]], total: int, folder: Path, where: str, tell: Priced
) -> Iterator[tuple[Pixels, int]]:
    """Yield the images once the price that the first of them show is told.

    Raises SettingError where `folder` has no room for all of them.
    """
    first: list[tuple[Pixels, int]] = []
    start = opened = time.monotonic()
    for each in images:
        first.append(each)
        if len(first) == 1:  # what comes once comes before it: folders are listed, packages loaded
            opened = time.monotonic()
        elif time.monotonic() - opened > _SAMPLE:
            break
    if first:
        num_bytes = total * first[0][0].nbytes
        each_takes = (time.monotonic() - opened) / max(len(first) - 1, 1)
        seconds = opened - start + each_takes * (total - 1) + num_bytes / _STORED
        side = first[0][0].shape[0]
        price = Price(where, total, side, num_bytes, seconds, folder)
        free = shutil.disk_usage(folder).free
        if num_bytes > free:
            raise SettingError(
                f"{price}, and {_size(free)} are free there: set a smaller image_size, or "
                "SYNTHMIX_CACHE to a folder with room."
            )
        tell(price)
    yield from chain(first, images)


def _size(num_bytes: float) -> str:
    return f"{num_bytes / 1e9:,.1f} GB" if num_bytes >= 1e8 else f"{num_bytes / 1e6:,.1f} MB"


def _time(seconds: float) -> str:
    return f"{seconds / 60:,.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
