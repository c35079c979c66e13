import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from synthmix.training.batches import Order, Rows
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
