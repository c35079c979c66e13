"""Progress of a running study: a bar a task with rate and ETA, read from the artifacts themselves.

A task leaves its progress in its artifact, wherever it runs; whoever wants to see it reads it.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from synthmix.errors import counted, printable
from synthmix.evaluation.adaptive import Course
from synthmix.fitting import Price
from synthmix.study.stages import Step, stage_named, stage_of


class Watch:
    """Sees a study at work and shows nothing; the base of those that do."""

    def decoding(self, completed: int, total: int) -> None:
        """See how many images of a source are decoded."""

    def priced(self, price: Price) -> None:
        """See what decoding a source will take, before it is done."""

    def warned(self, text: str) -> None:
        """See what is probably not meant."""

    def noted(self, text: str) -> None:
        """See what is left out, as was asked."""

    def renamed(self, text: str) -> None:
        """See which files of the output got other names, and why."""

    def looked(self, course: Course) -> None:
        """See what an adaptive study found at a look, and whether it goes on."""

    @contextmanager
    def stage(self, stage: str, todo: Sequence[Step]) -> Iterator[None]:
        """See a stage from its start to its end."""
        yield

    def finished(self, step: Step, damaged: Sequence[str]) -> None:
        """See a step end; `damaged` names the files that were found damaged and made anew."""


silent = Watch()


class Quiet(Watch):
    """Shows no progress, but what happens to files that are there."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def renamed(self, text: str) -> None:
        """Show in one line which files got other names."""
        self.console.print(f"[yellow]renamed:[/] {escape(printable(text))}", soft_wrap=True)


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        unit = task.fields.get("unit", "")
        return Text(f"{task.speed:,.1f} {unit}/s" if task.speed else "", style="dim")


LINE_SECONDS = 10.0
"""Between two lines of one task where there is no terminal to hold a bar."""


class _Lines:
    """When a task was first seen and last told of; a bar for logs and pipes."""

    def __init__(self, completed: int) -> None:
        self._first = completed
        self._started = self._last = time.monotonic()

    @property
    def is_due(self) -> bool:
        return time.monotonic() - self._last >= LINE_SECONDS

    def told(self, completed: int, total: int, unit: str) -> str:
        """Return how far the task is, its rate and the time that it still needs."""
        self._last = time.monotonic()
        told = f"{completed:,} of {total:,} {unit}"
        rate = (completed - self._first) / (self._last - self._started)
        if rate <= 0:
            return told
        left = timedelta(seconds=round((total - completed) / rate))
        return f"{told}, {rate:,.1f} {unit}/s, {left} left"


class Terminal(Quiet):
    """Shows a bar for every task at work, on stderr; where that is no terminal, a line at times."""

    def __init__(self, console: Console) -> None:
        super().__init__(console)
        self._bars: Progress | None = None
        self._ids: dict[str, TaskID] = {}
        self._lines: dict[str, _Lines] = {}
        self._decoding: _Lines | None = None

    def priced(self, price: Price) -> None:
        """Show what decoding takes where it is more than a moment."""
        self._decoding = _Lines(0) if price.seconds > LINE_SECONDS else None
        if self._decoding is not None:
            self.console.print(str(price), soft_wrap=True, highlight=False)

    def decoding(self, completed: int, total: int) -> None:
        """Show at times how many images are decoded of a source that takes more than a moment."""
        if self._decoding is None:
            return
        if completed >= total:
            self.console.print(f"decoded {counted(total, 'images')}", style="dim")
        elif self._decoding.is_due:
            told = self._decoding.told(completed, total, "images")
            self.console.print(f"decoding: {told}", soft_wrap=True, highlight=False)

    def warned(self, text: str) -> None:
        """Show a warning in one line."""
        self.console.print(f"[yellow]warning:[/] {escape(printable(text))}", soft_wrap=True)

    def noted(self, text: str) -> None:
        """Show a note in one line."""
        self.console.print(f"note: {escape(printable(text))}", soft_wrap=True, style="dim")

    def looked(self, course: Course) -> None:
        """Show in one line how many verdicts are open, and how many runs follow."""
        still = sum(verdict.is_open for verdict in course.verdicts.values())
        told = f"look {len(course.looks) - (not course.is_settled)}: "
        told += f"{len(course.verdicts) - still} of {len(course.verdicts)} verdicts decided"
        told += f", {counted(course.spent, 'runs')} added so far"
        self.console.print(told + ("" if course.is_settled else "; going on"), style="dim")

    @contextmanager
    def stage(self, stage: str, todo: Sequence[Step]) -> Iterator[None]:
        """Show a stage: finished steps as one line, the others as bars."""
        done = sum(step.state == "done" for step in todo)
        if done:
            self.console.print(
                f"{stage_named(stage).verb}: {done} of {len(todo)} already done", style="dim"
            )
        ended = threading.Event()
        with self._progress() as bars:
            self._bars = bars
            self._ids, self._lines = {}, {}
            total = bars.add_task(f"[bold]{stage_named(stage).verb}", total=len(todo), unit="tasks")
            self._ids[""] = total
            poll = threading.Thread(target=self._poll, args=(bars, todo, ended), daemon=True)
            poll.start()
            try:
                yield
            finally:
                ended.set()
                poll.join()

    def finished(self, step: Step, damaged: Sequence[str]) -> None:
        """Advance the stage's bar and name what was damaged."""
        for each in damaged:
            self.console.print(f"[yellow]damaged, made anew:[/] {each}", soft_wrap=True)
        if not self.console.is_terminal:
            self.console.print(f"{stage_of(step).verb}: {_label(step)} done", soft_wrap=True)
        if self._bars is not None:
            self._bars.advance(self._ids[""])
            mine = self._ids.pop(_label(step), None)
            if mine is not None:
                self._bars.remove_task(mine)

    def _progress(self) -> Progress:
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            transient=True,
        )

    def _poll(self, bars: Progress, todo: Sequence[Step], ended: threading.Event) -> None:
        while not ended.wait(0.4):
            for step in todo:
                found = step.artifact.progress() if step.artifact else None
                if found is None or step.state == "done":
                    continue
                label, unit = _label(step), stage_of(step).unit
                if not self.console.is_terminal:
                    lines = self._lines.setdefault(label, _Lines(found[0]))
                    if lines.is_due:
                        told = f"{stage_of(step).verb}: {label} {lines.told(*found, unit)}"
                        self.console.print(told, soft_wrap=True, highlight=False)
                    continue
                if label not in self._ids:
                    self._ids[label] = bars.add_task(f"  {label}", total=found[1], unit=unit)
                bars.update(self._ids[label], completed=found[0], total=found[1])


def _label(step: Step) -> str:
    return f"{step.task.label} seed {step.task.run}"
