"""The work of a writing process: questions in order, answers checked, accepted ones on disk."""

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from synthmix.errors import DataError
from synthmix.ledger import Ledger
from synthmix.prompts.language_model import _checks as checks
from synthmix.prompts.language_model._questions import Answer, Question
from synthmix.types import Json, Progress, Prompt


@dataclass(frozen=True)
class Judging:
    """What answers are checked against, and what is stored with those that pass."""

    class_names: tuple[str, ...]
    instruction: str
    attempts: int
    strategy: str
    facts: Mapping[str, Json]
    """Engine, model and their versions."""


class Desk:
    """Hands out questions, checks answers, keeps accepted ones; safe from several threads."""

    def __init__(
        self,
        questions: Iterable[Question],
        judging: Judging,
        ledger: Ledger,
        progress: Callable[[int], None],
    ) -> None:
        self.judging = judging
        self.ledger = ledger
        self.failed: list[tuple[Question, list[str]]] = []
        self._open = deque(questions)
        self._progress = progress
        self._lock = threading.Lock()
        self._rejected: dict[tuple[int, int], list[str]] = {}
        self._texts = {
            label: {checks.key(each.text) for each in ledger.of_label(label)}
            for label in range(len(judging.class_names))
        }

    def next(self) -> Question | None:
        """Return the next question, one that was rejected before new ones."""
        with self._lock:
            return self._open.popleft() if self._open else None

    def take(self, question: Question, answer: Answer) -> None:
        """Accept an answer, or put its question back with its next sub-seed."""
        with self._lock:
            answer = replace(answer, text=checks.cleaned(answer.text))
            rejected = self._rejected.setdefault((question.label, question.index), [])
            texts = self._texts[question.label]
            reason = checks.fault(
                answer,
                question,
                self.judging.class_names,
                instruction=self.judging.instruction,
                others=texts,
            )
            if reason is None:
                self.ledger.accept(self._prompt(question, answer.text, rejected))
                texts.add(checks.key(answer.text))
                self._progress(1)
                return
            rejected.append(reason)
            if len(rejected) < self.judging.attempts:
                self._open.appendleft(replace(question, attempt=question.attempt + 1))
            else:
                self.failed.append((question, rejected))

    def stop(self) -> None:
        """Hand out nothing more, so that threads at work come to their end."""
        with self._lock:
            self._open.clear()

    def check_complete(self) -> None:
        """Raise DataError where a text failed to its last attempt; the others are in the ledger."""
        if not self.failed:
            return
        question, reasons = self.failed[0]
        listed = ", ".join(f"{n} {reason}" for reason, n in Counter(reasons).most_common())
        more = f" (and {len(self.failed) - 1} more)" if len(self.failed) > 1 else ""
        raise DataError(
            f"Class '{question.class_name}', text {question.index}{more}: no usable text in "
            f"{len(reasons)} attempts ({listed}). What was accepted is kept: raise attempts above "
            f"{self.judging.attempts} and run the same command again."
        )

    def _prompt(self, question: Question, text: str, rejected: Sequence[str]) -> Prompt:
        source = {
            "subject": question.subject,
            **self.judging.facts,
            "seed": question.attempt_seed,
            "rejected": list(rejected),
        }
        return Prompt(question.label, question.index, text, self.judging.strategy, source)


def counter(done: int, total: int, progress: Progress) -> Callable[[int], None]:
    """Return what adds to a count and reports it."""
    completed = done
    progress(completed, total)

    def add(number: int) -> None:
        nonlocal completed
        completed += number
        progress(completed, total)

    return add


def acceptance(prompts: Sequence[Prompt]) -> dict[str, Json]:
    """Return how many texts were accepted at the first attempt, and why others were rejected."""
    reasons = Counter(reason for each in prompts for reason in each.source.get("rejected", ()))
    return {
        "texts": len(prompts),
        "accepted_at_first": sum(not each.source.get("rejected") for each in prompts),
        "attempts": len(prompts) + sum(reasons.values()),
        "rejected": dict(reasons.most_common()),
        "distinct": len({(each.label, checks.key(each.text)) for each in prompts}),
    }
