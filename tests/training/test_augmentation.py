import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from synthmix.training.augmentation import Augmentation, normalise

POOL = torch.randint(
    0, 256, (6, 8, 8, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)
ROWS = torch.tensor([5, 0, 3, 3])


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_settings_it_only_normalises() -> None:
    out = Augmentation(crop=0, flip=False, cutout=0)(POOL, ROWS, random())
    torch.testing.assert_close(out, normalise(POOL[ROWS]))
    assert out.is_contiguous(memory_format=torch.channels_last)
    assert out.min() >= -2
    assert out.max() <= 2


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(0, 4))
def test_every_crop_is_one_of_the_reflected_image(seed: int, crop: int) -> None:
    out = Augmentation(crop=crop, flip=True, cutout=0)(POOL, ROWS, random(seed))
    padded = functional.pad(normalise(POOL[ROWS]), (crop,) * 4, mode="reflect")
    for image, source in zip(out, padded, strict=True):
        windows = [
            source[:, y : y + 8, x : x + 8]
            for y in range(2 * crop + 1)
            for x in range(2 * crop + 1)
        ]
        candidates = [*windows, *(window.flip(2) for window in windows)]
        assert any(torch.equal(image, candidate) for candidate in candidates)


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(0, 3), st.integers(1, 8))
def test_every_window_is_one_of_the_reflected_image(seed: int, crop: int, side: int) -> None:
    out = Augmentation(crop=crop, flip=False, cutout=0)(POOL, ROWS, random(seed), side=side)
    assert out.shape == (4, 3, side, side)
    padded = functional.pad(normalise(POOL[ROWS]), (crop,) * 4, mode="reflect")
    for image, source in zip(out, padded, strict=True):
        windows = source.unfold(1, side, 1).unfold(2, side, 1).permute(1, 2, 0, 3, 4)
        assert (windows == image).all(dim=(2, 3, 4)).any()


def test_windows_lie_anywhere() -> None:
    rows = torch.zeros(300, dtype=torch.long)
    out = Augmentation(crop=0, flip=False, cutout=0)(POOL, rows, random(), side=6)
    assert len({image.numpy().tobytes() for image in out}) == 9


def test_images_of_a_batch_are_augmented_each_on_its_own() -> None:
    out = Augmentation(crop=2, flip=True, cutout=0)(
        POOL, torch.zeros(64, dtype=torch.long), random()
    )
    assert len({image.numpy().tobytes() for image in out}) > 20


def test_half_are_mirrored() -> None:
    out = Augmentation(crop=0, flip=True, cutout=0)(
        POOL, torch.zeros(2000, dtype=torch.long), random()
    )
    plain = normalise(POOL[:1])
    share = np.mean([torch.equal(image, plain[0]) for image in out])
    assert 0.45 < share < 0.55


def test_mirroring_can_be_told() -> None:
    told = torch.tensor([True, False, True, False])
    out = Augmentation(crop=0, flip=True, cutout=0)(POOL, ROWS, random(), told)
    plain = normalise(POOL[ROWS])
    torch.testing.assert_close(out, torch.where(told[:, None, None, None], plain.flip(3), plain))
    off = Augmentation(crop=0, flip=False, cutout=0)(POOL, ROWS, random(), told)
    torch.testing.assert_close(off, plain)


def test_cutout_blanks_one_square() -> None:
    pool = torch.full((1, 16, 16, 3), 255, dtype=torch.uint8)
    out = Augmentation(crop=0, flip=False, cutout=4)(
        pool, torch.zeros(200, dtype=torch.long), random()
    )
    holes = (out == 0).all(dim=1).sum(dim=(1, 2))
    assert holes.max() == 16
    assert holes.min() >= 4  # at a corner a quarter of the square is left
    assert ((out == 0) | (out == 2)).all()


def test_jitter_changes_brightness_contrast_and_saturation_within_its_bounds() -> None:
    pool = torch.tensor([[[[90, 120, 150], [30, 60, 200]]]], dtype=torch.uint8).repeat(1, 2, 1, 1)
    rows = torch.zeros(500, dtype=torch.long)
    out = Augmentation(crop=0, flip=False, cutout=0, jitter=0.2)(pool, rows, random())
    brightness = (out.mean((1, 2, 3)) + 2) / (normalise(pool).mean() + 2)
    assert 0.79 < brightness.min() < 0.85
    assert 1.15 < brightness.max() < 1.21
    spread = out.std((1, 2, 3)) / brightness
    assert spread.max() / spread.min() > 1.2
    grey = torch.full((1, 4, 4, 3), 128, dtype=torch.uint8)
    same = Augmentation(0, False, 0, 0.2)(grey, rows, random())
    assert (same.amax((1, 2, 3)) - same.amin((1, 2, 3)) < 1e-5).all()


def test_what_jitter_changes_stays_in_the_range_of_images() -> None:
    pool = torch.tensor([[[[0, 255, 128], [255, 255, 0]]]], dtype=torch.uint8).repeat(1, 2, 1, 1)
    rows = torch.zeros(200, dtype=torch.long)
    out = Augmentation(crop=0, flip=False, cutout=0, jitter=0.9)(pool, rows, random())
    assert (out.min(), out.max()) == (-2, 2), (
        "bright and dark values reach the ends, and stay there"
    )


def test_no_jitter_draws_nothing() -> None:
    rows = torch.zeros(20, dtype=torch.long)
    plain = Augmentation(crop=1, flip=True, cutout=2)(POOL, rows, random())
    assert torch.equal(plain, Augmentation(1, True, 2, jitter=0.0)(POOL, rows, random()))
