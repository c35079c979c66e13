"""A study: one file that describes an experiment, and the order in which its artifacts are made.

The only place where stages meet. From Python:

    import synthmix

    study = synthmix.study.load("studies/quickstart.yaml")
    print(synthmix.study.plan(study).warnings)
    results = synthmix.study.run(study)
    print(results.verdict.sentence, results.report)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from synthmix.results.typed import Results
    from synthmix.study.api import Plan, evaluate, plan, run
    from synthmix.study.config.file import Study, SyntheticSet, build, load, resolve
    from synthmix.study.running.progress import Watch

_WHERE = {
    "Plan": "synthmix.study.api",
    "Results": "synthmix.results.typed",
    "Study": "synthmix.study.config.file",
    "SyntheticSet": "synthmix.study.config.file",
    "Watch": "synthmix.study.running.progress",
    "build": "synthmix.study.config.file",
    "evaluate": "synthmix.study.api",
    "load": "synthmix.study.config.file",
    "plan": "synthmix.study.api",
    "resolve": "synthmix.study.config.file",
    "run": "synthmix.study.api",
}

__all__ = [
    "Plan",
    "Results",
    "Study",
    "SyntheticSet",
    "Watch",
    "build",
    "evaluate",
    "load",
    "plan",
    "resolve",
    "run",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    # late, so that loading a study file does not load torch
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_WHERE[name]), name)
