"""Which visual group an attribute belongs to, in the order: lexicon, form, WordNet, embeddings.

The lexicon and the lists are in data/groups.toml. An attribute that no rule knows is dropped, with
the reason; nothing is put where it might belong.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from synthmix.prompts.clustered_attributes._texts import read_toml, words_of
from synthmix.prompts.clustered_attributes._wordnet import attribute_nouns

NUMBER = "number"
"""The one group of which no prompt takes anything: a picture shows one subject."""

UNKNOWN = "no rule knows it"

_PLAIN = re.compile(r"[a-z][a-z '-]*")
_DIGITS = re.compile(r"\d+")
_LONGEST = 4
"""Words of an attribute; longer ones are sentences."""


@dataclass(frozen=True)
class Placed:
    """An attribute's group and the rule that knew it, or why it has none."""

    group: str | None
    why: str
    base: str = ""
    """The word it is a degree of: `large` for `larger`."""


def group_names() -> tuple[str, ...]:
    """Return the groups in the order in which their words stand before a noun."""
    return tuple(read_toml("groups.toml")["groups"])


@lru_cache(maxsize=1 << 16)
def place(attribute: str) -> Placed:
    """Return the group of a normalised attribute."""
    if _DIGITS.fullmatch(attribute):
        return Placed(NUMBER, "digits")
    text = " ".join(attribute.replace("-", " ").split())
    if not text or not _PLAIN.fullmatch(attribute):
        return Placed(None, "not plain words")
    if len(text.split()) > _LONGEST:
        return Placed(None, "too many words")
    known = _listed(text) or _by_form(text)
    if known is not None:
        return known
    return _by_wordnet(text) or _by_ending(text) or Placed(None, UNKNOWN)


def listed_in(text: str) -> str | None:
    """Return the group of a word or phrase that the lexicon has, None for all others."""
    return _lexicon().get(text)


def _listed(text: str) -> Placed | None:
    if text in _lexicon():
        return Placed(_lexicon()[text], "lexicon")
    return Placed(None, _dropped()[text]) if text in _dropped() else None


def _by_form(text: str) -> Placed | None:
    """Place a phrase by its first or last word, or a word by the one it is formed from."""
    first, _, rest = text.partition(" ")
    start, _, last = text.rpartition(" ")
    if text.startswith(("made of ", "made out of ")):
        return Placed("material", "made of")
    if first in ("with", "without", "wearing"):
        return Placed("parts", f"{first} ...")
    if rest and any(text.startswith(f"{each} ") for each in _words("places")):
        return Placed("setting", "a place")
    if start and last in ("colored", "coloured", "color", "colour", "toned", "tinted", "hued"):
        return Placed("colour", f"... {last}")
    if start and last in ("shaped", "shape", "like"):
        return Placed("shape", f"... {last}")
    if start and last in ("patterned", "pattern", "print", "striped", "spotted", "textured"):
        return Placed("pattern", f"... {last}")
    if start and last in ("sized", "size", "length"):
        return Placed("size", f"... {last}")
    if start and last == "looking":
        return place(start)
    return _by_parts(text) or _by_grade(first, rest) or _by_stem(text)


def _by_parts(text: str) -> Placed | None:
    """Place `sleeveless`, `long necked` and the like."""
    word = text.rpartition(" ")[2]
    for ending in ("less", "ed", "d"):
        stem = word.removesuffix(ending)
        if stem != word and stem in _words("parts"):
            return Placed("parts", f"-{ending} of a part")
    return None


def _by_grade(first: str, rest: str) -> Placed | None:
    """Place `dark blue` as `blue`, and `black and white` where both are of one group."""
    if rest and (first in _words("grades") or (first.endswith("ly") and len(first) > 4)):
        found = place(rest)
        return Placed(found.group, f"{first} + {found.why}") if found.group else None
    groups = {_lexicon().get(word) for word in f"{first} {rest}".split() if word != "and"}
    only = groups.pop() if len(groups) == 1 else None
    return Placed(only, "words of one group") if only and rest else None


def _by_stem(word: str) -> Placed | None:
    """Place `brownish`, `larger` and `oldest` where the word they come from is known."""
    for stem in _stems(word):
        group = _lexicon().get(stem)
        # a tower is not what tows, nor is an officer more office: only qualities have degrees
        if group not in (None, "kind", "material", NUMBER):
            base = stem if word.endswith(("er", "est")) else ""
            return Placed(group, f"from '{stem}'", base)
    return None


def _stems(word: str) -> Iterator[str]:
    for ending in ("ish", "er", "est", "ing", "ed", "en", "y", "s"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 3:
            continue
        yield stem
        yield stem + "e"
        if stem[-1] == stem[-2]:
            yield stem[:-1]
        if stem.endswith("i"):
            yield stem[:-1] + "y"


def _by_wordnet(text: str) -> Placed | None:
    """Place an adjective by the attribute that WordNet says it is a value of."""
    nouns = attribute_nouns(text)
    for noun in nouns:
        if noun in _group_of_noun():
            return Placed(_group_of_noun()[noun], f"WordNet: {noun}")
    return (
        Placed(None, f"a matter of {nouns[0].partition('.')[0]}, WordNet says") if nouns else None
    )


def _by_ending(text: str) -> Placed | None:
    """Take an unknown `-ing` for an activity and an unknown `-ed` for a state."""
    words = text.split()
    if set(words) & set(_words("no_activity")):
        return None
    if any(word.endswith("ing") and len(word) > 5 for word in (words[0], words[-1])):
        return Placed("pose", "-ing")
    if words[0].endswith("ed") and len(words[0]) > 4 and len(words) <= 2:
        return Placed("state", "-ed")
    return None


@lru_cache(maxsize=1)
def _lexicon() -> Mapping[str, str]:
    groups = read_toml("groups.toml")["groups"]
    return {word.replace("-", " "): g for g, text in groups.items() for word in words_of(text)}


@lru_cache(maxsize=1)
def _dropped() -> Mapping[str, str]:
    lists = read_toml("groups.toml")["drop"]
    return {word: reason for reason, text in lists.items() for word in words_of(text)}


@lru_cache(maxsize=1)
def _group_of_noun() -> Mapping[str, str]:
    lists = read_toml("groups.toml")["nouns"]
    return {noun: group for group, text in lists.items() for noun in words_of(text)}


@lru_cache(maxsize=8)
def _words(name: str) -> frozenset[str]:
    return frozenset(words_of(read_toml("groups.toml")["words"][name]))
