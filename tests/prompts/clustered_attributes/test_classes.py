"""Names become classes, attributes groups; what is dropped has its reason; files return it."""

import json
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import DataError, SettingError
from synthmix.prompts.clustered_attributes import stored
from synthmix.prompts.clustered_attributes._compose import largest
from synthmix.prompts.clustered_attributes.classes import fallback, group
from synthmix.prompts.clustered_attributes.groups import Placed, group_names
from synthmix.prompts.clustered_attributes.visual_genome import Attributes
from tests.conftest import SHARED
from tests.prompts.clustered_attributes.test_wordnet import MATCHED

FACTUAL = SHARED / "data" / "visual_genome" / "attributes_native_factual.json.gz"
NAMES = {
    "cat": {"black": 3, "larger": 1, "wooden": 1, "2": 4, "sitting": 1, "blurry": 1, "flying": 1},
    "kittens": {"black": 2, "outside": 1, "light-brown": 1, "dog": 1, "zzz": 1},
    "stuffed cat": {"green": 9},
    "dogs": {"large": 2, "cat": 1, "open": 1},
    "man": {"tall": 7},
}


def test_names_are_merged_and_counts_added() -> None:
    found = group(Attributes(NAMES), ["cat", "dog"])
    cat = found["cat"]
    assert cat.names == {"cat": ("cat.n.01", 12), "kittens": ("kitten.n.01", 6)}
    assert cat.refused == {"stuffed cat": "'stuffed' makes it something else"}
    assert cat.groups == {
        "size": {"large": 1},
        "colour": {"black": 5, "light brown": 1},
        "pose": {"sitting": 1},
        "setting": {"outdoors": 1},
    }
    assert cat.mentions == 9
    assert cat.dropped == {
        "2": (4, "a number: a picture shows one subject"),
        "blurry": (1, "not visual"),
        "dog": (1, "names the class 'dog'"),
        "flying": (1, "contradicts the class 'cat'"),
        "wooden": (1, "contradicts the class: no material of an animal"),
        "zzz": (1, "no rule knows it"),
    }
    assert found["dog"].dropped["open"][1] == "said of a part or of a place in the picture"


def test_who_knows_more_is_asked_for_what_no_rule_knows() -> None:
    asked: list[str] = []

    def know(attributes: Any) -> dict[str, Placed]:
        asked.extend(attributes)
        return {"zzz": Placed("kind", "told")}

    cat = group(Attributes(NAMES), ["cat"], know)["cat"]
    assert "zzz" in asked
    assert "black" not in asked
    assert cat.groups["kind"] == {"zzz": 1}


def test_a_class_without_a_name_is_an_error_unless_a_lexicon_is_written() -> None:
    with pytest.raises(DataError, match="class 'ship' matches none of the 5 object names"):
        group(Attributes(NAMES), ["cat", "ship"])
    assert group(Attributes(NAMES), ["frog"])["frog"].groups == {}


@pytest.mark.parametrize("class_name", ["deer", "Frog"])
def test_lexicons_fill_the_groups(class_name: str) -> None:
    written = fallback(class_name)
    assert written is not None
    assert set(written.groups) <= set(group_names())
    assert len(written.groups) >= 8
    assert all(len(counts) >= 3 for counts in written.groups.values())
    assert fallback("horse") is None


def test_the_largest_groups_are_taken() -> None:
    groups = {"size": {"big": 2, "odd": 1}, "age": {"old": 4}, "kind": {"wild": 1}}
    assert list(largest(groups, 1, 1)) == ["age"]
    assert largest(groups, 5, 2) == {"age": {"old": 4}, "size": {"big": 2}}


def test_files_return_what_was_written(tmp_path: Path) -> None:
    attributes = Attributes(NAMES, images=3, objects=20)
    path = tmp_path / "a.json"
    stored.write_attributes(path, attributes, "source.json")
    assert stored.read_attributes(path) == attributes
    assert path.read_text().splitlines()[6].startswith('"cat": {"2": 4, "black": 3')
    expected = group(attributes, ["cat"])
    assert stored.read_classes(path, ["cat"]) == expected
    stored.write_classes(tmp_path / "c.json", expected, "source.json")
    again = stored.read_classes(tmp_path / "c.json", ["Cat"])["Cat"]
    assert (again.names, again.groups) == (expected["cat"].names, expected["cat"].groups)
    written = json.loads((tmp_path / "c.json").read_text())["classes"]["cat"]
    assert written["refused"] == expected["cat"].refused
    assert written["dropped"]["zzz"] == [1, "no rule knows it"]


def test_the_original_studys_shape_is_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "lists.json"
    stored.write_lists(path, Attributes(NAMES))
    lists = json.loads(path.read_text())
    assert lists["dogs"] == ["large", "cat", "open"]
    found = stored.read_attributes(path)
    assert found.names["dogs"] == {"large": 1, "cat": 1, "open": 1}


def test_a_large_file_is_extracted_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored, "_LARGE", 1)
    entries = [{"names": [name], "attributes": list(counts)} for name, counts in NAMES.items()]
    for name in ("one.json", "two.json"):
        path = tmp_path / name
        path.write_text(json.dumps([{"attributes": entries}]))
        assert "black" in stored.read_classes(path, ["cat"])["cat"].groups["colour"]
        (kept,) = (tmp_path / "cache" / "attributes").glob("extracted-*")
        monkeypatch.setattr(stored, "extract", None)  # the second has the same content
    assert "one.json" in (kept / "attributes.json").read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"a": 1}', "it must be Visual Genome's attributes.json, what `synthmix attributes`"),
        ('{"a": [1]}', "it must be Visual Genome's"),
        ('{"a": [', "not valid JSON"),
        ('{"format": "synthmix attributes 1"}', "it must be Visual Genome's"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(DataError) as info:
        stored.read_attributes(path)
    assert said in str(info.value)


def test_a_grouped_file_has_the_classes_it_has(tmp_path: Path) -> None:
    path = tmp_path / "c.json"
    stored.write_classes(path, group(Attributes(NAMES), ["cat"]), "x")
    with pytest.raises(DataError, match="it has no class 'dog'. Known: cat"):
        stored.read_classes(path, ["dog"])
    with pytest.raises(DataError, match="it is grouped by class already"):
        stored.read_attributes(path)
    with pytest.raises(SettingError, match="visual_genome is .*, which does not exist"):
        stored.read_classes(tmp_path / "no.json", ["dog"])


@pytest.mark.skipif(not FACTUAL.exists(), reason="the Visual Genome pairs are not here")
def test_the_true_names_of_cifar10s_classes() -> None:
    found = stored.read_classes(FACTUAL, list(MATCHED))
    assert {"plane", "jet", "planes"} <= set(found["airplane"].names)
    assert {"kite", "kites", "crane", "pen"} <= set(found["bird"].refused)
    assert {"boat", "boats"} <= set(found["ship"].names)
    assert {"bus", "buses", "train car"} <= set(found["automobile"].refused)
    assert {"hot dog", "toy"} <= set(found["dog"].refused)
    assert found["deer"].mentions + found["frog"].mentions < 10
    for name in set(MATCHED) - {"deer", "frog"}:
        assert len(found[name].groups) >= 7
        assert found[name].mentions > 90
