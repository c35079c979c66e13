"""What every mixing mode promises."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.errors import SettingError
from synthmix.mixing import Mixing, Supply
from synthmix.registry import Registry

MIXING: Registry[Mixing] = Registry("synthmix.mixing", "Mixing")
NAMES = MIXING.names()
CLASSES = ("ant", "bee", "cat")
SETTINGS: dict[str, dict[str, Any]] = {
    "add": {"per_real": [0, 0.5, 1]},
    "per-class": {"per_class": dict.fromkeys(CLASSES, 6)},
}
"""What a mode needs so that its arms ask for no more synthetic images than there are real ones."""


def supply(
    mixing: Mixing, *, run: int = 0, real: int = 60, synthetic: int = 60, seed: int = 0
) -> Supply:
    labels = np.arange(real, dtype=np.int64) % 3
    pool = mixing.pool_size(real)
    largest = max(mixing.needed(ratio, pool) for ratio in mixing.shares())
    sets = {"gan": np.arange(synthetic) % 3}
    return Supply(seed, run, 3, labels, pool, sets, {"gan": largest}, CLASSES)


def smaller(name: str, **settings: Any) -> Mixing:
    """Build a mode whose arms need no more synthetic images than a pool of them holds."""
    return MIXING.build(name, {**SETTINGS.get(name, {}), **settings})


@pytest.mark.parametrize("name", NAMES)
def test_real_images_alone_come_first_and_once(name: str) -> None:
    arms = smaller(name).arms(["gan", "sd"])
    assert arms[0].name == "real"
    assert arms[0].sources == ()
    names = [arm.name for arm in arms]
    assert len(names) == len(set(names))
    assert {arm.sources for arm in arms[1:]} == {("gan",), ("sd",)}


@pytest.mark.parametrize("name", NAMES)
def test_pooled_sources_share_the_arms(name: str) -> None:
    mixing = smaller(name, sources="pooled")
    assert {arm.sources for arm in mixing.arms(["gan", "sd"])[1:]} == {("gan", "sd")}


@pytest.mark.parametrize("name", NAMES)
def test_rows_exist_once_and_keep_class_proportions(name: str) -> None:
    mixing = smaller(name)
    have = supply(mixing)
    for arm in mixing.arms(["gan"]):
        drawn = mixing.draw(arm, have)
        for rows, labels in [(drawn.real, have.real), *_synthetic(drawn, have)]:
            assert len(set(rows.tolist())) == len(rows)
            counts = np.bincount(labels[rows], minlength=3)
            assert counts.max() - counts.min() <= 1


def _synthetic(drawn: Any, have: Supply) -> list[Any]:
    return [(rows, have.synthetic[name]) for name, rows in drawn.synthetic.items()]


@pytest.mark.parametrize("name", NAMES)
def test_a_smaller_share_is_nested_in_a_larger_one(name: str) -> None:
    mixing = smaller(name)
    have = supply(mixing)
    drawn = [mixing.draw(arm, have) for arm in mixing.arms(["gan"])]
    for one, other in pairwise(drawn):
        assert set(other.real) <= set(one.real)
        if one.synthetic:
            assert set(one.synthetic["gan"]) <= set(other.synthetic["gan"])


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_draws_the_same_rows_and_another_does_not(name: str) -> None:
    mixing = smaller(name)
    arm = mixing.arms(["gan"])[1]
    one, again = (mixing.draw(arm, supply(mixing)) for _ in range(2))
    other = mixing.draw(arm, supply(mixing, seed=1))
    assert np.array_equal(one.synthetic["gan"], again.synthetic["gan"])
    if one.num_synthetic < 60:
        assert not np.array_equal(one.synthetic["gan"], other.synthetic["gan"])


@given(st.integers(0, 5), st.integers(0, 100))
def test_seeds_are_disjoint_while_the_supply_lasts(run: int, seed: int) -> None:
    mixing = MIXING.build("replace", {"total": 10, "ratios": [0, 1]})
    arm = mixing.arms(["gan"])[1]
    rows = [
        set(mixing.draw(arm, supply(mixing, run=r, seed=seed)).synthetic["gan"].tolist())
        for r in range(6)
    ]
    # 60 images, 10 or 11 an arm once every class is rounded up: five disjoint draws fit
    for other in range(5):
        if other != run and run < 5:
            assert not rows[run] & rows[other]


def test_a_supply_that_is_used_up_is_shuffled_anew() -> None:
    """Six seeds share 60 images out; the seventh takes other ones together than the first."""
    labels = np.zeros(60, dtype=np.int64)
    rows = [
        frozenset(Supply(0, run, 1, labels, 10, {}, {}).real_rows(10).tolist()) for run in range(12)
    ]
    assert frozenset().union(*rows[:6]) == frozenset().union(*rows[6:]) == set(range(60))
    assert not set(rows[:6]) & set(rows[6:])


def test_too_few_synthetic_images_name_the_largest_total() -> None:
    mixing = MIXING.build("replace", {"ratios": [0, 0.5]})
    have = supply(mixing, real=60, synthetic=15)
    with pytest.raises(SettingError, match="largest possible mixing.total is 30"):
        mixing.draw(mixing.arms(["gan"])[1], have)
    fits = MIXING.build("replace", {"ratios": [0, 0.5], "total": 30})
    fits.draw(fits.arms(["gan"])[1], supply(fits, real=60, synthetic=15))


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("replace", {"ratios": [1.5]}),
        ("replace", {"ratios": [-0.1]}),
        ("batch-ratio", {"ratios": [2]}),
        ("add", {"per_real": [-1]}),
        ("replace", {"total": 0}),
    ],
)
def test_ratios_out_of_range(name: str, settings: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=r"should be (less|greater) than or equal to"):
        MIXING.build(name, settings)


def test_replace_keeps_the_total() -> None:
    mixing = MIXING.build("replace", {"total": 50, "ratios": [0, 0.3, 0.5, 1]})
    have = supply(mixing, real=60, synthetic=60)
    sizes = [
        (d.num_real, d.num_synthetic)
        for d in (mixing.draw(arm, have) for arm in mixing.arms(["gan"]))
    ]
    assert sizes == [(50, 0), (35, 15), (25, 25), (0, 50)]


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (0.999, "'gan@0.999' would hold 60 synthetic images and no real one, as an arm at 1 does"),
        (0.001, "'gan@0.001' would hold 60 real images and no synthetic one"),
    ],
)
def test_a_mix_of_one_kind_alone_is_refused(ratio: float, said: str) -> None:
    mixing = MIXING.build("replace", {"ratios": [ratio]})
    with pytest.raises(SettingError, match=said):
        mixing.draw(mixing.arms(["gan"])[1], supply(mixing))


def test_add_keeps_all_real_images() -> None:
    mixing = MIXING.build("add", {"per_real": [0, 0.5, 1]})
    drawn = [mixing.draw(arm, supply(mixing)) for arm in mixing.arms(["gan"])]
    assert [(d.num_real, d.num_synthetic) for d in drawn] == [(60, 0), (60, 30), (60, 60)]


def test_batch_ratio_fixes_the_share() -> None:
    mixing = MIXING.build("batch-ratio", {"ratios": [0, 0.25, 1]})
    drawn = [mixing.draw(arm, supply(mixing)) for arm in mixing.arms(["gan"])]
    assert [(d.num_real, d.num_synthetic, d.batch_share) for d in drawn] == [
        (60, 0, 0.0),
        (60, 60, 0.25),
        (0, 60, 1.0),
    ]


def test_more_real_images_than_there_are() -> None:
    mixing = MIXING.build("replace", {"total": 61})
    with pytest.raises(SettingError, match="largest possible total is 60"):
        mixing.pool_size(60)
