"""What makes a text no prompt; each reason is counted and told in the set's card."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from synthmix.prompts.language_model._questions import Answer, Question, example_texts
from synthmix.prompts.lint import is_instruction
from synthmix.prompts.spoken_names import names_class, spoken

ECHO = "instruction echo"
LIST = "list or markup"
PARAGRAPHS = "several paragraphs"
REPETITION = "repetition"
LOST = "class lost"
OTHER = "another class"
LIMIT = "over the token limit"
EMPTY = "no description"
TALK = "talks to the reader"
DUPLICATE = "duplicate"

REASONS = (ECHO, LIST, PARAGRAPHS, REPETITION, LOST, OTHER, LIMIT, EMPTY, TALK, DUPLICATE)

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_LIST = re.compile(r"(?m)^\s*(?:[-*•+]|\d+[.)])\s|[*_#`<>|{}\[\]\\=]|https?:|\.\.\.|…|--|:\s*$")
_TALK = re.compile(
    r"\b(?:i|me|my|mine|we|us|our|ours|you|your|yours|please|thanks?|click|shown here)\b",
    re.IGNORECASE,
)
_LABELS = re.compile(
    r"\b(?:subject|prompt|caption|instruction|example|answer)s?\s*:", re.IGNORECASE
)
_FEW = 4
"""Words that a text adds to its subject at the least."""

_RUN = 5
"""Words in a row that count as copied from the instruction or from an example."""

_OFTEN = 3
"""Times a word of more than three letters makes a repetition."""


def cleaned(text: str) -> str:
    """Return a text without the quotes and the white space around it, white space within as one."""
    text = text.strip()
    if len(text) > 1 and text[0] in "\"“'‘" and text[-1] in "\"”'’":
        text = text[1:-1].strip()
    return re.sub(r"[ \t]+", " ", text)


def fault(
    answer: Answer,
    question: Question,
    class_names: Sequence[str],
    *,
    instruction: str = "",
    others: Iterable[str] = (),
) -> str | None:
    """Return why a text cannot be a prompt of its class, None where nothing is wrong.

    `others` are the texts that the class has, as `key` returns them; `instruction` is what the
    model was told, without the subject.
    """
    text = answer.text
    if answer.is_cut:
        return LIMIT
    if _is_echo(text, instruction):
        return ECHO
    own = _without(text, question.subject, spoken(question.class_name))
    if _LIST.search(own):
        return LIST
    if "\n" in text:
        return PARAGRAPHS
    if _TALK.search(own):
        return TALK
    if not names_class(text, question.class_name, class_names):
        return LOST
    if _other_classes(text, question, class_names):
        return OTHER
    if len(_words(text)) < len(_words(question.subject)) + _FEW:
        return EMPTY
    if _repeats(text, question.subject, spoken(question.class_name)):
        return REPETITION
    return DUPLICATE if key(text) in others else None


def key(text: str) -> str:
    """Return what two texts share that differ in case and punctuation alone."""
    return " ".join(_words(text))


def _without(text: str, *given: str) -> str:
    """Return a text without what it was given: a class may be called "C#" or "US mailbox"."""
    for each in given:
        text = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", "it", text, flags=re.IGNORECASE)
    return text


def _words(text: str) -> list[str]:
    return [each.lower() for each in _WORD.findall(text)]


def _is_echo(text: str, instruction: str) -> bool:
    if is_instruction(text) or _LABELS.search(text):
        return True
    mine = _runs(text, _RUN)
    return any(mine & _runs(told, _RUN) for told in (instruction, *example_texts()))


def _runs(text: str, length: int) -> set[tuple[str, ...]]:
    words = _words(text)
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def _other_classes(text: str, question: Question, class_names: Sequence[str]) -> list[str]:
    """Return the classes that a text brings in; one that its subject names was asked for."""
    others = [each for each in class_names if each != question.class_name]
    return [
        each
        for each in others
        if names_class(text, each, class_names)
        and not names_class(question.subject, each, class_names)
    ]


def _repeats(text: str, subject: str, name: str) -> bool:
    """Whether words come twice in a row, three in a row come again, or one word comes too often.

    What stands in the subject may come once more without counting, and a class's name of several
    words, such as "tench, Tinca tinca", as often as it likes.
    """
    own = _without(text, name) if len(_words(name)) > 1 else text
    words, given = _words(own), set(_words(subject))
    if any(one == other for one, other in pairwise(words)):
        return True
    threes = [tuple(words[at : at + 3]) for at in range(len(words) - 2)]
    if len(set(threes)) < len(threes):
        return True
    most = {word: _OFTEN + (word in given) for word in words if len(word) > 3}
    return any(words.count(word) >= limit for word, limit in most.items())
