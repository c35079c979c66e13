"""How much does synthetic image data help a classifier, at which mix, for which classes?"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from synthmix import results, study

__version__ = "0.1.0"

__all__ = ["results", "study"]


def __getattr__(name: str) -> ModuleType:
    # late, so that a command that needs no study does not wait for one
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return import_module(f"{__name__}.{name}")
