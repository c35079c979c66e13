"""Sample images as sprites: one PNG a source, a row of images for each class."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from synthmix import belonging
from synthmix.errors import ArtifactError, DataError
from synthmix.results.typed import Results, printable, unique_slugs

Samples = Mapping[str, NDArray[np.uint8]]
"""Square images `[num_classes, n, H, H, 3]` by source."""

STUDY = ".study"
"""Under which the file of samples holds its study's fingerprint; no source has such a name."""

BUDGET = 4_500_000
"""Bytes that all sprites of a page may take together; base64 adds a third."""

MAX_CLASSES = 100
"""Rows of a sprite; further classes are left out and the page says so."""

_CHOICES = [(8, 64), (6, 64), (5, 48), (4, 48), (8, 32), (6, 32), (5, 32), (4, 32), (3, 32)]
_CHOICES += [(4, 24), (3, 24), (3, 16), (2, 16), (1, 16)]
"""Images a class and largest side in pixels, the best first."""


@dataclass(frozen=True)
class Sprite:
    """All sample images of one source in one PNG: `rows` classes by `columns` images."""

    name: str
    source: str
    rows: int
    columns: int
    side: int
    png: bytes


def load(path: Path, results: Results) -> Samples:
    """Read the sample images, none where the file is missing; raises ArtifactError, DataError."""
    if not path.is_file():
        return {}
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            samples = {printable(name): archive[name] for name in archive.files}
    except MemoryError:
        raise
    except Exception as error:  # whatever a reader is led to by what it reads
        raise ArtifactError(
            f"{path} cannot be read ({type(error).__name__}: {error}); `synthmix evaluate "
            f"{path.parent}` writes it anew."
        ) from None
    belonging.check_beside(path, str(samples.pop(STUDY)) if STUDY in samples else None)
    for name, pixels in samples.items():
        _check(path, name, pixels, len(results.class_names))
    return {name: pixels for name, pixels in samples.items() if pixels.size}


def _check(path: Path, name: str, pixels: NDArray[np.uint8], num_classes: int) -> None:
    fits = pixels.ndim == 5 and pixels.shape[0] == num_classes and pixels.shape[4] == 3
    fits = fits and pixels.shape[2] == pixels.shape[3]
    if not fits or pixels.dtype != np.uint8:
        raise DataError(
            f"{path}: '{name}' is {pixels.dtype} {list(pixels.shape)}; "
            f"it must be uint8 [{num_classes}, n, H, H, 3]."
        )


def make(samples: Samples, results: Results) -> list[Sprite]:
    """Return one sprite a source, real images first, as large as the budget allows."""
    sources = map(printable, results.raw["synthetic"])
    order = [name for name in ("real", *sources, *samples) if name in samples]
    names = unique_slugs(list(dict.fromkeys(order)))
    sprites: list[Sprite] = []
    for columns, side in _CHOICES:
        # a PNG of photographs is rarely below half of its raw size: do not try in vain
        if _raw_bytes(samples, columns, side) > 2 * BUDGET:
            continue
        sprites = [
            _sprite(name, f"images-{s}", samples[name], columns, side) for name, s in names.items()
        ]
        if sum(len(sprite.png) for sprite in sprites) <= BUDGET:
            break
    return sprites


def _raw_bytes(samples: Samples, columns: int, side: int) -> int:
    return sum(
        3 * min(p.shape[0], MAX_CLASSES) * min(p.shape[1], columns) * min(p.shape[2], side) ** 2
        for p in samples.values()
    )


def _sprite(source: str, name: str, pixels: NDArray[np.uint8], columns: int, side: int) -> Sprite:
    pixels = pixels[:MAX_CLASSES, :columns]
    rows, columns, height, width, _ = pixels.shape
    sheet = pixels.transpose(0, 2, 1, 3, 4).reshape(rows * height, columns * width, 3)
    image = Image.fromarray(np.ascontiguousarray(sheet))
    if height > side:
        # a box average reads no pixel of the neighbouring image
        image = image.resize((columns * side, rows * side), Image.Resampling.BOX)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    return Sprite(name, source, rows, columns, min(height, side), buffer.getvalue())
