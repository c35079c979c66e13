import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from synthmix.errors import DataError
from synthmix.images import (
    Resize,
    content_fingerprint,
    largest_remainder,
    match_classes,
    per_class_rows,
    resized,
    stratified_rows,
    take,
    to_rgb,
)
from synthmix.types import ImageSet

WEIGHTS = st.lists(st.integers(0, 10_000), min_size=1, max_size=12).filter(any)


def image_set(labels: list[int], names: tuple[str, ...]) -> ImageSet:
    random = np.random.default_rng(len(labels))
    pixels = random.integers(0, 256, (len(labels), 2, 2, 3), dtype=np.uint8)
    numbers = np.array(labels, dtype=np.int64)
    mark = content_fingerprint(pixels, numbers, names)
    return ImageSet(pixels, numbers, names, mark, {"row": list(range(len(labels)))})


@given(WEIGHTS, st.integers(0, 100_000))
def test_shares_add_up_and_are_proportional_within_one(weights: list[int], total: int) -> None:
    counts = largest_remainder(np.array(weights), total)
    assert counts.sum() == total
    for weight, count in zip(weights, counts.tolist(), strict=True):
        assert abs(count - Fraction(total * weight, sum(weights))) < 1


@given(WEIGHTS)
def test_a_share_of_the_whole_is_the_whole(weights: list[int]) -> None:
    assert largest_remainder(np.array(weights), sum(weights)).tolist() == weights


@given(WEIGHTS, st.integers(0, 1000))
def test_ties_go_to_the_lower_index(weights: list[int], total: int) -> None:
    counts = largest_remainder(np.array(weights), total).tolist()
    extra = [c - total * w // sum(weights) for c, w in zip(counts, weights, strict=True)]
    order = sorted(
        range(len(weights)), key=lambda index: (-(total * weights[index] % sum(weights)), index)
    )
    assert sorted((extra[index] for index in order), reverse=True) == [extra[i] for i in order]


def test_a_tie_that_floating_point_would_miss() -> None:
    assert largest_remainder(np.array([4, 1, 1]), 2).tolist() == [2, 0, 0]


LABELS = st.lists(st.integers(0, 3), min_size=1, max_size=60)


@given(LABELS, st.integers(0, 2**32), st.data())
def test_rows_are_sorted_unique_and_stratified(
    labels: list[int], seed: int, data: st.DataObject
) -> None:
    numbers = np.array(labels)
    total = data.draw(st.integers(0, len(labels)))
    rows = stratified_rows(numbers, 4, total, seed, "test")
    assert rows.tolist() == sorted(set(rows.tolist()))
    expected = largest_remainder(np.bincount(numbers, minlength=4), total)
    assert (np.bincount(numbers[rows], minlength=4) == expected).all()


@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**32))
def test_smaller_subsets_are_nested_in_larger_ones(one: int, other: int, seed: int) -> None:
    labels = np.arange(40) % 4
    names = ("a", "b", "c", "d")
    small, large = (
        set(per_class_rows(labels, names, count, seed, where="x").tolist())
        for count in sorted((one, other))
    )
    assert small <= large
    small, large = (
        set(stratified_rows(labels, 4, 4 * count, seed, "test").tolist())
        for count in sorted((one, other))
    )
    assert small <= large


def test_subsets_depend_on_the_seed() -> None:
    labels = np.arange(400) % 4
    drawn = [stratified_rows(labels, 4, 200, seed, "test") for seed in (0, 0, 1)]
    assert (drawn[0] == drawn[1]).all()
    assert len(set(drawn[0].tolist()) & set(drawn[2].tolist())) < 150


def test_a_class_that_is_too_small_is_named() -> None:
    with pytest.raises(DataError, match="real: per_class is 3, but class 'b' has 2 images"):
        per_class_rows(np.array([0, 0, 0, 1, 1]), ("a", "b"), 3, 0, where="real")


@given(LABELS, st.permutations(["a", "b", "c", "d"]))
def test_matching_classes_there_and_back_changes_nothing(
    labels: list[int], order: list[str]
) -> None:
    names = ("a", "b", "c", "d")
    images = image_set(labels, names)
    there = match_classes(images, tuple(order), {}, where="x")
    assert [order[label] for label in there.labels] == [names[label] for label in labels]
    back = match_classes(there, names, {}, where="x")
    assert back.labels.tolist() == labels
    assert (back.class_names, back.fingerprint) == (names, images.fingerprint)
    assert back.columns == images.columns


def test_names_are_mapped_even_where_the_order_is_the_same() -> None:
    images = image_set([0, 1, 1], ("plane", "cat"))
    matched = match_classes(images, ("airplane", "cat"), {"plane": "airplane"}, where="x")
    assert matched.class_names == ("airplane", "cat")
    assert matched.labels.tolist() == [0, 1, 1]
    assert matched.fingerprint != images.fingerprint


def test_two_names_may_become_one() -> None:
    images = image_set([0, 1, 2], ("car", "bus", "cat"))
    matched = match_classes(images, ("cat", "car"), {"bus": "car"}, where="x")
    assert matched.labels.tolist() == [1, 1, 0]


def test_classes_that_do_not_match_name_both_sides() -> None:
    with pytest.raises(DataError, match=r"fakes: .*Only here: 'dog'; only in the study: 'cow'"):
        match_classes(image_set([0], ("cat", "dog")), ("cat", "cow"), {}, where="fakes")


@pytest.mark.parametrize(
    ("name", "other", "says"),
    [
        ("Red", "red", "class_map: {Red: red}"),
        ("dgo", "dog", "class_map: {dgo: dog}"),
        ("No", "no", 'class_map: {"No": "no"}'),
        ("a: b", "a_b", 'class_map: {"a: b": a_b}'),
    ],
)
def test_a_name_that_is_nearly_a_class_is_shown_mapped(name: str, other: str, says: str) -> None:
    near = f"'{name}' here is '{other}' in the study? Rename the folders or map them: {says}"
    with pytest.raises(DataError, match=re.escape(near)):
        match_classes(image_set([0], ("x1", name)), ("x1", other), {}, where="fakes")


def test_a_class_too_many_is_said_to_have_no_counterpart() -> None:
    says = "its class 'green' is none of the study's: leave its images out, or map it to one that"
    with pytest.raises(DataError, match=f"{says} is, as in class_map: {{green: red}}"):
        match_classes(image_set([0], ("red", "green")), ("red",), {}, where="fakes")


@given(LABELS, st.data())
def test_taking_rows_keeps_pixels_labels_and_columns_together(
    labels: list[int], data: st.DataObject
) -> None:
    images = image_set(labels, ("a", "b", "c", "d"))
    rows = data.draw(st.lists(st.integers(0, len(labels) - 1), min_size=1))
    taken = take(images, np.array(rows))
    assert (taken.pixels == images.pixels[rows]).all()
    assert taken.labels.tolist() == [labels[row] for row in rows]
    assert taken.columns["row"] == rows
    if rows == list(range(len(labels))):
        assert taken.fingerprint == images.fingerprint


@settings(deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.sampled_from([0, 1, 2]))
def test_resizing_is_a_crop_of_what_pillow_resizes(
    height: int, width: int, size: int, kernel: int
) -> None:
    name = ("lanczos", "bicubic", "box")[kernel]
    filters = (Image.Resampling.LANCZOS, Image.Resampling.BICUBIC, Image.Resampling.BOX)
    random = np.random.default_rng(height * width)
    image = random.integers(0, 256, (height, width, 3), dtype=np.uint8)
    fitted = resized(image, size, name)
    assert fitted.shape == (size, size, 3)
    assert fitted.dtype == np.uint8
    side, longer = min(height, width), max(height, width)
    rest = longer * size - size * side
    if rest % (2 * side) == 0:  # then the whole image, resized, is cropped on whole pixels
        shape = (size, longer * size // side) if height < width else (longer * size // side, size)
        whole = Image.fromarray(image).resize(shape[::-1], filters[kernel])
        start = rest // (2 * side)
        crop = np.asarray(whole)[:, start:] if height < width else np.asarray(whole)[start:]
        assert np.abs(fitted.astype(int) - crop[:size, :size]).max() <= 1


@pytest.mark.parametrize("kernel", ["lanczos", "bicubic", "box"])
@pytest.mark.parametrize("size", [8, 32, 45])
def test_a_square_image_is_resized_as_pillow_does(size: int, kernel: Resize) -> None:
    image = np.random.default_rng(size).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    own = Image.Resampling[kernel.upper()]
    expected = np.asarray(Image.fromarray(image).resize((size, size), own))
    assert (resized(image, size, kernel) == expected).all()


def test_an_image_of_the_right_size_is_left_alone() -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 7, 3), dtype=np.uint8)
    assert resized(image, 7) is image
    assert (resized(np.full((9, 5, 3), 77, np.uint8), 3) == 77).all()


def test_transparent_grey_and_palette_images_are_laid_over_white() -> None:
    half = Image.new("RGBA", (1, 1), (0, 0, 0, 128))
    assert to_rgb(half).tolist() == [[[127, 127, 127]]]
    assert to_rgb(Image.new("LA", (1, 1), (10, 0))).tolist() == [[[255, 255, 255]]]
    clear = Image.new("P", (1, 1), 0)
    clear.info["transparency"] = 0
    assert to_rgb(clear).tolist() == [[[255, 255, 255]]]
    assert to_rgb(Image.new("L", (2, 3), 9)).shape == (3, 2, 3)


@pytest.mark.parametrize("mode", ["I", "I;16", "F"])
def test_deep_images_are_refused(mode: str) -> None:
    with pytest.raises(ValueError, match="more than 8 bits"):
        to_rgb(Image.new(mode, (1, 1)))


def test_a_fingerprint_sees_pixels_labels_names_and_shape() -> None:
    pixels = np.zeros((4, 2, 2, 3), np.uint8)
    labels = np.zeros(4, np.int64)
    other = pixels.copy()
    other[-1, -1, -1, -1] = 1
    marks = {
        content_fingerprint(pixels, labels, ("a", "b")),
        content_fingerprint(other, labels, ("a", "b")),
        content_fingerprint(pixels, labels + 1, ("a", "b")),
        content_fingerprint(pixels, labels, ("a", "c")),
        content_fingerprint(pixels.reshape(4, 1, 4, 3), labels, ("a", "b")),
    }
    assert len(marks) == 5
    view = np.asfortranarray(np.tile(pixels, (2, 1, 1, 1)))[::2]
    assert content_fingerprint(view, labels, ("a", "b")) in marks


def test_no_pair_of_names_is_made_up() -> None:
    """Two names that are nothing alike, side by side, would be followed, and swap labels."""
    others = ImageSet(
        np.zeros((3, 2, 2, 3), np.uint8), np.arange(3), ("canine", "feline", "strix"), "x"
    )
    with pytest.raises(DataError, match=r"the class that it shows: class_map: {canine: CLASS}"):
        match_classes(others, ("cat", "dog", "owl"), {}, where="synthetic.ext")
