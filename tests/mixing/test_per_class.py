"""Synthetic images that each class has to itself."""

from typing import Any

import numpy as np
import pytest

from synthmix.errors import SettingError
from synthmix.mixing import Mixing
from synthmix.registry import Registry
from tests.mixing.test_contract import CLASSES, supply

MIXING: Registry[Mixing] = Registry("synthmix.mixing", "Mixing")


def mode(**per_class: int) -> Mixing:
    return MIXING.build("per-class", {"per_class": per_class})


def drawn(mixing: Mixing, run: int = 0, sources: tuple[str, ...] = ("gan",)) -> Any:
    return mixing.draw(mixing.arms(list(sources))[1], supply(mixing, run=run))


def test_every_class_gets_its_own_number() -> None:
    mixing = mode(ant=7, cat=2)
    labels = supply(mixing).synthetic["gan"]
    found = drawn(mixing)
    assert np.bincount(labels[found.synthetic["gan"]], minlength=3).tolist() == [7, 0, 2]
    assert found.num_real == 60


def test_seeds_are_disjoint_although_classes_differ() -> None:
    # 20 images of a class are there: two seeds of 9 fit
    mixing = mode(ant=9, bee=1)
    rows = [set(drawn(mixing, run).synthetic["gan"].tolist()) for run in range(2)]
    assert not rows[0] & rows[1]


def test_its_arm_has_a_name_of_its_own() -> None:
    assert [arm.name for arm in mode(ant=1).arms(["gan"])] == ["real", "gan@per-class"]


def test_a_class_that_is_not_there() -> None:
    with pytest.raises(SettingError, match="no class 'aunt'. Did you mean 'ant'"):
        mode(aunt=3).check(CLASSES)


def test_more_than_there_are() -> None:
    with pytest.raises(SettingError, match="21 images of class 'bee' are asked for, 20 exist"):
        drawn(mode(bee=21))


def test_none_at_all() -> None:
    with pytest.raises(SettingError, match="asks for no synthetic image"):
        mode(ant=0)
