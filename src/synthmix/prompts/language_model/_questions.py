"""What a model is asked for one text: examples to go on from, or an instruction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from synthmix.seeding import derive

_EXAMPLES = (
    (
        "a bear",
        "a large brown animal standing in a shallow river with a fish in its mouth.",
    ),
    (
        "a lamp",
        "a small brass desk light glowing beside a stack of old books.",
    ),
    (
        "an old red bus",
        "parked in front of a white brick wall in the morning sun.",
    ),
    (
        "a tulip",
        "a single yellow flower with drops of rain, seen from close up in a garden.",
    ),
    (
        "a small grey mouse eating",
        "holding a crumb of bread on a wooden kitchen floor.",
    ),
)
"""Subjects and how their descriptions go on; none is a class of a well-known data set."""


@dataclass(frozen=True)
class Question:
    """One attempt at one text, with a seed of its own."""

    label: int
    index: int
    class_name: str
    subject: str
    """What the text shows, with its article: the class, or another prompt's text."""

    seed: int
    attempt: int = 0

    @property
    def attempt_seed(self) -> int:
        """The seed of this attempt, in [0, 2**31): every engine takes it as it is."""
        return derive(self.seed, "language model", self.class_name, self.index, self.attempt) >> 32


@dataclass(frozen=True)
class Answer:
    """What a model wrote, its opening included."""

    text: str
    is_cut: bool
    """Whether the token limit ended it."""


@dataclass(frozen=True)
class Asking:
    """What a model is asked, and how its next token is drawn."""

    opening: str
    instruction: str
    temperature: float
    min_p: float
    repeat_penalty: float
    max_new_tokens: int


class Work(Protocol):
    """Where an engine gets its questions and leaves its answers; safe from several threads."""

    def next(self) -> Question | None:
        """Return the next question, None where there is none left."""

    def take(self, question: Question, answer: Answer) -> None:
        """Check an answer: it is accepted, or its question comes again with another seed."""


class Engine(Protocol):
    """A loaded model that works questions off; `batch` texts are written at the same time."""

    name: str
    version: str

    def run(self, work: Work) -> None:
        """Answer until there is no question left."""


def examples(subject: str, opening: str) -> str:
    """Return examples that end where the model goes on: after the opening of its own text."""
    shown = "".join(
        f"Subject: {each}\nPrompt: {opening.format(subject=each)} {rest}\n\n"
        for each, rest in _EXAMPLES
    )
    return f"{shown}Subject: {subject}\nPrompt: {opening.format(subject=subject)}"


def example_texts() -> Sequence[str]:
    """Return the continuations of the examples, which a text must not repeat."""
    return [rest for _, rest in _EXAMPLES]


def plain_subject(text: str, opening: str) -> str:
    """Return a prompt's text as a subject: without the words that the opening begins with."""
    start = opening.partition("{subject}")[0]
    if start and text.lower().startswith(start.lower()):
        text = text[len(start) :]
    return text.strip().rstrip(".").strip()
