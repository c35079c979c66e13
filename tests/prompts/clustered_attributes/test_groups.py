"""Attributes and their visual groups: rules by example, and purity on words labelled beforehand."""

import json
from pathlib import Path

import pytest

from synthmix.prompts.clustered_attributes.groups import group_names, place

LABELS = Path(__file__).parents[1] / "attribute_labels.json"
EXAMPLES = {
    "colour": "teal|turquoise|dark turquoise|violet and yellow|rust colored|pinkish|paler",
    "material": "made of stone|titanium|oak",
    "size": "gigantic|very wide|tallest|palm sized|waist length",
    "shape": "hexagonal|egg shaped|slightly curved",
    "pattern": "polka dot|zebra patterned|silky|lion print",
    "pose": "trotting|gnawing|walking away|perched",
    "age": "newborn|ancient|youngest",
    "state": "rusty|unlocked|half closed|dented",
    "setting": "in the garden|under a bridge|foggy|by the sea",
    "appearance": "elegant|sad looking|gorgeous",
    "kind": "police|siamese",
    "parts": "sleeveless|long necked|with a red collar|wearing a hat|two headed",
    "number": "3|twelve|several",
}
DROPPED = {
    'lit "stop"': "not plain words",
    "brand x1": "not plain words",
    "": "not plain words",
    "the man is on a horse here": "too many words",
    "left": "a part, not an attribute",
    "delicious": "not visual",
    "illegal": "a matter of legality, WordNet says",
    "qwertyish": "no rule knows it",
    "parking": "no rule knows it",
}


@pytest.mark.parametrize("group", EXAMPLES)
def test_words_and_phrases_are_placed(group: str) -> None:
    assert group in group_names()
    for attribute in EXAMPLES[group].split("|"):
        assert place(attribute).group == group, attribute


@pytest.mark.parametrize(("attribute", "why"), list(DROPPED.items())[:-1])
def test_what_is_dropped_says_why(attribute: str, why: str) -> None:
    assert place(attribute).group is None
    assert place(attribute).why == why


def test_a_degree_knows_its_word() -> None:
    assert (place("larger").base, place("oldest").base, place("large").base) == ("large", "old", "")


def test_hyphens_are_spaces() -> None:
    assert place("dark-blue") == place("dark blue")


def test_purity_on_words_labelled_beforehand() -> None:
    labels = json.loads(LABELS.read_text(encoding="utf-8"))
    words = {**labels["frequent"], **labels["rare"]}
    assert len(words) == 100
    assert set(words.values()) <= {*group_names(), "none"}
    placed = {word: place(word).group for word in words}
    given = [word for word in words if placed[word] is not None]
    right = [word for word in given if placed[word] == words[word]]
    assert len(right) / len(given) >= 0.85
    labelled = [word for word in words if words[word] != "none"]
    assert sum(placed[word] is not None for word in labelled) / len(labelled) >= 0.7
