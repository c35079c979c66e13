"""Synthetic sets: what `datasets` reads, and what a kill, a growth or a damage leaves behind."""

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from synthmix.errors import ArtifactError, DataError
from synthmix.images import resized
from synthmix.seeding import derive
from synthmix.shards import Form, load_prompts, read_set, repair, requests, save_prompts, write_set
from synthmix.shards._parquet import ShardFile
from synthmix.store import Artifact
from synthmix.types import ImageSet, Pixels, Prompt, Request

NAMES = ("cat", "hot_dog", "Schnürsenkel: yes")
SHARD = 4


def draw(wanted: Sequence[Request]) -> Iterator[Pixels]:
    for request in wanted:
        yield np.random.default_rng(request.seed).integers(0, 256, (6, 6, 3), dtype=np.uint8)


def texts(per_class: int) -> list[Prompt]:
    return [
        Prompt(label, index, f"{name} no. {index}", "test")
        for index in range(per_class)
        for label, name in enumerate(NAMES)
    ]


def make(
    folder: Path,
    per_class: int = 5,
    images: Callable[[Sequence[Request]], Iterator[Pixels]] = draw,
    **changed: Any,
) -> Artifact:
    artifact = Artifact(folder, "set", {"a": 1})
    wanted = requests(NAMES, per_class, changed.pop("seed", 0), changed.pop("prompts", None))
    options = {"class_names": NAMES, "shard_size": SHARD, "card": "# A set\n"}
    write_set(artifact, wanted, images, **(options | changed))
    return artifact


def contents(artifact: Artifact) -> dict[str, bytes]:
    """Return every file of the artifact, leftovers included."""
    files = (path for path in artifact.path.rglob("*") if path.is_file())
    return {str(path.relative_to(artifact.path)): path.read_bytes() for path in files}


def shard_path(artifact: Artifact, number: int) -> Path:
    return sorted((artifact.path / "data").glob("*.parquet"))[number]


class Counted:
    """Draws, remembers for which requests, and stops at one of them if told to."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.drawn: list[Request] = []
        self.stop_at = stop_at

    def __call__(self, wanted: Sequence[Request]) -> Iterator[Pixels]:
        for request, image in zip(wanted, draw(wanted), strict=True):
            if len(self.drawn) == self.stop_at:
                raise KeyboardInterrupt
            self.drawn.append(request)
            yield image


# --- requests


def test_fewer_requests_are_a_prefix_of_more() -> None:
    assert requests(NAMES, 9, 0)[: 5 * len(NAMES)] == requests(NAMES, 5, 0)


def test_requests_are_index_major_with_seeds_of_their_own() -> None:
    wanted = requests(NAMES, 50, 0)
    assert [(r.index, r.label) for r in wanted[:4]] == [(0, 0), (0, 1), (0, 2), (1, 0)]
    assert all(each.class_name == NAMES[each.label] for each in wanted)
    assert len({r.seed for r in wanted} | {r.seed for r in requests(NAMES, 50, 1)}) == 300


def test_fewer_prompts_than_images_are_cycled_under_other_seeds() -> None:
    cats = [r for r in requests(NAMES, 5, 0, texts(2)) if r.label == 0]
    assert [r.prompt for r in cats] == ["cat no. 0", "cat no. 1"] * 2 + ["cat no. 0"]
    assert len({r.seed for r in cats}) == 5


def test_prompts_are_matched_by_label_and_index() -> None:
    assert requests(NAMES, 5, 0, texts(5)[::-1]) == requests(NAMES, 5, 0, texts(5))


@pytest.mark.parametrize(
    "left_out", [lambda p: p.label == 1, lambda p: (p.label, p.index) == (1, 0)]
)
def test_a_class_without_its_prompts_is_named(left_out: Callable[[Prompt], bool]) -> None:
    with pytest.raises(DataError, match="prompts of class 'hot_dog' must have the indices 0, 1"):
        requests(NAMES, 3, 0, [each for each in texts(3) if not left_out(each)])


# --- what was written


def test_datasets_reads_what_was_drawn(tmp_path: Path) -> None:
    from datasets import ClassLabel, Image, load_dataset

    artifact = make(tmp_path, 5, prompts=texts(3))
    wanted = requests(NAMES, 5, 0, texts(3))
    loaded = load_dataset(str(artifact.path), cache_dir=str(tmp_path / "hf"))
    assert list(loaded) == ["train"]
    rows = loaded["train"]
    assert isinstance(rows.features["image"], Image)
    assert rows.features["label"] == ClassLabel(names=list(NAMES))
    for row, request, image in zip(rows, wanted, draw(wanted), strict=True):
        np.testing.assert_array_equal(np.asarray(row["image"]), image)
        found = (row["label"], row["prompt"], row["seed"], row["index"], row["flags"])
        assert found == (request.label, request.prompt, request.seed, request.index, None)


def test_a_shard_alone_says_what_its_columns_are(tmp_path: Path) -> None:
    from datasets import ClassLabel, Dataset, Image

    path = str(shard_path(make(tmp_path), 0))
    features = Dataset.from_parquet(path, cache_dir=str(tmp_path / "hf")).features
    assert isinstance(features["image"], Image)
    assert features["label"] == ClassLabel(names=list(NAMES))


def test_datasets_ignores_what_is_damaged_or_unfinished(tmp_path: Path) -> None:
    from datasets import load_dataset

    artifact = make(tmp_path)
    (artifact.path / "damaged").mkdir()
    (artifact.path / "damaged" / "000-train-00000-of-00004.parquet").write_bytes(b"broken")
    (artifact.path / "data" / ".train-00000-of-00004.parquet.1.tmp").write_bytes(b"broken")
    rows = load_dataset(str(artifact.path), split="train", cache_dir=str(tmp_path / "hf"))
    assert len(rows) == 15


@settings(max_examples=25)
@given(
    images=arrays(
        np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 7), st.integers(1, 7), st.just(3))
    ),
    shard_size=st.integers(1, 5),
)
def test_any_pixels_come_back(images: Pixels, shard_size: int) -> None:
    images[:, 0, 0] = [0, 128, 255]  # else black or constant
    wanted = requests(("one",), len(images), 0)
    with tempfile.TemporaryDirectory() as folder:
        artifact = Artifact(Path(folder), "set", {})
        write_set(
            artifact,
            wanted,
            lambda part: iter(images[[request.index for request in part]]),
            class_names=("one",),
            shard_size=shard_size,
            card="",
        )
        found = read_set(artifact)
    np.testing.assert_array_equal(found.pixels, images)
    assert artifact.path.name.startswith("set-")


def test_read_set_returns_the_images_with_their_columns(tmp_path: Path) -> None:
    artifact = make(tmp_path, 5, prompts=texts(5))
    found = read_set(artifact)
    wanted = requests(NAMES, 5, 0, texts(5))
    assert isinstance(found, ImageSet)
    assert found.class_names == NAMES
    assert found.per_class() == [5, 5, 5]
    np.testing.assert_array_equal(found.pixels, np.stack(list(draw(wanted))))
    assert found.labels.tolist() == [request.label for request in wanted]
    assert found.columns == {
        "prompt": [request.prompt for request in wanted],
        "seed": [request.seed for request in wanted],
        "index": [request.index for request in wanted],
    }


def test_the_manifest_has_the_fingerprint_of_what_is_read(tmp_path: Path) -> None:
    artifact = make(tmp_path, 5, facts={"terms": "none"})
    facts = artifact.manifest()
    assert facts["pixels"] == read_set(artifact.path).fingerprint
    assert (facts["num_images"], facts["per_class"], facts["terms"]) == (15, 5, "none")


def test_a_prefix_is_read_alone(tmp_path: Path) -> None:
    large, small = make(tmp_path / "large", 9), make(tmp_path / "small", 5)
    assert read_set(large, per_class=5).fingerprint == read_set(small).fingerprint
    with pytest.raises(DataError, match=r"per_class is 10, but .* has 9 images of each class"):
        read_set(large, per_class=10)


def test_an_unfinished_set_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, images=Counted(stop_at=9))
    with pytest.raises(ArtifactError, match="does not hold a complete set"):
        read_set(Artifact(tmp_path, "set", {"a": 1}))


def test_equal_images_give_equal_bytes(tmp_path: Path) -> None:
    assert contents(make(tmp_path / "one")) == contents(make(tmp_path / "two"))


def test_the_card_begins_with_valid_front_matter(tmp_path: Path) -> None:
    import yaml

    card = (make(tmp_path).path / "README.md").read_text(encoding="utf-8")
    _, front, text = card.split("---\n", 2)
    info = yaml.safe_load(front)["dataset_info"]
    names = info["features"][1]["dtype"]["class_label"]["names"]
    assert names == dict(zip("012", NAMES, strict=True))
    assert info["splits"][0]["num_examples"] == 15
    assert text.strip() == "# A set"


def test_progress_ends_at_the_total_and_starts_at_what_is_there(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, images=Counted(stop_at=9))
    make(tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen[0] == (8, 15)
    assert seen[-1] == (15, 15)


# --- what cannot be used


@pytest.mark.parametrize(
    ("image", "reason"),
    [
        (np.zeros((6, 6, 3), np.uint8), "black"),
        (np.full((6, 6, 3), 90, np.uint8), "constant"),
        (np.full((6, 6, 3), np.nan), "NaN or infinite values"),
        (np.arange(36.0).reshape(6, 6), r"it is float64 \[6, 6\], not uint8"),
    ],
)
def test_an_image_that_cannot_be_used_is_named(tmp_path: Path, image: Any, reason: str) -> None:
    wanted = requests(NAMES, 5, 0)

    def images(part: Sequence[Request]) -> Iterator[Any]:
        is_bad = [(each.label, each.index) == (wanted[7].label, wanted[7].index) for each in part]
        return (image if bad else good for bad, good in zip(is_bad, draw(part)))  # noqa: B905

    said = rf"Class 'hot_dog', image 2 \(seed {wanted[7].seed}\) cannot be used.*: {reason}"
    with pytest.raises(DataError, match=said):
        make(tmp_path, images=images)
    artifact = Artifact(tmp_path, "set", {"a": 1})
    assert not artifact.is_complete
    assert list(artifact.records()) == ["data/train-00000-of-00004.parquet"]


def test_a_faulty_image_is_drawn_again_with_a_seed_that_follows(tmp_path: Path) -> None:
    wanted = requests(NAMES, 5, 0)
    asked: list[Request] = []

    def images(part: Sequence[Request]) -> Iterator[Pixels]:
        for each, good in zip(part, draw(part), strict=True):
            asked.append(each)
            is_bad = (each.label, each.index) == (1, 2) and len(asked) < 10
            yield np.zeros_like(good) if is_bad else good

    artifact = make(tmp_path, images=images)
    again = [each for each in asked if (each.label, each.index) == (1, 2)]
    assert [each.seed for each in again] == [
        wanted[7].seed,
        derive(wanted[7].seed, "attempt", 1),
        derive(wanted[7].seed, "attempt", 2),
    ]
    assert artifact.manifest()["flagged"]["drawn again"] == 1
    flags = [
        flag
        for n in range(4)
        for flag in ShardFile(shard_path(artifact, n)).columns("flags")["flags"]
    ]
    assert re.fullmatch("(drawn again: black, then with seed [0-9]+(; |$)){2}", flags[7] or "")
    assert np.array_equal(read_set(artifact).pixels[7], next(draw([again[-1]])))


def pictures(part: Sequence[Request]) -> Iterator[Pixels]:
    """Yield smooth pictures that differ by index; 3 and 4 of every class resemble number 1."""
    for each in part:
        random = np.random.default_rng(1 if each.index in (3, 4) else each.index)
        small = Image.fromarray(random.integers(0, 255, (4, 4, 3), np.uint8))
        large = np.asarray(small.resize((40, 40), Image.Resampling.BICUBIC)).astype(int)
        yield (large + (2 if each.index == 3 else 0)).clip(0, 255).astype(np.uint8)


def flags_of(artifact: Artifact) -> dict[tuple[int, int], str | None]:
    found: dict[tuple[int, int], str | None] = {}
    for path in sorted((artifact.path / "data").glob("*.parquet")):
        columns = ShardFile(path).columns("label", "index", "flags")
        keys = zip(columns["label"], columns["index"], strict=True)
        found |= dict(zip(keys, columns["flags"], strict=True))
    return found


def test_near_duplicates_are_told_over_the_whole_class_whatever_was_interrupted(
    tmp_path: Path,
) -> None:
    whole = make(tmp_path / "whole", images=pictures)
    found = flags_of(whole)
    for label in range(len(NAMES)):
        flags = [found[label, index] for index in range(5)]
        assert flags == [None, None, None, "near-duplicate: 1", "near-duplicate: 1"]
    assert whole.manifest()["flagged"] == {"near-duplicate": 6}

    def stopped(part: Sequence[Request]) -> Iterator[Pixels]:
        for number, image in enumerate(pictures(part)):
            if part[number].index == 4:
                raise KeyboardInterrupt
            yield image

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "killed", images=stopped)
    killed = make(tmp_path / "killed", images=pictures)
    assert flags_of(killed) == found
    assert killed.manifest()["parts"] == whole.manifest()["parts"]


@pytest.mark.parametrize("keep_original", [False, True])
def test_images_are_resized_by_one_kernel_and_originals_kept(
    tmp_path: Path, keep_original: bool
) -> None:
    from datasets import load_dataset

    form = Form(image_size=16, resize="box", keep_original=keep_original)
    artifact = make(tmp_path, images=pictures, form=form)
    rows = load_dataset(str(artifact.path), split="train", cache_dir=str(tmp_path / "hf"))
    for row, image in zip(rows, pictures(requests(NAMES, 5, 0)), strict=True):
        assert np.array_equal(np.asarray(row["image"]), resized(image, 16, "box"))
        assert ("original" in row) == keep_original
        if keep_original:
            assert np.array_equal(np.asarray(row["original"]), image)


def test_what_was_cut_of_a_prompt_is_stored(tmp_path: Path) -> None:
    wanted = [replace(each, prompt="a b c", cut="c") for each in requests(NAMES, 5, 0)]
    artifact = Artifact(tmp_path, "set", {"a": 1})
    write_set(artifact, wanted, draw, class_names=NAMES, shard_size=20, card="")
    path = next((artifact.path / "data").glob("*.parquet"))
    assert set(ShardFile(path).columns("cut")["cut"]) == {"c"}


def test_images_of_another_shape_are_refused(tmp_path: Path) -> None:
    def images(part: Sequence[Request]) -> Iterator[Pixels]:
        return (image[: 6 - request.index] for request, image in zip(part, draw(part), strict=True))

    with pytest.raises(DataError, match=r"share one shape, got \(6, 6, 3\) and \(5, 6, 3\)"):
        make(tmp_path, images=images)


def test_a_generator_may_use_its_buffer_again(tmp_path: Path) -> None:
    def images(part: Sequence[Request]) -> Iterator[Pixels]:
        buffer = np.empty((6, 6, 3), np.uint8)
        for image in draw(part):
            buffer[:] = image
            yield buffer

    assert contents(make(tmp_path / "one", images=images)) == contents(make(tmp_path / "two"))


def test_too_few_images_are_a_defect_of_the_generator(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="shorter"):
        make(tmp_path, images=lambda part: draw(part[:-1]))
    assert not Artifact(tmp_path, "set", {"a": 1}).records()


# --- resume, growth, damage


@pytest.mark.parametrize("stop_at", [0, 3, 4, 9, 14])
def test_a_stopped_run_goes_on_with_the_first_missing_shard(tmp_path: Path, stop_at: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "stopped", images=Counted(stop_at))
    again = Counted()
    resumed = make(tmp_path / "stopped", images=again)
    assert again.drawn == requests(NAMES, 5, 0)[stop_at // SHARD * SHARD :]
    assert contents(resumed) == contents(make(tmp_path / "fresh"))


def test_a_sealed_set_is_left_as_it_is(tmp_path: Path) -> None:
    before = contents(make(tmp_path, 5))
    again = Counted()
    assert contents(make(tmp_path, 5, images=again)) == before
    assert contents(make(tmp_path, 2, images=again)) == before
    assert not again.drawn


@pytest.mark.parametrize(("few", "many"), [(5, 9), (4, 8), (1, 2), (5, 6)])
def test_a_grown_set_equals_a_fresh_one(tmp_path: Path, few: int, many: int) -> None:
    make(tmp_path / "grown", few)
    more = Counted()
    grown = make(tmp_path / "grown", many, images=more)
    assert contents(grown) == contents(make(tmp_path / "fresh", many))
    assert not (grown.path / "damaged").exists()
    assert more.drawn == requests(NAMES, many, 0)[few * len(NAMES) // SHARD * SHARD :]


@pytest.mark.parametrize("stop_at", [0, 2, 7, 14])
def test_a_stopped_growth_may_ask_for_yet_another_size(tmp_path: Path, stop_at: int) -> None:
    make(tmp_path / "grown", 5)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "grown", 9, images=Counted(stop_at))
    grown = make(tmp_path / "grown", 11)
    assert contents(grown) == contents(make(tmp_path / "fresh", 11))


def test_asking_for_less_of_an_unfinished_set_deletes_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "less", 9, images=Counted(stop_at=24))
    less, fresh = make(tmp_path / "less", 3), make(tmp_path / "fresh", 3)
    assert less.manifest() == fresh.manifest()
    assert not less.damaged()
    assert len(list((less.path / "damaged").iterdir())) == 4


LEFTOVERS = {
    "a file without its record": "train-00001-of-00004.parquet.json",
    "a record without its file": "train-00001-of-00004.parquet",
}


@pytest.mark.parametrize("lost", LEFTOVERS.values(), ids=LEFTOVERS)
def test_half_of_a_part_is_made_anew(tmp_path: Path, lost: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "grown", 5, images=Counted(stop_at=9))
    folder = Artifact(tmp_path / "grown", "set", {"a": 1}).path
    (found,) = folder.rglob(lost)
    found.unlink()
    (folder / "data" / ".train-00002-of-00004.parquet.77.tmp").write_bytes(b"half")
    assert contents(make(tmp_path / "grown", 9)) == contents(make(tmp_path / "fresh", 9))


def test_a_renaming_that_was_cut_short_is_finished(tmp_path: Path) -> None:
    grown = make(tmp_path / "grown", 5)
    grown.reopen()
    records = grown.path / "progress" / "parts" / "data"
    old, new = "train-0000{}-of-00004.parquet", "train-0000{}-of-00007.parquet"
    for number in (0, 1):  # killed before the file was renamed, and before the old record went
        record = (records / f"{old.format(number)}.json").read_bytes()
        (records / f"{new.format(number)}.json").write_bytes(record)
    os.replace(grown.path / "data" / old.format(1), grown.path / "data" / new.format(1))
    more = Counted()
    make(tmp_path / "grown", 9, images=more)
    assert len(more.drawn) == 27 - 12
    assert contents(grown) == contents(make(tmp_path / "fresh", 9))


KILLED = """
import sys, tempfile, time
from pathlib import Path
from tests.test_shards import draw, make
def loudly(part):
    for image in draw(part):
        time.sleep(0.001)
        print("image", flush=True)
        yield image
with tempfile.TemporaryDirectory() as folder:
    make(Path(folder))  # the first use sets up more than a whole set takes
print("ready", flush=True)
make(Path(sys.argv[1]), int(sys.argv[2]), images=loudly)
"""


def killed(
    folder: Path,
    per_class: int,
    num_images: int,
    seconds: float,
    has_come: Callable[[], bool] = lambda: True,
) -> None:
    """Run `make` in a process of its own; kill it so long after so many images and a moment."""
    command = [sys.executable, "-c", KILLED, str(folder), str(per_class)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root) as process:
        assert process.stdout is not None
        for _ in range(1 + num_images):
            process.stdout.readline()
        while not has_come() and process.poll() is None:
            time.sleep(0.001)
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)


def test_a_set_that_was_killed_at_any_moment_ends_the_same(tmp_path: Path) -> None:
    artifact = make(tmp_path / "killed", 5)
    random = np.random.default_rng(0)
    for per_class, num_images in [(20, 0), (20, 17), (30, 0), (30, 22)]:
        killed(tmp_path / "killed", per_class, num_images, random.uniform(0, 0.02))
        assert not artifact.is_complete or artifact.manifest()["per_class"] == 5
    before = len(artifact.records())
    killed(tmp_path / "killed", 30, 0, 0, lambda: len(artifact.records()) > before)
    assert len(artifact.records()) > before
    assert make(tmp_path / "killed", 30).manifest() == make(tmp_path / "fresh", 30).manifest()
    assert not artifact.damaged()
    # a kill after the file and before its record leaves what the manifest does not know of
    assert contents(artifact).keys() == contents(make(tmp_path / "fresh", 30)).keys()


def test_a_truncated_shard_is_named_and_only_it_redone(tmp_path: Path) -> None:
    artifact = make(tmp_path, 5)
    before = contents(artifact)
    path = shard_path(artifact, 1)
    path.write_bytes(path.read_bytes()[:-20])
    assert repair(artifact) == ["data/train-00001-of-00004.parquet"]
    redone = Counted()
    make(tmp_path, 5, images=redone)
    assert redone.drawn == requests(NAMES, 5, 0)[SHARD : 2 * SHARD]
    after = contents(artifact)
    kept = {name for name in after if name.startswith("damaged/")}
    assert kept == {"damaged/000-train-00001-of-00004.parquet"}
    assert {name: after[name] for name in after.keys() - kept} == before


def test_a_flipped_byte_is_found(tmp_path: Path) -> None:
    artifact = make(tmp_path, 5)
    assert repair(artifact) == []
    path = shard_path(artifact, 2)
    flipped = bytearray(path.read_bytes())
    flipped[200] ^= 1
    path.write_bytes(flipped)
    assert repair(artifact) == ["data/train-00002-of-00004.parquet"]


def test_bytes_that_still_decode_are_found_by_reading(tmp_path: Path) -> None:
    artifact, other = make(tmp_path / "one"), make(tmp_path / "two", seed=1)
    shard_path(artifact, 1).write_bytes(shard_path(other, 1).read_bytes())
    with pytest.raises(ArtifactError, match="does not hold the images that its manifest tells of"):
        read_set(artifact)


def test_no_flipped_byte_raises_anything_else(tmp_path: Path) -> None:
    artifact = make(tmp_path, 1)
    mark, path = read_set(artifact).fingerprint, shard_path(artifact, 0)
    whole = path.read_bytes()
    for place in range(3, len(whole), 7):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        path.write_bytes(flipped)
        with suppress(ArtifactError):
            assert read_set(artifact).fingerprint == mark


@pytest.mark.parametrize("lost", ["gone", "damaged", "a folder"])
def test_a_set_whose_manifest_is_lost_keeps_its_images(tmp_path: Path, lost: str) -> None:
    artifact = make(tmp_path)
    before = contents(artifact)
    artifact.manifest_path.unlink()
    if lost == "damaged":
        artifact.manifest_path.write_text("{}")
    elif lost == "a folder":
        artifact.manifest_path.mkdir()
    assert repair(artifact) == ([] if lost == "gone" else ["manifest.json"])
    drawn = Counted()
    make(tmp_path, images=drawn)
    assert drawn.drawn == []
    after = contents(artifact)
    assert {name: after[name] for name in before} == before


@pytest.mark.parametrize("other", ["seed", "prompts", "pixels", "cut short"])
def test_a_shard_that_nothing_vouches_for_must_hold_the_images_asked_for(
    tmp_path: Path, other: str
) -> None:
    artifact = make(tmp_path)
    before = contents(artifact)
    foreign = {"seed": {"seed": 1}, "prompts": {"prompts": texts(5)}}.get(other, {})
    path = shard_path(artifact, 1)
    if foreign:
        path.write_bytes(shard_path(make(tmp_path / "other", **foreign), 1).read_bytes())
    elif other == "pixels":
        content = bytearray(path.read_bytes())
        content[content.index(b"IDAT") + 20] ^= 1
        path.write_bytes(content)
    else:
        os.truncate(path, path.stat().st_size // 2)
    artifact.manifest_path.unlink()
    drawn = Counted()
    again = make(tmp_path, images=drawn)
    assert len(drawn.drawn) == SHARD
    assert again.found_damaged == [f"data/{path.name}"]
    after = contents(artifact)
    assert {name: after[name] for name in before} == before
    assert after[f"damaged/000-{path.name}"] != before[f"data/{path.name}"]


@pytest.mark.parametrize("keep", [0, 100, -20])
def test_a_broken_shard_is_named_where_it_is_met(tmp_path: Path, keep: int) -> None:
    artifact = make(tmp_path, 5)
    path = shard_path(artifact, 1)
    path.write_bytes(path.read_bytes()[:keep])
    for meet in (lambda: read_set(artifact), lambda: make(tmp_path, 9)):
        with pytest.raises(
            ArtifactError, match=r"train-00001-of-00004\.parquet is damaged"
        ) as info:
            meet()
        assert "\n" not in str(info.value)


@pytest.mark.parametrize(("name", "there"), [(b"IDAT", 0), (b"IHDR", 17)])
def test_broken_pixels_are_named_where_they_are_met(
    tmp_path: Path, name: bytes, there: int
) -> None:
    artifact = make(tmp_path, 5)
    path = shard_path(artifact, 1)
    broken = bytearray(path.read_bytes())
    broken[broken.index(name) + there] ^= 255
    path.write_bytes(broken)
    with pytest.raises(ArtifactError, match=r"train-00001-of-00004\.parquet is damaged"):
        read_set(artifact)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"seed": 1}, "was made with another seed"),
        ({"prompts": texts(2)}, "was made with another prompt"),
        ({"shard_size": 5}, "shard_size is 5, but .* has 4 images"),
        ({"shard_size": 3}, "shard_size is 3, but .* has 4 images"),
    ],
)
def test_a_set_does_not_mix_with_another(tmp_path: Path, changed: Any, said: str) -> None:
    before = contents(make(tmp_path, 4))
    with pytest.raises(ArtifactError, match=said):
        make(tmp_path, 9, **changed)
    assert contents(make(tmp_path, 4)) == before


# --- prompts


def test_prompts_are_replayed_and_never_rewritten(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "prompts", {})
    written = [*texts(2), Prompt(0, 2, 'two\u2028lines,\n"ü" 🐈', "test", {"words": ["a", 1]})]
    save_prompts(artifact, written)
    save_prompts(artifact, texts(1))
    assert load_prompts(artifact) == written
    assert artifact.is_complete


def test_broken_prompts_are_named(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "prompts", {})
    with pytest.raises(ArtifactError, match="not there"):
        load_prompts(artifact)
    save_prompts(artifact, texts(1))
    path = artifact.path / "prompts.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ArtifactError, match=r"prompts\.jsonl line 3 is damaged"):
        load_prompts(artifact)
    assert json.loads(artifact.manifest_path.read_text())["num_prompts"] == 3


def test_a_prompt_that_was_changed_is_found_by_reading(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    artifact = make(tmp_path, 5, prompts=texts(5))
    path = shard_path(artifact, 1)
    table = pq.read_table(path)
    column = pa.array([f"{text}!" for text in table["prompt"].to_pylist()])
    pq.write_table(table.set_column(table.schema.get_field_index("prompt"), "prompt", column), path)
    with pytest.raises(ArtifactError, match="train-00001-of-00004.parquet has other bytes"):
        read_set(artifact)


@pytest.mark.parametrize("text", ["[]", "{}", '{"parts": 3}', "{", ""])
def test_a_manifest_that_is_none_is_found_by_reading(text: str, tmp_path: Path) -> None:
    artifact = make(tmp_path, 5)
    artifact.manifest_path.write_text(text)
    with pytest.raises(ArtifactError, match="manifest"):
        read_set(artifact.path)
