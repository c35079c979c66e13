"""Prompts made of attributes: order, articles, contradictions, distinct texts, templates, notes."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.errors import DataError, SettingError
from synthmix.prompts.clustered_attributes import ClusteredAttributes
from synthmix.prompts.clustered_attributes._compose import Composer, clashes, phrase
from synthmix.prompts.clustered_attributes._texts import read_toml, words_of
from synthmix.prompts.clustered_attributes.classes import fallback
from tests.conftest import SHARED
from tests.prompts.clustered_attributes.test_wordnet import MATCHED

FACTUAL = SHARED / "data" / "visual_genome" / "attributes_native_factual.json.gz"
CIFAR10 = tuple(MATCHED)
GROUPS = {
    "colour": {"black": 8, "orange": 2},
    "size": {"small": 5, "large": 3},
    "pose": {"sleeping": 4, "running": 2},
    "appearance": {"alert": 3, "old": 1},
}


def stored(folder: Path, **classes: Any) -> str:
    path = folder / "classes.json"
    content = {name: {"names": {}, "groups": groups} for name, groups in classes.items()}
    head = {"format": "synthmix attribute classes 1", "source": "x"}
    path.write_text(json.dumps({**head, "classes": content}))
    return str(path)


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        ({"colour": "white", "size": "small"}, "small white cat"),
        (
            {"kind": "stray", "material": "x", "colour": "red", "pattern": "striped", "age": "old"},
            "old striped red x stray cat",
        ),
        (
            {"setting": "in grass", "pose": "sitting", "appearance": "cute", "state": "wet"},
            "cute wet cat sitting in grass",
        ),
        ({"parts": "long haired", "colour": "gray"}, "gray long-haired cat"),
        (
            {"parts": "with a collar", "pose": "asleep", "setting": "outdoors"},
            "cat with a collar asleep outdoors",
        ),
        ({"setting": "remote", "state": "on fire"}, "remote cat on fire"),
        ({}, "cat"),
    ],
)
def test_attributes_stand_in_english_order(chosen: dict[str, str], text: str) -> None:
    assert phrase("cat", chosen) == text


def test_the_article_belongs_to_what_follows(tmp_path: Path) -> None:
    path = stored(tmp_path, cat={"colour": {"orange": 5}})
    (one,) = ClusteredAttributes(visual_genome=path, fallback_below=0).write(("cat",), 1, seed=0)
    assert one.text == "A photo of an orange cat"
    assert one.source == {"attributes": {"colour": "orange"}}
    template = "{name}: {attributes}, {article} {name}"
    other = ClusteredAttributes(visual_genome=path, template=template)
    assert next(other.write(("cat",), 1, seed=0)).text == "cat: orange, a cat"


def test_texts_differ_until_all_are_used(tmp_path: Path) -> None:
    strategy = ClusteredAttributes(
        visual_genome=stored(tmp_path, cat=GROUPS), clusters=3, at_least=1
    )
    texts = [each.text for each in strategy.write(("cat",), 20, seed=1)]
    assert len(set(texts[:8])) == 8
    assert set(texts[8:]) <= set(texts[:8])


def test_frequent_attributes_come_oftener_and_uniform_ones_do_not() -> None:
    words = {f"word{n}": 1 for n in range(30)} | {"often": 170}
    for sample, low, high in (("frequency", 150, 200), ("uniform", 0, 30)):
        composer = Composer("cat", {"colour": words}, sample, 0)  # type: ignore[arg-type]
        drawn = Counter(composer._random(index, 0)["colour"] for index in range(200))
        assert low <= drawn["often"] <= high


def test_seeds_and_classes_draw_apart(tmp_path: Path) -> None:
    words = {f"word{n}": 1 for n in range(500)}
    path = stored(tmp_path, cat={"colour": words}, dog={"colour": words})
    strategy = ClusteredAttributes(visual_genome=path, at_least=1)

    def texts(seed: int) -> list[dict[str, str]]:
        return [dict(e.source)["attributes"] for e in strategy.write(("cat", "dog"), 20, seed=seed)]  # type: ignore[misc]

    assert texts(0) != texts(1)
    assert texts(0)[::2] != texts(0)[1::2]


@given(st.integers(0, 2**32), st.integers(0, 10**6), st.sampled_from(["deer", "frog"]))
def test_no_text_contradicts_itself(seed: int, index: int, name: str) -> None:
    written = fallback(name)
    assert written is not None
    chosen = Composer(name, written.groups, "uniform", seed)._random(index, 0)
    assert len(chosen) >= len(written.groups) - 2
    for group, text in chosen.items():
        others = [each for other, each in chosen.items() if other != group]
        assert not clashes(text, others)


def test_contradictions_are_known_both_ways() -> None:
    for one, other in read_toml("classes.toml")["clashes"].values():
        for first in words_of(one):
            for second in words_of(other):
                assert clashes(first, [second])
                assert clashes(second, [first])
    assert not clashes("black", ["small", "sleeping"])


def test_a_drawn_text_leaves_out_a_group_rather_than_contradict(tmp_path: Path) -> None:
    groups = {"pose": {"sleeping": 9}, "appearance": {"alert": 3}, "size": {"small": 4}}
    strategy = ClusteredAttributes(visual_genome=stored(tmp_path, cat=groups))
    (one,) = strategy.write(("cat",), 1, seed=0)
    assert one.text == "A photo of a small cat sleeping"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("A photo", "template must contain {subject}, or {name} and {attributes}"),
        ("A photo of {name}", "template must contain {subject}"),
        ("{attributes}", "template must contain {subject}"),
        ("{subjct}", "template has no placeholder '{subjct}'. Did you mean 'subject'?"),
    ],
)
def test_templates_that_leave_out_the_class_are_refused(template: str, said: str) -> None:
    with pytest.raises(SettingError) as info:
        ClusteredAttributes(visual_genome="x", template=template)
    assert said in str(info.value)


def test_a_class_with_too_few_mentions_is_named(tmp_path: Path) -> None:
    path = stored(tmp_path, cat={"colour": {"red": 1}})
    with pytest.raises(DataError, match="class 'cat' has no attribute with at_least = 2 mentions"):
        ClusteredAttributes(visual_genome=path).check(("cat",))
    with pytest.raises(SettingError, match="visual_genome is 'none.json', which does not exist"):
        ClusteredAttributes(visual_genome="none.json").check(("cat",))


def test_rare_classes_take_the_lexicon_and_the_notes_say_so(tmp_path: Path) -> None:
    path = stored(tmp_path, deer={"colour": {"brown": 41}}, cat={"colour": {"red": 41}})
    strategy = ClusteredAttributes(visual_genome=path, clusters=8)
    strategy.check(("deer", "cat"))
    source, notes = strategy.notes(("deer", "cat"))
    assert "CC BY 4.0" in source
    assert notes.startswith("Attributes of deer (41 mentions): from a lexicon written for")
    deer = next(strategy.write(("deer", "cat"), 1, seed=0))
    assert len(dict(deer.source["attributes"])) >= 7  # type: ignore[call-overload]
    assert (
        len(ClusteredAttributes(visual_genome=path, fallback_below=41).notes(("deer", "cat"))) == 1
    )


@pytest.mark.skipif(not FACTUAL.exists(), reason="the Visual Genome pairs are not here")
def test_prompts_of_the_true_attributes_name_their_class_and_no_other() -> None:
    from synthmix.prompts.lint import lint

    strategy = ClusteredAttributes(visual_genome=str(FACTUAL), clusters=8, at_least=1)
    written = list(strategy.write(CIFAR10, 40, seed=0))
    assert len({each.text for each in written}) == len(written)
    found = [each for each in lint(written, CIFAR10) if each.kind != "near-duplicate"]
    assert found == []
    assert {name for name in CIFAR10 if name in strategy.notes(CIFAR10)[1]} == {"deer", "frog"}


@pytest.mark.parametrize(
    "content",
    [
        '{"format": "synthmix attributes 1", "names": 5, "images": 1, "objects": 1}',
        '{"format": "synthmix attributes 1", "names": {"dog": {"red": "many"}}}',
        '{"format": "synthmix attribute classes 1"}',
        '{"format": "synthmix attribute classes 1", "classes": [1]}',
        '{"a": ' + "[" * 100_000,
        '{"dog": {"red": 1}}',
    ],
)
def test_a_stored_file_that_was_changed_is_one_line(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stored.json"
    path.write_text(content)
    with pytest.raises(DataError) as raised:
        ClusteredAttributes(visual_genome=str(path)).check(("dog",))
    assert "\n" not in str(raised.value)
