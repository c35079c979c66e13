"""YAML 1.2's core schema, and texts that are made to hurt, each refused in one line at once."""

import copy
import pickle
from typing import Any

import pytest
import yaml

from synthmix.yaml_text import LARGEST, NotYaml, dumped, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("yes", "no", "on", "off", "y", "n", "NO", "Yes", "nan", "inf")),
        *((word, word) for word in ("1:30", "2020-01-01", "1_000", "0b11", "=", "1.2.3", "0o8")),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("-7", -7),
        ("09", 9),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("-.INF", float("-inf")),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("'010'", "010"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("! 5", "5"),
    ],
)
def test_a_plain_scalar_is_what_the_core_schema_says(text: str, value: object) -> None:
    found = parse(f"a: {text}")["a"]
    assert found == value
    assert isinstance(found, type(value))


@pytest.mark.parametrize(
    "text", ["010", "0o17", "1e3", "1.50", ".5", "-0", "0xfF", ".NaN", "1.0E3"]
)
def test_a_number_keeps_how_it_was_written(text: str) -> None:
    for found in (parse(text), copy.deepcopy(parse(text)), pickle.loads(pickle.dumps(parse(text)))):
        assert (str(found), repr(found)) == (text, text)


def test_keys_are_text_as_written() -> None:
    text = "007: a\nNO: b\n1e3: c\nnull: d\ntrue: e\n1:30: f\n&k 010: g\n*k : h\n"
    with pytest.raises(NotYaml, match="line 8: the key '010' is there twice"):
        parse(text)
    assert list(parse(text.rpartition("*k")[0])) == [
        *("007", "NO", "1e3", "null", "true", "1:30", "010")
    ]


def test_every_scalar_may_stay_text() -> None:
    assert parse("[yes, 010, null, true, 1e3, ~]", str) == [
        "yes",
        "010",
        "null",
        "true",
        "1e3",
        "~",
    ]


def test_merged_keys_give_way_to_those_that_stand_there() -> None:
    found = parse("a: &a {x: 1, y: 2}\nb: &b {x: 3}\nc: {<<: [*a, *b], y: 4}\nd: {'<<': 5}\n")
    assert found["c"] == {"x": 1, "y": 4}
    assert found["d"] == {"<<": 5}


def bomb(levels: int, part: str = "[{}]") -> str:
    lines = ["a0: &a0 " + part.format("x")]
    for level in range(1, levels):
        lines.append(f"a{level}: &a{level} " + part.format(", ".join([f"*a{level - 1}"] * 9)))
    return "\n".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (bomb(9), "line 7: with its aliases written out it is larger than 1,000,000 characters"),
        (bomb(40, "{{k: [{}]}}"), "with its aliases written out"),
        ("a: &a {k: v}\n" + bomb(30).replace("[", "{<<: [").replace("]", "]}"), "<<"),
        ("a: &a " + "x" * 600_000 + "\nb: [*a, *a]", "with its aliases written out"),
        ("[" * 100_000, "nested too deeply"),
        ("{a: " * 100_000, "nested too deeply"),
        ("- " * 50_000, "nested too deeply"),
        ("x" * (LARGEST + 1), "larger than 1,000,000 characters"),
        ("a: &a {b: *a}", "an alias stands for what it is part of"),
        ("a: *nowhere", "there is no '&nowhere'"),
        ("a: 1\n---\nb: 2", "line 2: a second document begins"),
        ("a:\n\t- b", "line 2: a tab, where YAML wants spaces"),
        ("a: {b: c", "line 2"),
        ("a: !!python/object/apply:os.system [id]", "the tag !!python/object/apply:os.system"),
        ("a: !!binary aGk=", "the tag !!binary"),
        ("a: !mine {b: c}", "the tag !mine"),
        ("? [a]\n: b", "a key must be text"),
        ("a: &a [1]\n*a : b", "a key must be text"),
        ("{<<: 3}", "'<<' takes in the keys"),
        ("a: \0", "unacceptable character #x0000"),
        ("a: \x1b[31m", "unacceptable character #x001b"),
        ("a: \ud800", "surrogates not allowed"),
        ("a: " + "9" * 5000, "a number of 5,000 characters"),
        ("a: 1e" + "9" * 5000, "a number of 5,002 characters"),
    ],
)
def test_what_is_made_to_hurt_is_one_line(text: str, words: str) -> None:
    with pytest.raises(NotYaml) as caught:
        parse(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "value",
    [
        {"a": word}
        for word in ("010", "1e3", "0o17", "09", ".5", "yes", "null", "true", "1:30", "", "~", "<<")
    ],
)
def test_text_that_looks_like_more_is_quoted_for_readers_of_every_version(
    value: dict[str, Any],
) -> None:
    assert parse(dumped(value)) == value
    assert yaml.safe_load(dumped(value)) == value


def test_numbers_are_written_as_they_were() -> None:
    text = "a: 010\nb: 1e3\nc: 0o17\nd: 1.50\ne: 0x1F\nf: .inf\n'010': -0\n"
    assert dumped(parse(text)) == text
