from pathlib import Path

import pytest

from synthmix.data._card import read_card


def front(folder: Path, text: str) -> Path:
    (folder / "README.md").write_text(f"---\n{text}\n---\n# Pets\n", encoding="utf-8")
    return folder


def test_no_card_says_nothing(tmp_path: Path) -> None:
    assert read_card(tmp_path, None).patterns is None
    (tmp_path / "README.md").write_text("# Pets\n---\n")
    assert read_card(tmp_path, None).fault is None


def test_the_configuration_is_the_named_the_default_or_the_only_one(tmp_path: Path) -> None:
    entry = "- config_name: {}\n  splits: [{{name: train, num_examples: {}}}]"
    two = "dataset_info:\n" + entry.format("small", 1) + "\n" + entry.format("large", 2)
    assert read_card(front(tmp_path, two), "large").num_rows == {"train": 2}
    assert "describes the configurations small, large" in str(read_card(tmp_path, None).fault)
    three = two + "\n" + entry.format("default", 3)
    assert read_card(front(tmp_path, three), None).num_rows == {"train": 3}
    one = "dataset_info:\n" + entry.format("small", 1)
    assert read_card(front(tmp_path, one), None).num_rows == {"train": 1}
    marked = "configs:\n- config_name: large\n  default: true\n- config_name: small\n" + two
    assert read_card(front(tmp_path, marked), None).num_rows == {"train": 2}


@pytest.mark.parametrize(
    ("told", "patterns"),
    [
        ("a/*", {"train": ["a/*"]}),
        ("[a/*, b/*]", {"train": ["a/*", "b/*"]}),
        (
            "[{split: test, path: a}, {split: fit, path: [b, c]}]",
            {"test": ["a"], "fit": ["b", "c"]},
        ),
    ],
)
def test_files_are_told_as_datasets_reads_them(
    tmp_path: Path, told: str, patterns: dict[str, list[str]]
) -> None:
    front(tmp_path, f"configs:\n- config_name: default\n  data_files: {told}")
    assert read_card(tmp_path, None).patterns == patterns


def test_the_older_description_counts_where_the_card_has_none(tmp_path: Path) -> None:
    infos = '{"default": {"splits": {"train": {"num_examples": 7}}}}'
    (tmp_path / "dataset_infos.json").write_text(infos)
    assert read_card(tmp_path, None).num_rows == {"train": 7}
    front(tmp_path, "dataset_info: {splits: [{name: train, num_examples: 8}]}")
    assert read_card(tmp_path, None).num_rows == {"train": 8}


def test_a_card_of_aliases_that_multiply_is_refused_before_it_grows(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    for key in ("dataset_info", "configs"):
        for value in ("*a11", "{features: *a11}", "[{config_name: *a11, data_files: *a11}]"):
            card = read_card(front(tmp_path, "\n".join([*lines, f"{key}: {value}"])), None)
            assert "with its aliases written out it is larger" in (card.fault or "")
            assert len(card.fault or "") < 400


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2", "not valid YAML: line 2: the key 'a' is there twice"),
        ("dataset_info: {splits: [{name: train, num_examples: many}]}", "invalid literal for int"),
        ("dataset_info: {features: [{name: a}, {name: a}]}", "two features are called 'a'"),
        ("configs: [{config_name: default, data_dir: [a]}]", "a list stands where a path should"),
        ("configs: [{config_name: default, data_files: [{split: a}]}]", "KeyError: 'path'"),
        ("a: " + "x" * (5 << 20), "longer than 1,000,000 characters"),
    ],
)
def test_a_card_of_another_kind_says_why(tmp_path: Path, text: str, message: str) -> None:
    card = read_card(front(tmp_path, text), None)
    assert message in str(card.fault)
    assert not card.features
