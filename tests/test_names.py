"""Class names that are the same text match, whatever form they are written in."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.errors import SettingError, shown, suggestion
from synthmix.names import alike, composed, distinct, keyed, matched

CAFE, CAFE_DECOMPOSED = "caf\u00e9", "cafe\u0301"
HANGUL, HANGUL_DECOMPOSED = "\ud55c\uad6d", "\u1112\u1161\u11ab\u1100\u116e\u11a8"
ANGSTROM, ANGSTROM_SIGN = "\u00c5ngstrom", "\u212bngstrom"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (CAFE, CAFE_DECOMPOSED),
        (HANGUL, HANGUL_DECOMPOSED),
        (ANGSTROM, ANGSTROM_SIGN),
        # two marks on one letter, in either order
        ("\u1ec7", "e\u0302\u0323"),
        ("\u1ec7", "e\u0323\u0302"),
    ],
)
def test_the_forms_of_one_text_are_one_name(one: str, other: str) -> None:
    assert composed(one) == composed(other) == one
    assert distinct((other, "dog")) == (one, "dog")
    assert matched(other, (one, "dog")) == one
    assert keyed({other: 3}, (one, "dog"), where="x") == {one: 3}


@given(st.lists(st.text(), unique=True))
def test_distinct_names_stay_as_many(names: list[str]) -> None:
    found = distinct(names)
    assert len(set(found)) == len(names)
    assert [composed(each) for each in found] == [composed(each) for each in names]


@given(st.lists(st.text().map(composed), unique=True))
def test_composed_names_stay_as_they_are(names: list[str]) -> None:
    assert distinct(names) == tuple(names)


def test_what_a_source_tells_apart_stays_apart() -> None:
    both = (CAFE, CAFE_DECOMPOSED)
    assert distinct(both) == both
    assert [matched(each, both) for each in both] == list(both)
    assert keyed({CAFE: 1, CAFE_DECOMPOSED: 2}, both, where="x") == {CAFE: 1, CAFE_DECOMPOSED: 2}


def test_two_keys_of_one_name_are_refused_with_both() -> None:
    with pytest.raises(SettingError) as caught:
        keyed({CAFE: 1, CAFE_DECOMPOSED: 2}, (CAFE, "dog"), where="class_map")
    assert str(caught.value) == (
        f"class_map: '{CAFE}' ('caf\\xe9') and '{CAFE_DECOMPOSED}' ('cafe\\u0301') are one name; "
        "leave one of them out."
    )


def test_a_name_that_is_none_of_them_comes_back() -> None:
    assert matched(CAFE_DECOMPOSED, ("dog",)) == CAFE_DECOMPOSED


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dog", "'dog'"),
        (" dog", "' dog'"),
        ("dog\u00a0", "'dog\u00a0' ('dog\\xa0')"),
        ("d\u200bog", "'d\u200bog' ('d\\u200bog')"),
        ("d\u043eg", "'d\u043eg' ('d\\u043eg')"),
        ("two  spaces", "'two  spaces' ('two  spaces')"),
        ("a\tb", "'a\tb' ('a\\tb')"),
    ],
)
def test_what_could_be_overlooked_is_shown_by_number(name: str, text: str) -> None:
    assert shown(name) == text


def test_a_suggestion_shows_what_tells_the_two_apart() -> None:
    assert "Did you mean 'dog\u00a0' ('dog\\xa0')?" in suggestion("dog", ["dog\u00a0", "cat"])


@pytest.mark.parametrize(
    "pair",
    [
        ("Dog", "dog"),
        ("dog", "dog "),
        ("dog", "d\u200bog"),
        ("stra\u00dfe", "STRASSE"),
        ("\ufb01sh", "fish"),
        (CAFE, CAFE_DECOMPOSED),
        ("polar bear", "polar\u00a0bear"),
    ],
)
def test_names_that_look_alike_are_found(pair: tuple[str, str]) -> None:
    assert alike(("cat", *pair, "cow")) == [pair]


@given(st.text())
def test_every_form_of_a_name_looks_like_it(name: str) -> None:
    forms = {unicodedata.normalize(form, name) for form in ("NFC", "NFD", "NFKC", "NFKD")}
    found = alike(sorted(forms))
    assert len(forms) == 1 or [set(group) for group in found] == [forms]
