"""Named random streams: (study seed, purpose, indices) -> seed -> generator.

A seed is a hash, never a sum: with `seed + index`, study 0 and study 1 would share almost all
their noise, and image 7 of every class would start from the same latent.
"""

import hashlib
import json

import numpy as np

_BITS = 63  # fits every library's signed 64-bit seed


def derive(seed: int, purpose: str, *path: int | str) -> int:
    """Return a seed in [0, 2**63) that belongs to this purpose and path alone."""
    text = json.dumps([seed, purpose, *path], ensure_ascii=True)
    digest = hashlib.sha256(text.encode()).digest()
    return int.from_bytes(digest[:8], "big") >> (64 - _BITS)


def generator(seed: int, purpose: str, *path: int | str) -> np.random.Generator:
    """Return a NumPy generator of its own for this purpose and path."""
    return np.random.Generator(np.random.PCG64(derive(seed, purpose, *path)))
