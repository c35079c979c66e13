"""Prompts from files: three formats, and what can be wrong with each."""

import json
from pathlib import Path

import pytest

from synthmix.errors import DataError, SettingError
from synthmix.prompts.file import File, prompts_in

NAMES = ("cat", "dog")
FORMATS = {
    "lists.json": json.dumps({"dog": ["d0"], "cat": ["c0", "c1"]}),
    "indices.json": json.dumps({"cat": {"10": "c1", "9": "c0"}, "dog": {"0": "d0"}}),
    "class.jsonl": '{"class": "dog", "prompt": "d0"}\n\n{"class": "cat", "text": "c0"}\n'
    '{"label": "cat", "prompt": "c1", "more": 3}',
    "class.csv": "class,prompt\ncat,c0\ndog,d0\ncat,c1\n",
    "label.CSV": "\ufefftext,x,label\r\nc0,1,cat\r\nd0,2,dog\r\nc1,,cat\r\n",
}


def write(folder: Path, name: str, content: str | bytes) -> File:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return File(path=str(path))


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_read_and_short_classes_are_cycled(name: str, tmp_path: Path) -> None:
    written = list(write(tmp_path, name, FORMATS[name]).write(NAMES, 3, seed=0))
    assert [each.text for each in written] == ["c0", "d0", "c1", "d0", "c0", "d0"]
    assert [each.index for each in written] == [0, 0, 1, 1, 2, 2]
    assert written[4].source == {"file": name, "number": 0}


def test_prompts_beyond_the_count_are_left_over(tmp_path: Path) -> None:
    written = write(tmp_path, "a.json", FORMATS["lists.json"]).write(NAMES, 1, seed=0)
    assert [each.text for each in written] == ["c0", "d0"]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_text_may_hold_line_ends_of_unicode(name: str, tmp_path: Path) -> None:
    text = "one\u2028two"
    row = json.dumps({"class": "cat", "prompt": text}, ensure_ascii=False)
    content = f"class,prompt\ncat,{text}\n" if name.endswith("csv") else row
    (written,) = write(tmp_path, name, content).write(("cat",), 1, seed=0)
    assert written.text == text


@pytest.mark.parametrize(
    "content",
    [
        "class,label,prompt\n,cat,c0\ncat,,c1\ncat,cat,c2\n",
        "class,prompt,text\ncat,c0,\ncat,,c1\ncat,c2,c2\n",
    ],
)
def test_two_columns_of_one_meaning_may_fill_each_other(content: str, tmp_path: Path) -> None:
    written = write(tmp_path, "a.csv", content).write(("cat",), 3, seed=0)
    assert [each.text for each in written] == ["c0", "c1", "c2"]


WRONG = {
    "two classes": (
        "a.csv",
        "class,label,prompt\ncat,dog,c\n",
        "a.csv line 2: it has class 'cat' and label 'dog'",
    ),
    "two texts": (
        "a.jsonl",
        '{"class": "cat", "prompt": "c", "text": "d"}',
        "a.jsonl line 1: it has prompt 'c' and text 'd'",
    ),
    "unknown class": ("a.json", '{"cta": ["x"]}', "unknown class 'cta'. Did you mean 'cat'?"),
    "class without prompt": ("a.json", '{"cat": ["x"], "dog": []}', "class 'dog' has no prompt"),
    "empty text": (
        "a.jsonl",
        '{"class": "cat", "prompt": " "}',
        "line 1: the prompt of class 'cat'",
    ),
    "no text": ("a.json", '{"cat": [3]}', "the prompt of class 'cat' must be a text, got 3"),
    "short row": ("a.csv", "class,prompt\ncat,c\ndog\n", "line 3: the prompt of class 'dog'"),
    "bad JSON": ("a.json", '{"cat": ["x"],\n"dog" ["y"]}', "a.json line 2: not valid JSON"),
    "bad JSONL": ("a.jsonl", '{"class": "cat", "prompt": "x"}\n\n{oops}', "line 3: not valid JSON"),
    "list": ("a.json", "[1]", "it must be {class: [text]}, got a list"),
    "text for list": ("a.json", '{"cat": "x"}', "class 'cat': it must be [text] or {index: text}"),
    "repeated class": ("a.json", '{"cat": ["x"], "cat": ["y"]}', "the key 'cat' stands twice"),
    "repeated index": ("a.json", '{"cat": {"0": "x", "0": "y"}}', "the key '0' stands twice"),
    "deep": ("a.json", '{"cat":' + "[" * 100_000, "nested too deeply"),
    "deep line": ("a.jsonl", '{"cat":' + "[" * 100_000, "nested too deeply"),
    "semicolons": (
        "a.csv",
        "class;prompt\ncat;a, b\ndog;y\n",
        "line 1: its columns are separated by semicolons (';'), not by commas",
    ),
    "tabs": ("a.csv", "class\tprompt\ncat\tx\n", "separated by tabs ('\\t'), not by commas"),
    "bars": ("a.csv", '"text"|"label"\nx|cat\n', "separated by bars ('|'), not by commas"),
    "repeated column": ("a.csv", "class,prompt,prompt\ncat,x,y\n", "column 'prompt' stands twice"),
    "more columns": (
        "a.csv",
        "class,prompt\ncat,x, y\n",
        "line 2: more columns than the header's 2",
    ),
    "open quote": ("a.csv", 'class,prompt\ncat,"x\ndog,y\n', "not valid CSV: unexpected end"),
    "long field": ("a.csv", "class,prompt\ncat," + "x" * 140_000, "field larger than field limit"),
    "bad index": ("a.json", '{"cat": {"first": "x"}}', "an index must be a number, got 'first'"),
    "row of no object": ("a.jsonl", '"cat"', "line 1: it must be an object"),
    "no class column": (
        "a.csv",
        "name,prompt\ncat,x\n",
        "it needs 'class' or 'label', got name, prompt",
    ),
    "no text column": (
        "a.jsonl",
        '{"label": "cat"}',
        "line 1: it needs 'prompt' or 'text', got label",
    ),
    "not UTF-8": ("a.csv", b"class,prompt\ncat,\xff\n", "it must be UTF-8"),
    "empty file": ("a.csv", "", "class 'cat' has no prompt"),
}


@pytest.mark.parametrize(("name", "content", "said"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_said_in_one_line(
    name: str, content: str | bytes, said: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError) as info:
        list(write(tmp_path, name, content).write(NAMES, 2, seed=0))
    assert said in str(info.value)
    assert str(tmp_path / name) in str(info.value)
    assert "\n" not in str(info.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match=r"path: .*nowhere\.json does not exist"):
        list(File(path=str(tmp_path / "nowhere.json")).write(NAMES, 1, seed=0))


def test_another_format_is_refused_with_those_that_are_read(tmp_path: Path) -> None:
    with pytest.raises(
        SettingError, match=r"path must end in \.json, \.jsonl, \.csv, \.parquet, got 'a\.txt'"
    ):
        list(write(tmp_path, "a.txt", "x").write(NAMES, 1, seed=0))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", "class,prompt\ncat,a cat\ndog\n", ["line 3", "'dog'", "must be a text", "None"]),
        ("a.json", '{"cat": [1]}', ["'cat'", "must be a text"]),
        ("a.json", '{"cat": ["a cat \\ud83d"]}', ["'cat'", "must be a text"]),
        ("a.json", "{}", ["there is no prompt in it"]),
        ("a.json", '{"cat": ["a cat"], "dog": []}', ["class 'dog' has no prompt"]),
        ("a.json", '{"cat": {"' + "1" * 5000 + '": "a"}}', ["an index must be a number"]),
        ("a.json", '{"cat": [' + "1" * 5000 + "]}", ["not valid JSON", "digits"]),
        ("a.jsonl", '{"class": null, "prompt": "a"}', ["the class must be a name, got None"]),
        ("a.jsonl", '{"class": [1], "prompt": "a"}', ["the class must be a name, got [1]"]),
        ("a.json", '{"cat": ["a cat"]}', ["class 'dog' has no prompt"]),
    ],
)
def test_a_file_to_be_linted_is_read_as_strictly(
    tmp_path: Path, name: str, content: str, words: list[str]
) -> None:
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(DataError) as caught:
        prompts_in(path, ("cat", "dog"))
    assert all(word in str(caught.value) for word in words)


def test_a_parquet_files_own_names_decide_and_not_its_numbers(tmp_path: Path) -> None:
    import datasets

    label = datasets.ClassLabel(names=["1", "0"])
    features = datasets.Features({"label": label, "text": datasets.Value("string")})
    rows = {"label": [0, 1], "text": ["a photo of ONE", "a photo of ZERO"]}
    path = tmp_path / "p.parquet"
    datasets.Dataset.from_dict(rows, features=features).to_parquet(path)
    written = File(path=str(path)).write(("0", "1"), 1, seed=0)
    assert [each.text for each in written] == ["a photo of ZERO", "a photo of ONE"]
