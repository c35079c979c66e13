"""What Python calls: a study planned, run and evaluated, with typed results instead of files."""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthmix.errors import SettingError
from synthmix.evaluation.adaptive import Course
from synthmix.fitting import Price
from synthmix.results.typed import Results
from synthmix.results.typed import load as load_results
from synthmix.study.config.file import Study
from synthmix.study.config.file import load as load_study
from synthmix.study.running.progress import Terminal, Watch
from synthmix.study.stages import Step, stage_named, stage_of

logger = logging.getLogger("synthmix")


@dataclass(frozen=True)
class Plan:
    """What a study would do, cost and could show; `raw` is all that `synthmix plan --json` says."""

    raw: Mapping[str, Any]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is probably not meant."""
        return tuple(self.raw["warnings"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What is left out, as was asked."""
        return tuple(self.raw["notes"])

    @property
    def steps(self) -> list[dict[str, Any]]:
        """A row for each artifact: `stage`, `target`, `seed`, `units`, `state`, `seconds`, ...

        `seconds` and `bytes` are those that are still to come, None where nobody knows.
        """
        return [dict(each) for each in self.raw["steps"]]

    @property
    def seconds(self) -> float:
        """Seconds of the work to come whose time is known."""
        return float(sum(each["seconds"] or 0 for each in self.raw["steps"]))

    @property
    def num_bytes(self) -> int:
        """Bytes that the work to come will leave."""
        return int(sum(each["bytes"] for each in self.raw["steps"]))

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to be done."""
        return all(each["state"] == "done" for each in self.raw["steps"])


def _opened(study: Study | Path | str) -> Study:
    if isinstance(study, Study):
        return study
    if isinstance(study, Path | str):
        return load_study(study)
    raise SettingError(f"A study is one that `load` or `build` gave, or a path; got {study!r}.")


def plan(study: Study | Path | str, *, measure: bool = True, spread: float | None = None) -> Plan:
    """Return what a study, or a study file, would do; makes nothing but the cache of images.

    `measure` times a few training steps for the estimate; `spread` is the standard deviation of an
    arm's accuracy over seeds, as a share of 1, where you know it. Raises SettingError or DataError
    where the study could not run.
    """
    from synthmix.study.planning.plan import describe

    return Plan(describe(_opened(study), measure=measure, spread=spread))


def run(
    study: Study | Path | str, watch: Watch | None = None, *, progress: bool | None = None
) -> Results:
    """Run what is missing of a study and return its results; run again to resume.

    `progress` shows bars on stderr, True where that is a terminal or a notebook if not given; else
    warnings, notes and progress go to the logger `synthmix`. `watch` sees all of it instead.
    """
    from synthmix.study.running import runner

    study = _opened(study)
    runner.run(study, watch or _watch(progress))
    return load_results(study.output)


def evaluate(study: Study | Path | str) -> Results:
    """Compute every number from the stored predictions again and return the results.

    Trains nothing. Results that differ are kept under another name. Raises ArtifactError where a
    run is missing.
    """
    from synthmix.study.running import results

    study = _opened(study)
    results.evaluate(study, logger.warning)
    return load_results(study.output)


def _watch(progress: bool | None) -> Watch:
    from rich.console import Console

    console = Console(stderr=True)
    is_shown = console.is_jupyter or sys.stderr.isatty() if progress is None else progress
    return Terminal(console) if is_shown else Logged()


class Logged(Watch):
    """Tells a study's warnings, notes and progress to the logger `synthmix`."""

    def priced(self, price: Price) -> None:
        logger.info("%s", price)

    def warned(self, text: str) -> None:
        logger.warning("%s", text)

    def noted(self, text: str) -> None:
        logger.info("%s", text)

    def renamed(self, text: str) -> None:
        logger.warning("renamed: %s", text)

    def looked(self, course: Course) -> None:
        logger.info("%d runs added since the first look", course.spent)

    @contextmanager
    def stage(self, stage: str, todo: Sequence[Step]) -> Iterator[None]:
        logger.info("%s: %d to do", stage_named(stage).verb, len(todo))
        yield

    def finished(self, step: Step, damaged: Sequence[str]) -> None:
        for each in damaged:
            logger.warning("%s was damaged and is made anew; the old file is kept", each)
        logger.info("%s: %s done", stage_of(step).verb, step.task.label)
