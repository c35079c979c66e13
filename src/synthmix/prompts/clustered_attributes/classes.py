"""The attributes of classes: names matched, counts merged, attributes grouped or dropped."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from synthmix.errors import DataError
from synthmix.prompts._template import article
from synthmix.prompts.clustered_attributes._texts import read_toml, words_of
from synthmix.prompts.clustered_attributes._wordnet import match, senses_of
from synthmix.prompts.clustered_attributes.groups import NUMBER, Placed, group_names, place
from synthmix.prompts.clustered_attributes.visual_genome import Attributes, Counts
from synthmix.prompts.spoken_names import names_class, spoken

Place = Callable[[Sequence[str]], Mapping[str, Placed]]
"""Places attributes that no rule knows, by embeddings for instance."""


@dataclass(frozen=True)
class ClassAttributes:
    """What a class's attributes are and where they come from.

    `names` has each matched object name's synset and mentions, `refused` the reason for names that
    only look alike, `groups` the counts, `dropped` what no prompt can say, with count and reason.
    """

    names: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    groups: Mapping[str, Counts] = field(default_factory=dict)
    dropped: Mapping[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def mentions(self) -> int:
        """Number of mentions that are in a group."""
        return sum(sum(counts.values()) for counts in self.groups.values())


def plain(class_name: str) -> str:
    """Return a class's name as people write it."""
    return spoken(class_name).lower()


def group(
    attributes: Attributes, class_names: Sequence[str], rest: Place | None = None
) -> dict[str, ClassAttributes]:
    """Return the attributes of every class; raises DataError where one matches no name.

    `rest` is asked for the groups of attributes that no rule knows.
    """
    others = tuple(class_names)
    return {name: _of_class(attributes, name, others, rest) for name in class_names}


def fallback(class_name: str) -> ClassAttributes | None:
    """Return the lexicon written for a class that Visual Genome hardly has, all counts 1."""
    written = read_toml("classes.toml")["fallback"].get(plain(class_name))
    if written is None:
        return None
    groups = {name: dict.fromkeys(words_of(text), 1) for name, text in written.items()}
    return ClassAttributes(groups=groups)


def _of_class(
    attributes: Attributes, class_name: str, others: Sequence[str], rest: Place | None
) -> ClassAttributes:
    senses = senses_of(class_name)
    names: dict[str, tuple[str, int]] = {}
    refused: dict[str, str] = {}
    counts: Counts = {}
    for name in sorted(attributes.names):
        found = match(name, class_name, senses)
        if found is None:
            continue
        if found.refused:
            refused[name] = found.refused
            continue
        names[name] = found.synset, sum(attributes.names[name].values())
        for attribute, count in attributes.names[name].items():
            counts[attribute] = counts.get(attribute, 0) + count
    if not names and fallback(class_name) is None:
        raise DataError(
            f"class '{class_name}' matches none of the {len(attributes.names):,} object names: "
            "name it by a common noun, or leave it out. (The whole of Visual Genome has more.)"
        )
    groups, dropped = _grouped(counts, class_name, senses.kind, others, rest)
    return ClassAttributes(names, refused, groups, dropped)


def _grouped(
    counts: Counts, class_name: str, kind: str, others: Sequence[str], rest: Place | None
) -> tuple[dict[str, Counts], dict[str, tuple[int, str]]]:
    groups: dict[str, Counts] = {name: {} for name in group_names()}
    dropped: dict[str, tuple[int, str]] = {}
    unknown = [each for each in counts if place(each).group is None]
    known = rest(unknown) if rest is not None else {}
    for attribute, count in sorted(counts.items(), key=lambda each: (-each[1], each[0])):
        placed = known.get(attribute, place(attribute))
        text = placed.base or attribute.replace("-", " ")
        text = _said().get(text, text)
        reason = _reason_against(text, placed, class_name, kind, others)
        if reason is not None:
            dropped[attribute] = count, reason
        elif placed.group is not None:
            into = groups[placed.group]
            into[text] = into.get(text, 0) + count
    return {name: found for name, found in groups.items() if found}, dropped


def _reason_against(
    text: str, placed: Placed, class_name: str, kind: str, others: Sequence[str]
) -> str | None:
    """Return why no prompt of the class can say it."""
    if placed.group == NUMBER:
        return "a number: a picture shows one subject"
    if names_class(text, class_name):
        return "the class itself"
    named = next((other for other in others if names_class(text, other)), None)
    if named is not None:
        return f"names the class '{named}'"
    if placed.group is None:
        return placed.why
    if text in _unsaid():
        return "said of a part or of a place in the picture"
    refused = _refused(kind).get(placed.group, frozenset())
    if "*" in refused or text in refused:
        return f"contradicts the class: no {placed.group} of {article(kind)} {kind}"
    if text in _refused_of(plain(class_name)):
        return f"contradicts the class '{class_name}'"
    return None


@lru_cache(maxsize=1)
def _said() -> dict[str, str]:
    found: dict[str, str] = read_toml("classes.toml")["say"]
    return found


@lru_cache(maxsize=1)
def _unsaid() -> frozenset[str]:
    return frozenset(words_of(read_toml("classes.toml")["unsaid"]["words"]))


@lru_cache(maxsize=4)
def _refused(kind: str) -> dict[str, frozenset[str]]:
    lists = read_toml("classes.toml")["refused"].get(kind, {})
    return {group: frozenset(words_of(text)) for group, text in lists.items()}


@lru_cache(maxsize=64)
def _refused_of(class_name: str) -> frozenset[str]:
    return frozenset(words_of(read_toml("classes.toml")["refused_of"].get(class_name, "")))
