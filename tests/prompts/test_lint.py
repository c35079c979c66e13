"""What the linter tells of prompts, one by one and of a class."""

import pytest

from synthmix.prompts.class_labels import ClassLabels
from synthmix.prompts.lint import lint
from synthmix.prompts.spoken_names import names_class
from synthmix.types import Prompt, TextEncoder

NAMES = ("airplane", "dog", "cat", "automobile", "pony", "hot_dog")
CLIP = TextEncoder("words", 6, lambda text: [each + " " for each in text.split()])


def kinds(*texts: str, label: int = 1) -> list[tuple[str, str]]:
    prompts = [Prompt(label, index, text, "test") for index, text in enumerate(texts)]
    return [(each.level, each.kind) for each in lint(prompts, NAMES, [CLIP])]


def test_a_good_prompt_has_nothing() -> None:
    assert kinds("a photo of a dog") == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("   ", [("error", "empty")]),
        ("Write a prompt about a dog", [("error", "instruction")]),
        ("Sure! A dog on grass", [("error", "instruction")]),
        ("a small brown animal", [("warning", "class lost")]),
        ("a dog beside a cat", [("warning", "other class")]),
        ("a dog on very green wet grass", [("warning", "cut")]),
        ("one two three four five six dog", [("warning", "cut"), ("error", "class cut")]),
        ("a hotdog", [("warning", "class lost")]),
    ],
)
def test_one_prompt(text: str, found: list[tuple[str, str]]) -> None:
    assert kinds(text) == found


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("two dogs", "dog"),
        ("A Dog.", "dog"),
        ("a red car", "automobile"),
        ("an old plane", "airplane"),
        ("ponies", "pony"),
        ("a hot dog", "hot_dog"),
    ],
)
def test_a_class_is_named_by_plurals_and_everyday_words(text: str, name: str) -> None:
    assert names_class(text, name)


@pytest.mark.parametrize(("text", "name"), [("a dogma", "dog"), ("a scar", "automobile")])
def test_a_word_within_a_word_names_nothing(text: str, name: str) -> None:
    assert not names_class(text, name)


def test_near_duplicates_are_told_of_the_later_one() -> None:
    words = "a dog of one two three four five six seven eight"
    prompts = [Prompt(1, n, t, "t") for n, t in enumerate([words, "a dog", f"{words}!", words])]
    found = [each for each in lint(prompts, NAMES) if each.kind == "near-duplicate"]
    assert [(each.index, "prompt 0" in each.message) for each in found] == [(2, True)]


def test_a_text_that_is_repeated_is_told_of_once() -> None:
    prompts = [Prompt(1, n, "a photo of a dog", "t") for n in range(50)]
    found = [each for each in lint(prompts, NAMES) if each.kind in ("repeated", "near-duplicate")]
    assert [(each.kind, each.index) for each in found] == [("repeated", 0)]
    assert "comes 50 times: " in found[0].message


def test_one_text_of_each_class_is_meant() -> None:
    prompts = list(ClassLabels().write(NAMES, 50, seed=0))
    assert lint(prompts, NAMES) == []


def test_the_same_words_in_another_class_are_no_duplicate() -> None:
    prompts = [Prompt(label, 0, "a dog and a cat", "t") for label in (1, 2)]
    assert "near-duplicate" not in {each.kind for each in lint(prompts, NAMES)}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<think>They want a dog</think> a photo of a dog", "model's marks"),
        ("a photo of a dog <|im_end|>", "model's marks"),
        ("a photo of a dog</s>", "model's marks"),
        ("[INST] a photo of a dog [/INST]", "model's marks"),
        ("```a photo of a dog```", "model's marks"),
        ("a photo of a (dog:1.4)", "weighting"),
        ("a photo of a ((dog))", "weighting"),
        ("a photo of a [dog:wolf:0.5]", "weighting"),
        ("a dog <lora:fur:0.8>", "weighting"),
        ("a dog, embedding:fur", "weighting"),
        ("a dog BREAK grass", "weighting"),
        ("a dog::2 grass", "weighting"),
        ("a dog++ on grass", "weighting"),
        ("a dog on grass --ar 16:9", "weighting"),
        ("a {red|brown} dog", "weighting"),
    ],
)
def test_what_programs_leave_in_texts_is_told(text: str, kind: str) -> None:
    found = lint([Prompt(1, 0, text, "test")], NAMES)
    assert kind in {each.kind for each in found}
    assert {each.level for each in found} == {"warning"}


@pytest.mark.parametrize(
    "text",
    ["a dog (brown) at 10:30", "a well-known dog", "a dog, 2:1 in size", "a dog [sic] in the rain"],
)
def test_brackets_and_colons_of_a_sentence_are_none(text: str) -> None:
    kinds = {each.kind for each in lint([Prompt(1, 0, text, "test")], NAMES)}
    assert not kinds & {"model's marks", "weighting"}
