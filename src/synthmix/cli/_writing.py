"""A file of prompts from a strategy's name; a ledger beside it until it is finished."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from synthmix.cli._options import changed
from synthmix.errors import SettingError
from synthmix.files import misfit

if TYPE_CHECKING:
    from synthmix.prompts import PromptStrategy
    from synthmix.types import Progress, Prompt


def write_file(
    strategy: str,
    target: Path,
    class_names: tuple[str, ...],
    per_class: int,
    *,
    settings: list[str],
    seed: int,
    quiet: bool,
) -> dict[str, Any]:
    """Write the file and return what is told of it; a file that is there is left as it is."""
    from synthmix.ledger import Ledger
    from synthmix.prompts.written import check_name, write_prompts
    from synthmix.study.config.file import PROMPTS

    check_name(target)
    _check_new(target)
    writer = PROMPTS.build(strategy, changed({}, settings))
    subjects, content = _subjects(writer, class_names)
    writer.check(class_names)
    beside = target.with_name(f"{target.name}.ledger")
    depends_on = {
        "prompts": {"use": strategy, **writer.settings(), "content": writer.content()},
        "output_revision": writer.output_revision,
        "subjects": content,
        "class_names": list(class_names),
        "seed": seed,
    }
    with _alone(beside, target), _bar(quiet) as progress:
        ledger = Ledger(beside, depends_on) if writer.is_costly else Ledger()
        prompts = list(
            writer.resume(
                class_names,
                per_class,
                seed=seed,
                ledger=ledger,
                subjects=subjects,
                progress=progress,
            )
        )
        write_prompts(target, class_names, prompts)
        # all that it held is in the file now
        beside.unlink(missing_ok=True)
    return _told(writer, target, class_names, prompts)


def _check_new(target: Path) -> None:
    if target.exists():
        raise SettingError(
            f"OUT is {target}, which is there already, finished before: remove it to write it "
            "anew, or name another file. Only a command that was interrupted goes on."
        )


@contextmanager
def _alone(beside: Path, target: Path) -> Iterator[None]:
    """Hold the ledger for this process; one that waited for it finds the file finished."""
    from synthmix.ledger import held

    with held(beside):
        _check_new(target)
        yield


def _subjects(
    writer: "PromptStrategy", class_names: tuple[str, ...]
) -> tuple[Sequence["Prompt"], str | None]:
    """Return the prompts to start from, from the file that stands for a set, and its sha256."""
    if writer.subjects_from is None:
        return (), None
    from synthmix.prompts.file import prompts_in
    from synthmix.store import sha256

    path = Path(writer.subjects_from).expanduser()
    if why := misfit(path):
        raise SettingError(
            f"from is '{writer.subjects_from}', which {why}; without a study it is a file of "
            "prompts."
        )
    return prompts_in(path, class_names)[1], sha256(path)


def _told(
    writer: "PromptStrategy",
    target: Path,
    class_names: tuple[str, ...],
    prompts: Sequence["Prompt"],
) -> dict[str, Any]:
    counts = dict.fromkeys(class_names, 0)
    for each in prompts:
        counts[class_names[each.label]] += 1
    return {
        "file": str(target),
        "prompts": len(prompts),
        "per_class": counts,
        "told": [*writer.notes(class_names), *writer.told(prompts)],
    }


@contextmanager
def _bar(quiet: bool) -> "Iterator[Progress]":
    """Yield what shows a bar on stderr, with rate and remaining time."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    times = (TimeElapsedColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    hidden = quiet or not console.is_terminal
    bars = Progress(
        TextColumn("writing"), *columns, *times, console=console, transient=True, disable=hidden
    )
    with bars:
        bar = bars.add_task("writing", total=None, rate="")

        def show(completed: int, total: int) -> None:
            speed = bars.tasks[bar].speed
            rate = f"{speed:,.1f} prompts/s" if speed else ""
            bars.update(bar, completed=completed, total=total, rate=rate)

        yield show
