from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from synthmix.errors import SettingError
from synthmix.fitting import Fitting, Price, priced
from synthmix.types import Pixels


def images(*sizes: tuple[int, int]) -> Iterator[tuple[Pixels, int]]:
    for height, width in sizes:
        yield np.zeros((height, width, 3), np.uint8), 0


def facts(size: int, *sizes: tuple[int, int]) -> dict[str, list[str]]:
    fitting = Fitting(size, "box")
    assert all(image.shape == (size, size, 3) for image, _ in fitting.fitted(images(*sizes)))
    return fitting.facts({})


def test_what_a_square_leaves_out_is_told() -> None:
    assert facts(8, (8, 8), (16, 16)) == {"notes": [], "concerns": []}
    told = facts(8, (30, 40), (8, 8))
    assert told["concerns"] == []
    assert "1 of 2 images are not square" in told["notes"][0]
    assert "leaves out 25% of one on average, 25% at most" in told["notes"][0]
    told = facts(8, (30, 40), (10, 40))
    assert "leaves out 50% of one on average, 75% at most" in told["concerns"][0]


def test_images_enlarged_from_far_smaller_ones_are_told() -> None:
    assert facts(32, (8, 8))["concerns"] == []
    [told] = facts(33, (8, 8), (8, 6), (40, 40))["concerns"]
    assert told.startswith("2 of 3 images are enlarged more than 4 times a side")
    assert "the smallest of 6x8 pixels to 33x33" in told


def test_what_was_noticed_is_told_with_names() -> None:
    told = Fitting(8, "box").facts({"animations": (1200, ("a.gif", "b.gif"))})
    assert told["concerns"] == ["1,200 animations, such as a.gif, b.gif"]


def test_the_price_is_told_before_the_rest_is_decoded(tmp_path: Path) -> None:
    taken = 0

    def counted() -> Iterator[tuple[Pixels, int]]:
        nonlocal taken
        for each in Fitting(64, "box").fitted(images(*[(8, 8)] * 100_000)):
            taken += 1
            yield each

    told: list[Price] = []
    stream = priced(counted(), 100_000, tmp_path, "real", told.append)
    next(stream)
    assert taken < 100_000
    assert (told[0].num_bytes, told[0].side) == (100_000 * 64 * 64 * 3, 64)
    assert str(told[0]).startswith("real: 100,000 images at 64 x 64 pixels take 1.2 GB in ")


def test_what_comes_once_is_not_counted_for_every_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0

    def slow_to_open() -> Iterator[tuple[Pixels, int]]:
        nonlocal now
        now += 2  # folders are listed, packages loaded
        for each in images(*[(8, 8)] * 1000):
            now += 0.01
            yield each

    monkeypatch.setattr("synthmix.fitting.time.monotonic", lambda: now)
    told: list[Price] = []
    next(priced(slow_to_open(), 1000, tmp_path, "real", told.append))
    assert told[0].seconds == pytest.approx(2 + 1000 * 0.01, rel=0.01)


def test_the_price_of_one_image_is_what_it_took(tmp_path: Path) -> None:
    told: list[Price] = []
    assert len(list(priced(images((8, 8)), 1, tmp_path, "real", told.append))) == 1
    assert told[0].num_images == 1


def test_more_than_the_disk_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage(10**12, 0, 1000))
    stream = priced(images(*[(8, 8)] * 9), 9, tmp_path, "real", lambda price: None)
    with pytest.raises(
        SettingError, match=r"^real: 9 images at 8 x 8 .*0\.0 MB are free there: set"
    ):
        next(stream)
