"""Names of classes as sentences hold them, and the texts in which they are found again."""

import json
from pathlib import Path

import pytest

from synthmix.errors import DataError
from synthmix.prompts.class_labels import ClassLabels
from synthmix.prompts.clustered_attributes import ClusteredAttributes
from synthmix.prompts.language_model import LanguageModel
from synthmix.prompts.language_model import _checks as checks
from synthmix.prompts.language_model._questions import Answer, Question
from synthmix.prompts.lint import lint
from synthmix.prompts.spoken_names import check_spoken, names_class, others_named, spoken
from synthmix.types import Prompt


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("hot_dog", "hot dog"),
        ("Apple___Black_rot", "Apple Black rot"),
        ("Pepper,_bell___healthy", "Pepper, bell healthy"),
        ("Corn_(maize)___Common_rust_", "Corn (maize) Common rust"),
        ("tench, Tinca tinca", "tench, Tinca tinca"),
        ("sea-lion", "sea-lion"),
        ("n02085620-Chihuahua", "Chihuahua"),
        ("001.Black_footed_Albatross", "Black footed Albatross"),
        ("HerbaceousVegetation", "Herbaceous Vegetation"),
        ("DVDPlayer", "DVD Player"),
        ("iPhone", "iPhone"),
        ("007", "007"),
        ("18_wheeler", "18 wheeler"),
        ("cafe\u0301", "café"),
        ("猫", "猫"),
        ("🐱", "🐱"),
        (" zero\u200bwidth\n", "zerowidth"),
        ("F/A-18", "F/A-18"),
    ],
)
def test_a_name_is_spoken(name: str, said: str) -> None:
    assert spoken(name) == said
    assert spoken(said) == said
    assert names_class(f"a photo of a {said} at night", name)


@pytest.mark.parametrize("name", ["n01440764", "n01440764 ", "___", "!!!", "-", "", "caf\udce9"])
def test_a_name_that_no_sentence_holds_is_refused_with_its_reason(name: str) -> None:
    with pytest.raises(DataError, match="no form that a sentence can hold") as raised:
        spoken(name)
    assert "class_map" in str(raised.value)
    str(raised.value).encode()
    for strategy in (
        ClassLabels(),
        LanguageModel(),
        ClusteredAttributes(visual_genome="nowhere.json"),
    ):
        with pytest.raises(DataError, match="no form that a sentence can hold"):
            strategy.check(("cat", name))


def test_two_names_that_are_spoken_alike() -> None:
    check_spoken(("sea_lion", "lion"))
    with pytest.raises(DataError, match="'sea_lion' and 'sea lion' are both spoken 'sea lion'"):
        check_spoken(("sea_lion", "sea lion"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Apple___Black_rot", "An apple with black rot on a table."),
        ("Pepper,_bell___healthy", "A healthy bell pepper in a field."),
        ("Corn_(maize)___Common_rust_", "Common rust on a leaf of corn."),
        ("tench, Tinca tinca", "A tench on wet grass."),
        ("sea-lion", "Two sea lions on a rock."),
        ("sea lion", "A sea-lion on a rock."),
        ("GoldenRetriever", "Three golden retrievers."),
        ("café", "A cafe\u0301 at night."),
        ("cafe\u0301", "A café at night."),
        ("猫", "一张猫在草地上的照片"),
        ("T恤", "一件红色的T恤衫"),
        ("แมว", "รูปแมวดำ"),
        ("고양이", "고양이가 잔다"),
        ("कुत्ता", "घास पर एक कुत्ता है"),
        ("mouse", "Two mice in the hay."),
        ("dormouse", "Two dormice in the hay."),
        ("mice", "A mouse in the hay."),
        ("wolf", "A pack of wolves."),
        ("person", "Some people at a table."),
        ("roses", "A red rose."),
        ("straße", "EINE STRASSE"),
    ],
)
def test_a_text_names_its_class(name: str, text: str) -> None:
    assert names_class(text, name)
    kinds = {each.kind for each in lint([Prompt(0, 0, text, "test")], [name])}
    assert "class lost" not in kinds


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Apple___Black_rot", "An apple on a table."),
        ("glass", "A glas on a table."),
        ("cat", "A category of things."),
        ("7", "A photo of a 17."),
        ("n01440764", "A fish."),
    ],
)
def test_a_text_does_not_name_it(name: str, text: str) -> None:
    assert not names_class(text, name)


def test_what_several_classes_share_names_none_of_them() -> None:
    names = ("tomato leaf, late blight", "tomato leaf, early blight", "tench, Tinca tinca")
    assert not names_class("A tomato leaf in the sun.", names[0], names)
    assert names_class("A tomato leaf with late blight.", names[0], names)
    assert names_class("A tench in a net.", names[2], names)


def test_a_class_within_anothers_name_is_no_other_class() -> None:
    names = ("sea-lion", "lion", "dog", "hot_dog")
    assert others_named("A sea lion on a rock.", "sea-lion", names) == []
    assert others_named("A sea lion beside a lion.", "sea-lion", names) == ["lion"]
    assert others_named("A hot dog.", "dog", names) == ["hot_dog"]


def test_an_id_is_told_once_and_not_for_each_text() -> None:
    prompts = [Prompt(0, index, f"a fish, number {index}", "test") for index in range(5)]
    kinds = [each.kind for each in lint(prompts, ["n01440764"])]
    assert kinds.count("class name") == 1
    assert "class lost" not in kinds


@pytest.mark.parametrize(
    "name",
    [
        "Apple___Black_rot",
        "tench, Tinca tinca",
        "C#",
        "US mailbox",
        "tomato leaf, late blight",
        "猫",
    ],
)
def test_a_language_model_may_write_of_any_of_them(name: str) -> None:
    said = spoken(name)
    text = f"A photo of a {said}, seen from close up on a table in the morning light."
    question = Question(0, 0, name, f"a {said}", seed=0)
    assert checks.fault(Answer(text, False), question, (name, "dog")) is None


def test_every_strategy_speaks_the_same_name(tmp_path: Path) -> None:
    (text,) = [each.text for each in ClassLabels().write(("Apple___Black_rot",), 1, seed=0)]
    assert text == "A photo of an Apple Black rot"
    assert LanguageModel()._subjects(("Apple___Black_rot",), ()) == [["an Apple Black rot"]]
    groups = {"colour": {"red": 3}}
    classes = {"Apple___Black_rot": {"names": {}, "groups": groups}}
    path = tmp_path / "classes.json"
    path.write_text(json.dumps({"format": "synthmix attribute classes 1", "classes": classes}))
    writer = ClusteredAttributes(visual_genome=str(path))
    (text,) = [each.text for each in writer.write(("Apple___Black_rot",), 1, seed=0)]
    assert text == "A photo of a red apple black rot"
