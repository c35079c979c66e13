"""Visual Genome's file is read image by image, in every form it comes in, and nothing else is."""

import gzip
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.errors import DataError, SettingError
from synthmix.prompts.clustered_attributes import visual_genome
from synthmix.prompts.clustered_attributes.visual_genome import Attributes, extract
from tests.conftest import SHARED

FOLDER = SHARED / "data" / "visual_genome"
IMAGES = [
    {
        "image_id": 1,
        "attributes": [
            {
                "synsets": [],
                "names": ["Sign ", "board"],
                "attributes": ['lit "walk"', " RED", "red"],
            },
            {"synsets": ["man.n.01"], "names": ["man"], "x": 1},
            {"names": ["cars"], "attributes": ["red", ""]},
            {"names": ["cars"], "attributes": ["far  away"]},
            {"names": ["tree"], "attributes": []},
        ],
    },
    {"image_id": 2, "attributes": []},
    {"attributes": [{"object_names": ["cars"], "attributes": ["red"], "id": 3}], "id": 3},
]
COUNTS = {
    "sign": {'lit "walk"': 1, "red": 1},
    "board": {'lit "walk"': 1, "red": 1},
    "cars": {"red": 2, "far away": 1},
}


def write(folder: Path, content: Any, name: str = "attributes.json") -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")
    return path


def zipped(path: Path, **members: bytes) -> Path:
    target = path.with_suffix(".zip")
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.json", content)
    return target


def test_both_versions_names_case_quotes_and_missing_attributes(tmp_path: Path) -> None:
    found = extract(write(tmp_path, IMAGES))
    assert found == Attributes(COUNTS, images=3, objects=6)
    assert found.mentions == 7


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("window", [1, 7, 64])
def test_the_window_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int, indent: int | None
) -> None:
    monkeypatch.setattr(visual_genome, "_WINDOW", window)
    path = write(tmp_path, "\ufeff\n" + json.dumps(IMAGES, indent=indent) + "\n")
    assert extract(path).names == COUNTS


def test_archives_are_told_by_their_first_bytes(tmp_path: Path) -> None:
    content = json.dumps(IMAGES).encode()
    packed = tmp_path / "packed.json"
    packed.write_bytes(gzip.compress(content))
    told: list[tuple[int, int]] = []
    for path in (packed, zipped(tmp_path / "a", attributes=content)):
        assert extract(path, lambda *place: told.append(place)).names == COUNTS
        assert told[-1][0] == told[-1][1] > 0


texts = st.text(st.sampled_from('aB "\\[]{},é'), max_size=4)
objects = st.fixed_dictionaries(
    {"names": st.lists(texts, max_size=2)}, optional={"attributes": st.lists(texts, max_size=3)}
)


@given(st.lists(st.lists(objects, max_size=3), min_size=1, max_size=4), st.integers(1, 40))
def test_the_counts_are_those_of_the_whole_file(
    tmp_path_factory: pytest.TempPathFactory, images: list[Any], window: int
) -> None:
    path = write(tmp_path_factory.mktemp("vg"), [{"attributes": each} for each in images])
    expected: dict[str, dict[str, int]] = {}
    for each in (one for image in images for one in image):
        clean = {" ".join(text.lower().split()) for text in each.get("attributes", [])} - {""}
        for name in {" ".join(text.lower().split()) for text in each["names"]} if clean else ():
            for attribute in clean:
                counts = expected.setdefault(name, {})
                counts[attribute] = counts.get(attribute, 0) + 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(visual_genome, "_WINDOW", window)
        assert extract(path).names == expected


NO_IMAGE = "entry 1 is not one of Visual Genome's attributes.json"
WRONG: dict[str, tuple[str, str]] = {
    "an object": ('{"a": 1}', "it must be a list of images, got '{\"a\": 1}'"),
    "an empty list": ("[]", "it holds no image"),
    "an empty file": ("", "it must be a list of images, got ''"),
    "numbers": ("[1, 2]", NO_IMAGE),
    "objects.json": ('[{"image_id": 1, "objects": []}]', NO_IMAGE),
    "no names": ('[{"attributes": [{"attributes": ["red"]}]}]', NO_IMAGE),
    "a text for a list": ('[{"attributes": [{"names": ["a"], "attributes": "red"}]}]', NO_IMAGE),
    "a number for a text": ('[{"attributes": [{"names": ["a"], "attributes": [1]}]}]', NO_IMAGE),
    "cut short": ('[{"attributes": []}, {"attri', "is cut short or damaged after 1 image;"),
    "no end": ('[{"attributes": []}', "is cut short or damaged after 1 image;"),
    "no comma": ('[{"attributes": []} {"attributes": []}]', "not valid JSON after 1 image;"),
}


@pytest.mark.parametrize(("content", "said"), WRONG.values(), ids=WRONG)
def test_what_is_not_visual_genomes_is_said_in_one_line(
    tmp_path: Path, content: str, said: str
) -> None:
    path = write(tmp_path, content)
    with pytest.raises(DataError) as info:
        extract(path)
    assert said in str(info.value)
    assert str(info.value).startswith(f"{path}: ")
    assert "\n" not in str(info.value)


def test_an_endless_element_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visual_genome, "_WINDOW", 10)
    monkeypatch.setattr(visual_genome, "_LONGEST", 100)
    with pytest.raises(DataError, match="not valid JSON after 0 images"):
        extract(write(tmp_path, '[{"attributes": [' + " " * 500))


def test_broken_archives_are_said_in_one_line(tmp_path: Path) -> None:
    content = json.dumps(IMAGES * 2000).encode()
    packed = tmp_path / "a.json.gz"
    packed.write_bytes(gzip.compress(content)[:-2000])
    archive = zipped(tmp_path / "b", attributes=content)
    archive.write_bytes(archive.read_bytes()[:-50])
    damaged = zipped(tmp_path / "c", attributes=content)
    data = bytearray(damaged.read_bytes())
    data[200:220] = bytes(20)
    damaged.write_bytes(bytes(data))
    for path in (packed, archive, damaged):
        with pytest.raises(DataError, match="the archive is cut short or damaged"):
            extract(path)
    with pytest.raises(DataError, match=r"must hold one JSON file, found: a\.json, b\.json"):
        extract(zipped(tmp_path / "d", a=content, b=content))


def test_a_missing_file_and_other_encodings_are_named(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="nowhere.* does not exist"):
        extract(tmp_path / "nowhere.json")
    path = tmp_path / "latin.json"
    path.write_bytes(b'[{"attributes": [{"names": ["caf\xe9"]}]}]')
    with pytest.raises(DataError, match="it must be UTF-8"):
        extract(path)


DOG = {"names": ["dog"], "attributes": ["brown"]}
GOOD = [{"image_id": number, "attributes": [DOG]} for number in range(3)]
ODD: dict[str, tuple[str, str]] = {
    "no attributes": ('{"image_id": 9}', "entries that are no image"),
    "null": ("null", "entries that are no image"),
    "a null list": ('{"image_id": 9, "attributes": null}', "entries that are no image"),
    "no names": ('{"attributes": [{"attributes": ["red"]}]}', "objects without names"),
    "a null object": ('{"attributes": [null]}', "objects without names"),
    "names as text": ('{"attributes": [{"names": "a"}]}', "objects without names"),
    "null attribute": (
        '{"attributes": [{"names": ["cat"], "attributes": [null]}]}',
        "names and attributes that are no text",
    ),
    "number": (
        '{"attributes": [{"names": [7], "attributes": ["red"]}]}',
        "names and attributes that are no text",
    ),
    "half a pair": (
        '{"attributes": [{"names": ["cat"], "attributes": ["\\ud83d"]}]}',
        "names and attributes that are no text",
    ),
    "attributes as text": (
        '{"attributes": [{"names": ["cat"], "attributes": "red"}]}',
        "names and attributes that are no text",
    ),
    "twice": (json.dumps(GOOD[1]), "images that stand twice"),
    "a number as text": (json.dumps(GOOD[1] | {"image_id": "1"}), "images that stand twice"),
}


@pytest.mark.parametrize(("entry", "reason"), ODD.values(), ids=ODD)
def test_an_odd_entry_among_sound_ones_is_counted(tmp_path: Path, entry: str, reason: str) -> None:
    found = extract(write(tmp_path, f"{json.dumps(GOOD)[:-1]}, {entry}]"))
    assert found.names == {"dog": {"brown": 3}}
    assert found.passed_over == {reason: 1}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("\n".join(map(json.dumps, GOOD)), "must be a list of images"),
        (json.dumps(GOOD)[:-1] + ", NULL]", "after 3 images"),
    ],
)
def test_forms_that_are_nearly_json(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        extract(write(tmp_path, content))


def test_a_comma_after_the_last_image_loses_nothing(tmp_path: Path) -> None:
    assert extract(write(tmp_path, json.dumps(GOOD)[:-1] + ",]")).images == 3


def test_utf_16_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wide.json"
    path.write_text(json.dumps(GOOD), "utf-16")
    with pytest.raises(DataError, match="it must be UTF-8"):
        extract(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_archives_of_other_methods(tmp_path: Path, method: int) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("folder/attributes.JSON", json.dumps(GOOD * 50))
    assert extract(path).names == {"dog": {"brown": 3}}
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 8] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(DataError) as raised:
        extract(path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("method", "flag", "said"),
    [
        (9, 0, "packed by a method that cannot be read"),  # deflate64
        (93, 0, "packed by a method that cannot be read"),  # Zstandard
        (8, 1, "locked with a password"),
    ],
)
def test_archives_that_cannot_be_read(tmp_path: Path, method: int, flag: int, said: str) -> None:
    path = zipped(tmp_path / "a", attributes=json.dumps(GOOD).encode())
    data = bytearray(path.read_bytes())
    central = data.find(b"PK\x01\x02")
    data[8] = data[central + 10] = method
    data[6] |= flag
    data[central + 8] |= flag
    path.write_bytes(data)
    with pytest.raises(DataError, match=said) as raised:
        extract(path)
    assert "\n" not in str(raised.value)


def test_an_archive_in_an_archive_is_told(tmp_path: Path) -> None:
    inner = zipped(tmp_path / "inner", attributes=json.dumps(GOOD).encode())
    outer = tmp_path / "outer.zip"
    with zipfile.ZipFile(outer, "w") as archive:
        archive.write(inner, "attributes.json.zip")
    with pytest.raises(DataError, match="it must hold one JSON file, found: none"):
        extract(outer)


@pytest.mark.skipif(not FOLDER.exists(), reason="the Visual Genome samples are not here")
def test_the_true_samples_of_both_versions() -> None:
    new = extract(FOLDER / "attributes_v1_2_images1-5.json")
    old = extract(FOLDER / "attributes_v1_0_images1-5.json")
    assert (new.images, old.images) == (5, 5)
    assert new.names["clock"] == {"green": 1, "tall": 1}
    assert old.names["clock"] == {"green": 2, "tall": 1}
    assert 'lit "walk"' in {text for counts in new.names.values() for text in counts}
