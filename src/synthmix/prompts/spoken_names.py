"""Names of classes as a sentence holds them, and texts in which they are found again.

`Apple___Black_rot` is spoken "Apple Black rot"; "an apple with black rot" names it too.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from synthmix.errors import DataError

_ALSO_CALLED = {
    "airplane": ("plane", "aeroplane", "aircraft", "airliner", "jet"),
    "automobile": ("car", "auto"),
}
"""Everyday words for classes whose names are less common in captions."""

_IRREGULAR = (
    "mouse mice, louse lice, goose geese, man men, foot feet, tooth teeth, child children, "
    "ox oxen, person people, cactus cacti, fungus fungi, larva larvae, alga algae, "
    "die dice, ovum ova"
)
_PLURALS = dict(each.split() for each in _IRREGULAR.split(","))
"""Plurals that no rule gives, by the end of the word."""

_SYNSET = re.compile(r"^[nvars]\d{8}(?:[-_\s]+|$)")
_NUMBERED = re.compile(r"^\d{3,}\.(?=\D)")
"""Numbers before names, as in "001.Black_footed_Albatross"."""

_WORDS_IN_ONE = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})")
"""Between the words of "GoldenRetriever" and "USAFlag"; not in "iPhone" or "McDonald"."""

_PARTS = re.compile(r"_{2,}|--+")
_SPACES = re.compile(r"[\s_]+")
_IN_BRACKETS = re.compile(r"\([^()]*\)")


@lru_cache(maxsize=4096)
def spoken(name: str) -> str:
    """Return a class's name as a sentence holds it; raises DataError where none can.

    Underscores are spaces, words written in one are parted, and numbers and WordNet ids before a
    name are left out.
    """
    text = unicodedata.normalize("NFC", name)
    if any("\ud800" <= each <= "\udfff" for each in text):
        raise _unspoken(ascii(name), "it is no valid text")
    text = "".join(" " if _is_control(each) else each for each in text if not _is_unseen(each))
    bare = _NUMBERED.sub("", _SYNSET.sub("", text.strip()))
    if not bare and text.strip():
        raise _unspoken(f"'{name}'", "it is an id of WordNet, not a word")
    bare = _WORDS_IN_ONE.sub(" ", _PARTS.sub(" ", bare))
    found = _SPACES.sub(" ", bare).strip(" -")
    if not _plain(found):
        raise _unspoken(f"'{name}'", "there is neither a letter nor a number in it")
    return found


def check_spoken(class_names: Sequence[str]) -> None:
    """Raise DataError where a name cannot be spoken, or two are spoken alike."""
    said: dict[str, str] = {}
    for name in class_names:
        other = said.setdefault(spoken(name), name)
        if other != name:
            raise DataError(
                f"classes '{other}' and '{name}' are both spoken '{spoken(name)}', so their "
                "prompts would be the same; class_map may give one another name."
            )


def names_class(text: str, name: str, class_names: Sequence[str] = ()) -> bool:
    """Whether a text has a class's name, its plural, or an everyday word for it.

    Of a name in parts ("Apple___Black_rot") it has every part, in any order; of a list of names
    ("tench, Tinca tinca") one that none of the other `class_names` has. A name that cannot be
    spoken is in no text.
    """
    plain = _plain(text)
    try:
        options = _options(name, tuple(class_names) if "," in name else ())
    except DataError:
        return False
    return any(all(each.search(plain) for each in option) for option in options)


def others_named(text: str, name: str, class_names: Sequence[str]) -> list[str]:
    """Return the other classes that a text names, besides in the words of its own class's name."""
    try:
        own = spoken(name)
    except DataError:
        own = name
    rest = _pattern(_plain(own)).sub(" ", _plain(text)) if _plain(own) else text
    return [
        each
        for each in class_names
        if each != name
        and names_class(text, each, class_names)
        and (names_class(rest, each, class_names) or not names_class(own, each, class_names))
    ]


@lru_cache(maxsize=4096)
def _options(name: str, class_names: tuple[str, ...]) -> list[list[re.Pattern[str]]]:
    """Return what a text may hold to name a class: for each possibility all that it needs."""
    whole = spoken(name)
    options = [[whole], [name], *([each] for each in _ALSO_CALLED.get(name, ()))]
    parts = [each for each in map(_part, _PARTS.split(name)) if each]
    options.append(parts)
    options.append([_IN_BRACKETS.sub(" ", each) for each in parts])
    others = [_plain(each) for each in class_names if each != name]
    if len(parts) == 1:
        listed = [each for each in whole.split(",") if _plain(each)]
        options.append(listed)
        options += [[each] for each in listed if not _in_any(each, others)]
    else:  # "Pepper,_bell___healthy" is a healthy bell pepper
        options.append([word for each in parts for word in each.split(",")])
    found = [[_plain(each) for each in option] for option in options]
    return [[_pattern(each) for each in option if each] for option in found if any(option)]


def _part(text: str) -> str:
    try:
        return spoken(text)
    except DataError:
        return ""


def _in_any(text: str, others: Sequence[str]) -> bool:
    pattern = _pattern(_plain(text))
    return any(pattern.search(each) for each in others)


@lru_cache(maxsize=4096)
def _pattern(words: str) -> re.Pattern[str]:
    """Return what finds words or their plural in a plain text.

    Scripts without case, such as Chinese or Thai, write words without spaces between them, and
    Korean or Arabic join particles to them: there a word may stand within another.
    """
    first, last = words[0], words[-1]
    before = "" if _is_joined(first) else r"(?<!\S)"
    if _is_joined(last) or not last.isalpha():
        return re.compile(before + re.escape(words) + ("" if _is_joined(last) else r"(?!\S)"))
    start, _, word = words.rpartition(" ")
    forms = "|".join(map(re.escape, dict.fromkeys(_forms(word))))
    start = re.escape(f"{start} ") if start else ""
    return re.compile(rf"{before}{start}(?:{forms})(?!\S)")


def _forms(word: str) -> Iterator[str]:
    """Yield a word, what it may be the plural of, and its plurals."""
    yield word
    for one, many in _PLURALS.items():
        if word.endswith(one):
            yield word.removesuffix(one) + many
        if word.endswith(many):
            yield word.removesuffix(many) + one
    for ending, instead in (("y", "ies"), ("f", "ves"), ("fe", "ves"), ("", "s"), ("", "es")):
        if word.endswith(ending):
            yield word.removesuffix(ending) + instead
        if len(word) > len(instead) + 2 and word.endswith(instead) and not word.endswith("ss"):
            yield word.removesuffix(instead) + ending


@lru_cache(maxsize=65536)
def _plain(text: str) -> str:
    """Return lower-case words with a space between them, whatever form of Unicode they were in.

    A space also stands where a script without case begins or ends.
    """
    words, last = [], ""
    for each in unicodedata.normalize("NFKC", text).casefold():
        kind = unicodedata.category(each)
        if _is_unseen(each):
            continue
        if kind[0] not in "LMN" and kind != "So":
            words.append(" ")
        elif last and kind[0] != "M" and _is_joined(last) != _is_joined(each):
            words.append(f" {each}")
        else:
            words.append(each)
        last = each if kind[0] in "LN" or kind == "So" else last if kind[0] == "M" else ""
    return " ".join("".join(words).split())


def _is_joined(character: str) -> bool:
    """Whether a character is of a script without case, or a sign such as an emoji."""
    is_letter = character.isalpha() and character.lower() == character.upper()
    return is_letter or unicodedata.category(character)[0] in "MS"


def _is_control(character: str) -> bool:
    return unicodedata.category(character) == "Cc"


def _is_unseen(character: str) -> bool:
    """Whether a character only says how others are shown: joiners, directions, variants."""
    return unicodedata.category(character) == "Cf" or "\ufe00" <= character <= "\ufe0f"


def _unspoken(name: str, why: str) -> DataError:
    return DataError(
        f"class {name} has no form that a sentence can hold ({why}): say by class_map how it is "
        "called, as in class_map: {n01440764: tench}, or take prompts from a file."
    )
