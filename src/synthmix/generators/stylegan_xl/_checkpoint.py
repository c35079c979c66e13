"""Which file of weights is meant: found and named by its sha256 without reading what it holds."""

import re
from functools import lru_cache
from pathlib import Path

from synthmix.errors import SettingError
from synthmix.files import misfit
from synthmix.store import sha256

PUBLISHED = (
    "The published files are listed in the README of github.com/autonomousvision/stylegan-xl "
    "(cifar10.pkl for CIFAR-10)."
)


def checked_sha256(path: Path, expected: str | None = None) -> str:
    """Return a file's sha256; raises SettingError where there is no file or it is another one."""
    if why := misfit(path):
        raise SettingError(f"{path} {why}; StyleGAN-XL weights are one file. {PUBLISHED}")
    if expected is not None and not re.fullmatch("[0-9a-fA-F]{64}", expected):
        raise SettingError(f"sha256 is '{expected}'; it must be 64 hexadecimal digits.")
    facts = path.stat()
    digest = _digest(path, facts.st_size, facts.st_mtime_ns)
    if expected is not None and digest != expected.lower():
        raise SettingError(f"{path} has the sha256 {digest}, but {expected} is asked for.")
    return digest


@lru_cache(maxsize=16)
def _digest(path: Path, size: int, modified: int) -> str:
    return sha256(path)
