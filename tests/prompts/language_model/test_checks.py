"""Each reason for which a text is no prompt, beside texts that are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.prompts.language_model import _checks as checks
from synthmix.prompts.language_model._questions import (
    Answer,
    Question,
    example_texts,
    examples,
    plain_subject,
)

NAMES = ("cat", "dog", "truck", "ice_cream")
TOLD = "Describe a photo of  in one sentence of 15 to 40 words: how it looks, what it does."
GOOD = "A photo of a cat, a grey tabby sleeping on a windowsill in the afternoon sun."


def fault(
    text: str, name: str = "cat", subject: str = "a cat", cut: bool = False, **others: object
) -> str | None:
    question = Question(0, 0, name, subject, seed=0)
    answer = Answer(checks.cleaned(text), cut)
    return checks.fault(answer, question, NAMES, instruction=TOLD, **others)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Sure! Here is a prompt: a cat sleeping on a sofa by the window.", checks.ECHO),
        ("A photo of a cat: how it looks, what it does when it is alone.", checks.ECHO),
        ("Subject: a cat. A grey tabby sleeping on a windowsill.", checks.ECHO),
        (f"A photo of a cat, {example_texts()[0]}", checks.ECHO),
        ("- a cat on a sofa by the window\n- a cat in the wet grass", checks.LIST),
        ("1. A cat sleeping on a sofa in the sun by the window", checks.LIST),
        ("**A photo of a cat** sleeping on a windowsill in the sun.", checks.LIST),
        ("A photo of a cat sleeping on a windowsill...", checks.LIST),
        ("A photo of a cat, with a large sign reading -------- on it.", checks.LIST),
        (f"{GOOD}\n\nIt is a very calm animal.", checks.PARAGRAPHS),
        ("A photo of a cat, the one that you can see in our garden.", checks.TALK),
        ("A photo of a cat, a grey grey tabby on a windowsill in the sun.", checks.REPETITION),
        ("A photo of a cat, on the sofa in the house on the sofa.", checks.REPETITION),
        ("A photo of a cat, house by house, each house in the sun.", checks.REPETITION),
        ("A photo of a kettle, a steaming one on an old iron stove.", checks.LOST),
        ("A photo of a cat, sitting in the back of a red truck at night.", checks.OTHER),
        ("A photo of a cat, eating some ice cream from a glass bowl.", checks.OTHER),
        ("A photo of a cat.", checks.EMPTY),
        ("", checks.LOST),
    ],
)
def test_every_reason_has_its_text(text: str, reason: str) -> None:
    assert fault(text) == reason
    assert reason in checks.REASONS


def test_good_texts_pass() -> None:
    assert fault(GOOD) is None
    assert fault(f'"{GOOD}"') is None
    assert fault("Two cats asleep in a basket of clean laundry, seen from above.") is None
    # a comma list of what is seen is no list of texts
    assert fault("A photo of a cat, small, grey and wet, on a wall after rain.") is None


def test_a_cut_text_is_rejected_however_good() -> None:
    assert fault(GOOD, cut=True) == checks.LIMIT


def test_a_text_that_is_there_already_is_rejected_whatever_its_case() -> None:
    others = {checks.key(GOOD.upper().rstrip("."))}
    assert fault(GOOD, others=others) == checks.DUPLICATE
    assert fault(GOOD, others={checks.key("A photo of a cat")}) is None


def test_what_the_subject_says_was_asked_for() -> None:
    subject = "a small dog in a truck"
    text = "A photo of a small dog in a truck, looking out of the open window."
    assert fault(text, "dog", subject) is None
    assert fault(text, "dog", "a small dog") == checks.OTHER
    again = "A photo of a small dog in a truck, a truck behind a truck and one more truck."
    assert fault(again, "dog", subject) == checks.REPETITION


def test_examples_end_where_the_model_goes_on() -> None:
    asked = examples("a cat", "A photo of {subject},")
    assert asked.endswith("\n\nSubject: a cat\nPrompt: A photo of a cat,")
    assert asked.count("Subject:") == len(example_texts()) + 1


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("A photo of a small brown dog.", "a small brown dog"),
        ("a photo of an old cat", "an old cat"),
        ("A drawing of a dog", "A drawing of a dog"),
    ],
)
def test_a_prompt_becomes_a_subject(text: str, subject: str) -> None:
    assert plain_subject(text, "A photo of {subject},") == subject
    assert plain_subject(text, "{subject}:") == text.rstrip(".")


@given(st.text(max_size=80))
def test_any_text_gets_an_answer(text: str) -> None:
    reason = fault(text)
    assert reason is None or reason in checks.REASONS


@given(st.integers(0, 2**62), st.integers(0, 500), st.integers(0, 50))
def test_every_attempt_has_a_seed_that_any_engine_takes(
    seed: int, index: int, attempt: int
) -> None:
    one = Question(0, index, "cat", "a cat", seed, attempt)
    other = Question(0, index, "cat", "a cat", seed, attempt + 1)
    assert 0 <= one.attempt_seed < 2**31
    assert one.attempt_seed != other.attempt_seed
