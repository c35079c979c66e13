"""What can be wrong with prompts, told before an image is drawn from them."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from synthmix.errors import DataError, counted
from synthmix.prompts.spoken_names import names_class, others_named, spoken
from synthmix.types import Prompt, TextEncoder

_INSTRUCTION = re.compile(
    r"^\W*(?:write|generate|create|give|describe|provide|rewrite|turn|make)\b.{0,40}"
    r"\b(?:prompts?|captions?|sentences?|descriptions?)\b"
    r"|^\W*(?:sure|certainly|of course|here(?:'s| is| are))\b"
    r"|\bas an ai\b|<start_of_turn>|<end_of_turn>|\b(?:user|assistant|model):",
    re.IGNORECASE,
)
_LEFT_IN = {
    "model's marks": re.compile(
        r"</?think(?:ing)?>|<\|\w+\|>|\[/?INST\]|<</?SYS>>|<(?:/?s|bos|eos|pad|unk)>|```",
        re.IGNORECASE,
    ),
    "weighting": re.compile(
        r"\([^()]*:\s*-?[\d.]+\)|\[[^\[\]]*:[^\[\]]*\d\]|\(\([^()]+\)\)|\[\[[^\[\]]+\]\]"
        r"|\{\{[^{}]+\}\}|\{[^{}]*\|[^{}]*\}|<(?:lora|lyco|hypernet|embedding)\b[^<>]*>"
        r"|\bembedding:\w+|\bBREAK\b|\w::-?\d|\b[a-z]+(?:\+\+|--)(?=[\s,.]|$)"
        r"|(?:^|\s)--(?:ar|v|s|q|no|seed|chaos|niji|style|stylize)\b"
    ),
}
"""What language models and other programs leave in texts; a text encoder reads it as words."""

_WORD = re.compile(r"[^\W_]+")
SIMILAR = 0.9
"""Share of words in common from which two prompts count as the same."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a prompt, or probably not meant."""

    level: Literal["error", "warning"]
    kind: str
    class_name: str
    index: int
    message: str

    def __str__(self) -> str:
        return f"{self.level}: {self.class_name} {self.index}: {self.message}"


def lint(
    prompts: Sequence[Prompt],
    class_names: Sequence[str],
    encoders: Sequence[TextEncoder] = (),
) -> list[Finding]:
    """Return what is found in prompts, one by one and then among those of a class.

    Errors are texts that cannot give an image of their class: empty ones, an instruction in place
    of a prompt, a class word that no text encoder reads any more. The rest are warnings.
    """
    found = [each for prompt in prompts for each in _of_one(prompt, class_names, encoders)]
    by_class: defaultdict[int, list[Prompt]] = defaultdict(list)
    for prompt in prompts:
        by_class[prompt.label].append(prompt)
    texts = [{each.text for each in some} for some in by_class.values()]
    are_labels = len(texts) == len(class_names) > 1 and all(len(some) == 1 for some in texts)
    for label, some in by_class.items():
        if (why := _why_unspoken(class_names[label])) is not None:
            found.append(Finding("warning", "class name", class_names[label], some[0].index, why))
        if not are_labels:  # one text of each class is meant: images differ by their seeds
            found += _repeated(some, class_names[label])
        first: dict[str, Prompt] = {}
        for prompt in some:
            first.setdefault(prompt.text, prompt)
        found += _near_duplicates(list(first.values()), class_names[label])
    return found


def _why_unspoken(name: str) -> str | None:
    try:
        spoken(name)
    except DataError as error:
        return str(error)
    return None


def is_instruction(text: str) -> bool:
    """Whether a text asks for a prompt, or talks about one, instead of being one."""
    return _INSTRUCTION.search(text) is not None


def _left_in(text: str) -> Iterator[tuple[str, str]]:
    for kind, pattern in _LEFT_IN.items():
        if found := pattern.search(text):
            yield kind, found.group().strip()


def _of_one(
    prompt: Prompt, class_names: Sequence[str], encoders: Sequence[TextEncoder]
) -> Iterator[Finding]:
    name, text = class_names[prompt.label], prompt.text

    def said(level: Literal["error", "warning"], kind: str, message: str) -> Finding:
        return Finding(level, kind, name, prompt.index, message)

    if not text.strip():
        yield said("error", "empty", "the prompt is empty")
        return
    if is_instruction(text):
        yield said("error", "instruction", f"an instruction, not a prompt: {_short(text)}")
    if not names_class(text, name, class_names) and _why_unspoken(name) is None:
        yield said("warning", "class lost", f"does not name its class: {_short(text)}")
    for kind, mark in _left_in(text):
        yield said("warning", kind, f"has {mark!r} in it: {_short(text)}")
    others = others_named(text, name, class_names)
    if others:
        yield said("warning", "other class", f"also names {', '.join(others)}: {_short(text)}")
    for encoder in encoders:
        cut = encoder.cut(text)
        if cut is None:
            continue
        number = len(encoder.tokens(text))
        yield said(
            "warning",
            "cut",
            f"{counted(number, 'tokens')}, of which {encoder.name} reads {encoder.limit}: cuts "
            f"{_short(cut)}",
        )
        read = text[: -len(cut)]
        if names_class(text, name, class_names) and not names_class(read, name, class_names):
            message = f"{encoder.name} reads no word of its class: it comes after the cut"
            yield said("error", "class cut", message)


def _repeated(prompts: Sequence[Prompt], name: str) -> Iterator[Finding]:
    """Tell once of a text that comes again and again, as a template's does."""
    numbers: defaultdict[str, list[int]] = defaultdict(list)
    for prompt in prompts:
        if prompt.text.strip():
            numbers[prompt.text].append(prompt.index)
    for text, found in numbers.items():
        if len(found) > 1:
            message = f"comes {len(found)} times: {_short(text)}"
            yield Finding("warning", "repeated", name, found[0], message)


def _near_duplicates(prompts: Sequence[Prompt], name: str) -> Iterator[Finding]:
    """Compare each text with those before it; a word in common makes it worth comparing."""
    seen: dict[frozenset[str], int] = {}
    by_word: defaultdict[str, list[frozenset[str]]] = defaultdict(list)
    for prompt in prompts:
        if not prompt.text.strip():
            continue  # told already
        words = frozenset(_WORD.findall(prompt.text.lower()))
        earlier = seen.get(words)
        if earlier is None:
            rare = sorted(words, key=lambda word: len(by_word[word]))[: max(len(words) // 5, 1)]
            earlier = _first_similar(words, (each for word in rare for each in by_word[word]), seen)
            seen[words] = prompt.index
            for word in words:
                by_word[word].append(words)
        if earlier is not None:
            message = f"nearly the same words as prompt {earlier}: {_short(prompt.text)}"
            yield Finding("warning", "near-duplicate", name, prompt.index, message)


def _first_similar(
    words: frozenset[str], candidates: Iterable[frozenset[str]], seen: dict[frozenset[str], int]
) -> int | None:
    similar = (
        seen[each]
        for each in candidates
        if len(words & each) >= SIMILAR * max(len(words | each), 1)
    )
    return min(similar, default=None)


def _short(text: str) -> str:
    return repr(text if len(text) <= 70 else f"{text[:67]}...")
