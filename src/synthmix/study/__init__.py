"""A study: one file that describes an experiment, and the order in which its artifacts are made.

The only place where stages meet. From Python:

    from synthmix import study
    report = study.run(study.load("studies/quickstart.yaml"))
"""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthmix.study.file import Study, load, resolve
    from synthmix.study.planning import describe as plan
    from synthmix.study.results import evaluate
    from synthmix.study.running import run

_WHERE = {
    "Study": "synthmix.study.file",
    "load": "synthmix.study.file",
    "resolve": "synthmix.study.file",
    "plan": "synthmix.study.planning:describe",
    "evaluate": "synthmix.study.results",
    "run": "synthmix.study.running",
}

__all__ = ["Study", "evaluate", "load", "plan", "resolve", "run"]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Callable[..., Any]:
    # late, so that loading a study file does not load torch
    if name not in _WHERE:
        raise AttributeError(name)
    module, _, attribute = _WHERE[name].partition(":")
    found: Callable[..., Any] = getattr(import_module(module), attribute or name)
    return found
