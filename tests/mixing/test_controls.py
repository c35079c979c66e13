"""Controls: what else, besides synthetic images, could explain a gain."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.controls import KINDS, Plan, controls, derange, draw
from synthmix.errors import SettingError
from synthmix.mixing import Arm, Mixing
from synthmix.registry import Registry
from tests.mixing.test_contract import supply

MIXING: Registry[Mixing] = Registry("synthmix.mixing", "Mixing")
REPLACE = MIXING.build("replace", {"total": 24, "ratios": [0.25, 0.5, 1]})


def listed(mixing: Mixing, plan: Plan | None = None, pool: int = 24, most: int = 60) -> list[Arm]:
    return controls(mixing, mixing.arms(["gan", "sd"]), pool, most, plan or Plan())


def names(mixing: Mixing, plan: Plan | None = None) -> list[str]:
    return [arm.name for arm in listed(mixing, plan)]


def test_replace_has_every_control_once() -> None:
    assert names(REPLACE) == [
        "real-18",
        "real-12",
        "real-12-duplicated-real",
        "real-12-strong-augmentation",
        "gan@0.5-deranged-labels",
        "sd@0.5-deranged-labels",
        "real-half-steps",
        "real-18-half-steps",
        "real-12-half-steps",
        "real-3",
        "real-6",
        "real-48",
    ]


def test_where_all_real_images_are_kept_they_are_their_own_part() -> None:
    add = MIXING.build("add", {"per_real": [0.5, 2], "num_real": 24})
    assert names(add, Plan(tuple(kind for kind in KINDS if kind != "real-curve"))) == [
        "real-strong-augmentation",
        "gan@2-deranged-labels",
        "sd@2-deranged-labels",
        "real-half-steps",
    ]


def test_without_a_mix_there_is_nothing_to_control() -> None:
    assert controls(REPLACE, REPLACE.arms([]), 24, 60, Plan()) == []


@pytest.mark.parametrize("kind", KINDS)
def test_each_control_can_be_left_out(kind: str) -> None:
    found = listed(REPLACE, Plan(tuple(each for each in KINDS if each != kind)))
    assert found
    assert kind not in {arm.control for arm in found}


def test_another_share_may_be_controlled() -> None:
    found = names(REPLACE, Plan(share=0.25))
    assert "gan@0.25-deranged-labels" in found
    assert "real-18-strong-augmentation" in found


def test_a_share_that_is_no_arm() -> None:
    with pytest.raises(SettingError, match=r"controls.share is 0.3, .* one of: 0.25, 0.5, 1\."):
        listed(REPLACE, Plan(share=0.3))


def test_a_curve_beyond_the_supply() -> None:
    with pytest.raises(SettingError, match=r"controls.curve asks for 61 .* there are 60"):
        listed(REPLACE, Plan(curve=(5, 61)))
    assert "real-60" in names(REPLACE, Plan(curve=(5, 60)))


@pytest.mark.parametrize("run", [0, 1, 2])
def test_rows_of_controls(run: int) -> None:
    have = supply(REPLACE, run=run)
    mixes = {arm.name: REPLACE.draw(arm, have) for arm in REPLACE.arms(["gan"])}
    found = {
        arm.name: draw(arm, mixes.__getitem__, have)
        for arm in controls(REPLACE, REPLACE.arms(["gan"]), 24, 60, Plan())
    }
    own = mixes["gan@0.5"].real
    assert np.array_equal(found["real-12"].real, own)
    assert np.array_equal(found["real-12-half-steps"].real, own)
    repeated = found["real-12-duplicated-real"].real
    assert len(repeated) == 24
    assert np.array_equal(*map(np.sort, (repeated, np.tile(own, 2))))
    deranged = found["gan@0.5-deranged-labels"]
    assert np.array_equal(deranged.real, own)
    rows = mixes["gan@0.5"].synthetic["gan"]
    assert np.array_equal(deranged.synthetic["gan"], rows)
    assert (deranged.labels["gan"] != have.synthetic["gan"][rows]).all()
    sizes = [3, 6, 12, 18, 48]
    nested = [set(found[f"real-{size}"].real.tolist()) for size in sizes]
    assert [len(rows) for rows in nested] == sizes
    assert all(small < large for small, large in pairwise(nested))
    assert set(mixes["real"].real.tolist()) < nested[-1]


@given(st.integers(2, 12), st.integers(1, 60), st.integers(0, 5))
def test_no_image_keeps_its_class_and_classes_keep_their_sizes(
    num_classes: int, per_class: int, run: int
) -> None:
    labels = np.repeat(np.arange(num_classes), per_class)
    found = derange(labels, num_classes, 0, run)
    assert (found != labels).all()
    counts = np.bincount(found, minlength=num_classes)
    assert abs(counts - per_class).max() <= num_classes - 1
    assert np.array_equal(found, derange(labels, num_classes, 0, run))


def test_a_remainder_keeps_class_proportions() -> None:
    mixing = MIXING.build("replace", {"total": 24, "ratios": [0.4]})
    have = supply(mixing)
    arm = next(
        a
        for a in controls(mixing, mixing.arms(["gan"]), 24, 60, Plan())
        if a.control == "duplicated-real"
    )
    rows = draw(arm, lambda name: mixing.draw(replace(arm, name=name), have), have).real
    assert len(rows) == 24
    assert np.bincount(have.real[rows]).tolist() == [8, 8, 8]
