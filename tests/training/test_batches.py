import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synthmix.training.batches import Order, Rows, ahead
from synthmix.types import Mixture


@given(st.integers(1, 40), st.integers(1, 25), st.integers(0, 2**31))
def test_every_epoch_visits_every_image_once(num_images: int, batch: int, seed: int) -> None:
    order = Order(0, num_images, seed, "all")
    steps = 3 * num_images
    rows = np.concatenate([order.rows(step * batch, batch) for step in range(steps)])
    for epoch in range(3):
        visited = rows[epoch * num_images : (epoch + 1) * num_images]
        assert sorted(visited) == list(range(num_images))


@given(st.integers(0, 50))
def test_a_step_does_not_depend_on_those_before(step: int) -> None:
    mixture = Mixture("arm", 0.5, 0, np.arange(13), {"gan": np.arange(9)})
    afterwards = Rows(mixture, 8, 0)
    for earlier in range(step):
        afterwards.at(earlier)
    assert np.array_equal(Rows(mixture, 8, 0).at(step), afterwards.at(step))


@given(st.integers(1, 40), st.integers(1, 25), st.integers(0, 2**31))
def test_mirroring_alternates_for_every_image(num_images: int, batch: int, seed: int) -> None:
    mixture = Mixture("arm", 0.5, 0, np.arange(num_images), {"gan": np.arange(7)})
    rows = Rows(mixture, batch, seed)
    steps = range(-(-4 * (num_images + 7) // batch))
    visits = np.concatenate([rows.at(step) for step in steps])
    mirrored = np.concatenate([rows.mirrored(step) for step in steps])
    for image in range(num_images + 7):
        turns = mirrored[visits == image]
        assert len(turns) >= 4
        assert (turns[1:] != turns[:-1]).all()


def test_mirroring_begins_with_half_of_the_images() -> None:
    rows = Rows(Mixture("arm", 0.0, 0, np.arange(2000)), 2000, 3)
    assert 0.45 < rows.mirrored(0).mean() < 0.55


@given(st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0]), st.integers(0, 30))
def test_batch_ratio_fixes_the_share_of_every_batch(share: float, step: int) -> None:
    real = np.arange(13 if share < 1 else 0)
    mixture = Mixture("arm", share, 0, real, {"gan": np.arange(9)}, batch_share=share)
    rows = Rows(mixture, 20, 0).at(step)
    assert len(rows) == 20
    assert (rows >= len(real)).sum() == round(share * 20)


def test_batches_are_made_one_ahead_in_another_thread() -> None:
    made: list[int] = []
    threads: set[int] = set()
    is_made = [threading.Event() for _ in range(4)]

    def batches() -> Iterator[int]:
        for number in range(4):
            threads.add(threading.get_ident())
            made.append(number)
            is_made[number].set()
            yield number

    for number in ahead(batches()):
        following = min(number + 1, 3)
        assert is_made[following].wait(10)
        assert made == list(range(following + 1))
    assert made == [0, 1, 2, 3]
    assert threading.get_ident() not in threads


def test_an_error_while_a_batch_is_made_reaches_the_loop() -> None:
    def batches() -> Iterator[int]:
        yield 0
        raise OSError("a source is gone")

    found = ahead(batches())
    assert next(found) == 0
    with pytest.raises(OSError, match="a source is gone"):
        next(found)


def test_no_batches_are_none() -> None:
    assert list(ahead(iter(()))) == []
