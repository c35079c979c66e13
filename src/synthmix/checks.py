"""Per-image sanity: what can be said of one image from that image alone."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def fault(
    image: NDArray[Any], *, black_below: float = 2.0, constant_below: float = 1.0
) -> str | None:
    """Return why an image `[H, W, C]` cannot be used, or None.

    Thresholds are grey levels of 255: `black` where the brightest value is below `black_below`,
    `constant` where the standard deviation is below `constant_below`.
    """
    if np.issubdtype(image.dtype, np.floating) and not np.isfinite(image).all():
        return "NaN or infinite values"
    if image.max() < black_below:
        return "black"
    if image.std() < constant_below:
        return "constant"
    return None
