import time

import pytest

from synthmix import yaml_text


@pytest.mark.parametrize(
    "text", ["no", "Yes", "on", "NO", "007", "08", "1:30", "1_000", "~", "null", "1e3", "0x1F"]
)
def test_a_scalar_stays_the_text_that_stands_there(text: str) -> None:
    assert yaml_text.load(f"a: {text}") == {"a": text}
    assert yaml_text.load(f"a: '{text}'") == {"a": text}
    assert yaml_text.load(f"{text}: a") == {text: "a"}
    assert yaml_text.load(f"- {text}\n- 2020-01-01") == [text, "2020-01-01"]
    assert yaml_text.load(f"!!int {text}") == text


def test_an_empty_document_is_an_empty_text() -> None:
    assert yaml_text.load("") == yaml_text.load("# nothing") == ""
    assert yaml_text.load("a:") == {"a": ""}


def test_an_alias_is_what_it_stands_for_and_no_copy() -> None:
    found = yaml_text.load("a: &x [1]\nb: *x")
    assert found["a"] is found["b"]


def test_aliases_that_multiply_take_no_time() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40)]
    began = time.monotonic()
    assert len(yaml_text.load("\n".join(lines))["a39"]) == 9
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "line 3: the key 'a' is there twice"),
        ("a: &x [*x]", "line 1: the alias '\\*x' stands for nothing that ended before"),
        ("b: *y", "y"),
        ("? [a]\n: b", "line 1: a key is no text"),
        ("[" * 100_000, "line 1: it is nested too deeply"),
        ("a: 1\n---\nb: 2", "a second document begins"),
        ("[: }", "line 1: "),
        ("a: \x00", "."),
    ],
)
def test_what_is_no_such_document_is_told_in_one_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        yaml_text.load(text)
    assert "\n" not in str(caught.value)
