"""Per-image sanity: what can be said of one image from that image alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

_GREY_LEVELS = np.arange(256)
_HASH_SIDE = 8
_REDUCED = 32
# the lowest frequencies of the cosine transform II, one a row
_COSINES = np.cos(np.pi / _REDUCED * np.outer(np.arange(_HASH_SIDE), np.arange(_REDUCED) + 0.5))


def fault(
    image: NDArray[Any], *, black_below: float = 2.0, constant_below: float = 1.0
) -> str | None:
    """Return why an image `[H, W, C]` cannot be used, or None.

    Thresholds are grey levels of 255: `black` where the brightest value is below `black_below`,
    `constant` where the standard deviation is below `constant_below`.
    """
    if np.issubdtype(image.dtype, np.floating) and not np.isfinite(image).all():
        return "NaN or infinite values"
    brightest, deviation = _levels(image) if image.dtype == np.uint8 else (image.max(), image.std())
    if brightest < black_below:
        return "black"
    if deviation < constant_below:
        return "constant"
    return None


def _levels(image: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the brightest value and the standard deviation, exactly, from how often each occurs.

    Every reduction of NumPy lets another thread in and waits for its turn to go on, which beside
    the thread that writes shards costs ten times the sums; counting by Pillow does not.
    """
    counts = np.array(Image.fromarray(image.reshape(len(image), -1)).histogram())
    (found,) = counts.nonzero()
    mean = counts @ _GREY_LEVELS / image.size
    return float(found[-1]), float(np.sqrt(counts @ (_GREY_LEVELS - mean) ** 2 / image.size))


def perceptual_hash(image: NDArray[np.uint8]) -> int:
    """Return 64 bits that stay nearly the same under resizing, compression and small shifts.

    pHash (Zauner 2010): the signs, about their median, of the 8 x 8 lowest frequencies of the
    cosine transform of the grey image `[H, W, 3]` at 32 x 32.
    """
    grey = Image.fromarray(image).convert("L").resize((_REDUCED, _REDUCED), Image.Resampling.BOX)
    # a whole transform and np.median take three times as long, and every image is hashed; rounded,
    # because a zero that is known but for its last bit would hash at random
    frequencies = (_COSINES @ np.asarray(grey, np.float64) @ _COSINES.T).round(6).ravel()
    half = frequencies.size // 2
    median = np.sort(frequencies)[half - 1 : half + 1].sum() / 2
    bits = frequencies > median
    return int.from_bytes(np.packbits(bits).tobytes(), "big")
