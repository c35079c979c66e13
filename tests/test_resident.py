"""One model at a time is kept loaded."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from synthmix.resident import release, resident


class Model:
    """Something large."""


LOADED: list[str] = []


@resident
def first(name: str, *, precision: str = "float32") -> Model:
    LOADED.append(f"first {name} {precision}")
    return Model()


@resident
def second(name: str) -> Model:
    LOADED.append(f"second {name}")
    return Model()


@pytest.fixture(autouse=True)
def _nothing_is_kept() -> Iterator[None]:
    release()
    LOADED.clear()
    yield
    release()


def test_the_same_model_is_loaded_once() -> None:
    assert first("a") is first("a")
    assert LOADED == ["first a float32"]
    assert first("a", precision="bfloat16") is first("a", precision="bfloat16")
    assert LOADED == ["first a float32", "first a bfloat16"]


def test_another_model_takes_its_place_whoever_loads_it() -> None:
    kept = weakref.ref(first("a"))
    second("a")
    gc.collect()
    assert kept() is None
    first("a")
    assert LOADED == ["first a float32", "second a", "first a float32"]


def test_the_last_one_is_gone_before_the_next_is_loaded() -> None:
    kept = weakref.ref(first("a"))

    @resident
    def third() -> bool:
        return kept() is None

    assert third()


def test_a_released_model_is_loaded_anew() -> None:
    kept = weakref.ref(first("a"))
    release()
    assert kept() is None
    first("a")
    assert len(LOADED) == 2


def test_what_could_not_be_loaded_is_tried_again() -> None:
    tries = []

    @resident
    def failing() -> Model:
        tries.append(1)
        raise OSError("no such file")

    for _ in range(2):
        with pytest.raises(OSError, match="no such file"):
            failing()
    assert len(tries) == 2
