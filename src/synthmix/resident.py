"""The one model that is kept loaded: a device has room for few, and training needs it too."""

import gc
import sys
from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

Settings = ParamSpec("Settings")
Model = TypeVar("Model")

_KEPT: dict[tuple[Any, ...], Any] = {}
"""What was loaded last, by the function that loaded it and its arguments."""


def resident(load: Callable[Settings, Model]) -> Callable[Settings, Model]:
    """Keep what this function loads until `release`, or until another model is loaded.

    The last one is let go before the next is loaded, so that two are never there at once.
    """

    @wraps(load)
    def loaded(*args: Settings.args, **kwargs: Settings.kwargs) -> Model:
        key = (load, args, *sorted(kwargs.items()))
        if key not in _KEPT:
            release()
            _KEPT[key] = load(*args, **kwargs)
        found: Model = _KEPT[key]
        return found

    return loaded


def release() -> None:
    """Let go of the model that is kept, and give its memory back to the device."""
    if _KEPT:
        _KEPT.clear()
        gc.collect()
        empty_cache()


def empty_cache() -> None:
    """Give memory that torch holds and does not use back to the device."""
    torch = sys.modules.get("torch")  # where it was not imported it holds nothing
    if torch is None:
        return
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
