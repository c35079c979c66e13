"""Which object names are of a class, by sense; the traps are those of the real names."""

from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from synthmix.errors import DataError, MissingPackage
from synthmix.prompts.clustered_attributes._wordnet import attribute_nouns, match, senses_of

MATCHED = {
    "airplane": "plane aeroplane jet airplanes biplane fighter airliner seaplane passenger_plane",
    "automobile": "car cars auto taxi cab suv jeep sedan minivan convertible hatchback police_car",
    "bird": "bird ducks seagull pigeons geese owl parrot ostrich duckling hawk penguin baby_bird",
    "cat": "cat cats kitten tabby_cat kitty",
    "deer": "deer fawn elk moose reindeer stag",
    "dog": "dog dogs puppy puppies pup poodle beagle",
    "frog": "frog toad tree_frog bullfrog tadpole",
    "horse": "horse ponies foal colt mare stallion",
    "ship": "ship boat boats canoe sail_boat yacht ferry submarine vessel fishing_boat",
    "truck": "truck van lorry tractor semi firetruck fire_truck pickup pickup_trucks food_truck",
}
OTHERS = {
    "airplane": "fly wing airport aircraft bird wood_plane",
    "automobile": "bus train_car cable_car wagon machine toy_car minibus truck_cab electric",
    "bird": "kite crane turkey chicken rail pen toy_duck bird_house",
    "cat": "lion cat_food stuffed_cat tiger catcher",
    "deer": "horse calf deer_sign",
    "dog": "hot_dog hot_dogs toy corn_dog statue_of_dog wolf",
    "frog": "stuffed_frog fish",
    "horse": "bay poster plug rocking_horse sea_horse zebra mule charger",
    "ship": "scooter tower bottom gravy_boat dugout cutter top_of_boat",
    "truck": "minivan hand_truck wagon bus car",
}


@pytest.mark.parametrize("class_name", MATCHED)
def test_names_are_matched_by_their_sense(class_name: str) -> None:
    senses = senses_of(class_name)
    for name in MATCHED[class_name].split():
        found = match(name.replace("_", " "), class_name, senses)
        if name == "vessel":
            continue  # a ship by its second sense only
        assert found is not None, name
        assert not found.refused, (name, found)
        assert ".n." in found.synset


@pytest.mark.parametrize("class_name", OTHERS)
def test_a_shared_word_is_not_enough(class_name: str) -> None:
    senses = senses_of(class_name)
    for name in OTHERS[class_name].split():
        found = match(name.replace("_", " "), class_name, senses)
        assert found is None or found.refused, (name, found)


def test_what_is_refused_says_why() -> None:
    for class_name, name, why in [
        ("bird", "kites", "only sense 4 of 'kite'"),
        ("automobile", "bus", "bus.n.04 is an old car"),
        ("automobile", "train cars", "'train' makes it something else"),
        ("dog", "picture of dog", "'picture' makes it something else"),
    ]:
        found = match(name, class_name, senses_of(class_name))
        assert found is not None
        assert why in found.refused


def test_no_name_is_of_two_classes() -> None:
    names = {name.replace("_", " ") for text in MATCHED.values() for name in text.split()}
    for name in names - {"vessel"}:
        of = [c for c in MATCHED if (m := match(name, c, senses_of(c))) and not m.refused]
        assert len(of) == 1, (name, of)


def test_adjectives_name_values_of_attributes() -> None:
    assert "hue.n.01" in attribute_nouns("red")
    assert attribute_nouns("clean")[0] == "cleanness.n.01"
    assert attribute_nouns("sidewalk") == []


def test_the_licence_of_wordnet_is_beside_the_extract() -> None:
    data = files("synthmix.prompts.clustered_attributes") / "data"
    assert "WordNet" in (data / "WORDNET_LICENSE").read_text(encoding="utf-8")
    assert (data / "wordnet.json.gz").is_file()


SYNSETS = [
    # words, hypernyms by place in this list
    ("entity", []),
    ("artifact", [0]),
    ("animal", [0]),
    ("cup", [1]),
    ("mug", [3]),
    ("coffee_mug", [4]),
    ("zebra", [2]),
    ("face mug", [0]),  # a second sense of mug, which is no cup
    ("quagga", [6]),
]


def wordnet_database(folder: Path) -> None:
    """Write a WordNet database of a few nouns in its own format, as NLTK's download holds it."""
    here = folder / "corpora" / "wordnet"
    here.mkdir(parents=True)
    offsets = [f"{1000 + number:08d}" for number in range(len(SYNSETS))]
    lines, senses = [], dict[str, list[str]]()
    for number, (words, above) in enumerate(SYNSETS):
        lemmas = words.split()[::-1]
        below = [i for i, (_, more) in enumerate(SYNSETS) if number in more]
        pointers = [("@", i) for i in above] + [("~", i) for i in below]
        told = "".join(f"{kind} @{i}@ n 0000 " for kind, i in pointers)
        listed = "".join(f"{lemma} 0 " for lemma in lemmas)
        lines.append(
            f"@{number}@ 03 n {len(lemmas):02x} {listed}{len(pointers):03d} {told}| a thing"
        )
        for lemma in lemmas:
            senses.setdefault(lemma, []).append(f"@{number}@")
    for _ in range(2):  # an offset is a place in the file, and all are of one length
        text, place = "", 0
        for number, line in enumerate(lines):
            offsets[number] = f"{place:08d}"
            place += len(with_offsets(line, offsets)) + 1
        text = "\n".join(with_offsets(line, offsets) for line in lines) + "\n"
    (here / "data.noun").write_text(text)
    index = [
        f"{lemma} n {len(found)} 2 @ ~ {len(found)} 0 {' '.join(found)}  "
        for lemma, found in sorted(senses.items())
    ]
    (here / "index.noun").write_text(with_offsets("\n".join(index), offsets) + "\n")
    for other in ("verb", "adj", "adv"):
        (here / f"data.{other}").write_text("")
        (here / f"index.{other}").write_text("")
    for each in ("noun", "verb", "adj", "adv"):
        (here / f"{each}.exc").write_text("")
    (here / "lexnames").write_text("".join(f"{n:02d}\tnoun.x\t1\n" for n in range(45)))
    for each in ("cntlist.rev", "index.sense"):
        (here / each).write_text("")


def with_offsets(line: str, offsets: list[str]) -> str:
    for number, offset in enumerate(offsets):
        line = line.replace(f"@{number}@", offset)
    return line


@pytest.fixture
def wordnet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    import nltk
    from nltk.corpus.reader import CorpusReader, WordNetCorpusReader
    from nltk.corpus.util import LazyCorpusLoader

    wordnet_database(tmp_path / "nltk")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path / "nltk")])
    # as NLTK itself makes it; the second is not there, and is not needed
    other = LazyCorpusLoader("omw-1.4", CorpusReader, ".*")
    own = LazyCorpusLoader("wordnet", WordNetCorpusReader, other)
    monkeypatch.setattr("nltk.corpus.wordnet", own)
    yield
    for each in own._data_file_map.values():  # which NLTK leaves open
        each.close()


@pytest.mark.usefixtures("wordnet")
def test_other_classes_come_from_nltks_wordnet() -> None:
    cup = senses_of("Cup")
    assert cup.kind == "thing"
    assert cup.lemmas["coffee mug"] == ("coffee_mug.n.01", 1)
    assert match("coffee mugs", "Cup", cup)
    assert match("zebra", "Cup", cup) is None
    zebra = senses_of("zebra")
    assert zebra.kind == "animal"
    assert set(zebra.lemmas) == {"zebra", "quagga"}


@pytest.mark.usefixtures("wordnet")
def test_a_word_that_wordnet_lacks_is_named() -> None:
    with pytest.raises(DataError, match="class 'flimflam' is no noun of WordNet"):
        senses_of("flimflam")


def test_without_nltks_data_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import nltk

    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(MissingPackage) as info:
        senses_of("zebra")
    assert "python -m nltk.downloader wordnet" in str(info.value)
    assert "airplane, automobile" in str(info.value)
    assert "\n" not in str(info.value)
