"""Images that are in two sets at once are told, left out on request, and held against a verdict."""

import json
import shutil
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from synthmix.errors import DamagedCache, SettingError
from synthmix.report.terminal import lines
from synthmix.results.typed import load_file
from synthmix.store import cache_folder
from synthmix.study import run
from synthmix.study.config.file import resolve
from synthmix.study.inputs import leakage
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.near_duplicates import told_apart
from synthmix.study.planning.plan import describe
from synthmix.study.running.progress import Terminal
from synthmix.study.running.runner import check

SIZE, NAMES, PER_CLASS = 32, ("cat", "dog"), 24


def pictures(count: int, seed: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return smooth random pictures, whose perceptual hashes are far apart."""
    coarse = np.random.default_rng(seed).integers(0, 256, (count, 6, 6, 3), dtype=np.uint8)
    size = (SIZE, SIZE)
    return np.stack([np.asarray(Image.fromarray(e).resize(size, 2)) for e in coarse])


@pytest.fixture
def asked(tmp_path: Path) -> dict[str, Any]:
    """Return a study whose ready-made set holds four test and two validation images."""
    real, test = pictures(40, 0), pictures(20, 1)
    made = pictures(2 * PER_CLASS, 2)
    labels = np.arange(40) % 2
    file = tmp_path / "real.npz"
    splits = {"x_train": real, "y_train": labels, "x_test": test, "y_test": labels[:20]}
    np.savez(file, class_names=np.array(NAMES), **splits)
    study: dict[str, Any] = {
        "name": "planted",
        "real": {"use": "array", "path": str(file)},
        "mixing": {"use": "replace", "total": 20, "ratios": [1]},
        "controls": False,
        "training": {"steps": 2, "batch_size": 8},
        "seeds": 2,
        "evaluation": {"corruptions": False},
        "engine": {"use": "local", "processes": 1},
        "output": str(tmp_path / "out"),
    }
    held_back = Workspace(resolve(study)).validation_rows
    made[[0, 1, 2]] = test[[5, 6, 7]]
    # the same picture, a little brighter
    made[3] = np.clip(test[8].astype(int) + 3, 0, 255)
    made[[10, 11]] = real[held_back[:2]]
    # training images may be shown: they are the arms' own
    made[20] = real[np.setdiff1d(np.arange(40), held_back)[0]]
    path = tmp_path / "made.npz"
    np.savez(path, x=made, y=np.arange(len(made)) % 2, class_names=np.array(NAMES))
    return {**study, "synthetic": {"made": {"images": {"use": "array", "path": str(path)}}}}


PLANTED = [0, 1, 2, 3, 10, 11]


def drawn(study: dict[str, Any], run: int) -> set[int]:
    workspace = Workspace(resolve(study))
    arm = {each.name: each for each in workspace.arms()}["made@1"]
    return set(workspace.mixture(arm, run).synthetic["made"].tolist())


def test_planted_images_are_found_and_never_drawn(asked: dict[str, Any]) -> None:
    study = {**asked, "exclude_duplicates": True}
    assert Workspace(resolve(study)).left_out("made", 0).tolist() == PLANTED
    rows = [drawn(study, run) for run in range(2)]
    assert not set(PLANTED) & (rows[0] | rows[1])
    assert len(rows[0]) == len(rows[1]) == 20, "counts stay exact"
    assert not rows[0] & rows[1], "and seeds apart, 40 of 42 images"
    assert set(PLANTED) & (drawn(asked, 0) | drawn(asked, 1)), "they are drawn unless asked"


def test_an_arm_that_falls_short_names_the_largest_total(asked: dict[str, Any]) -> None:
    largest = {**asked["mixing"], "total": 36}
    check(Workspace(resolve({**asked, "mixing": {**largest, "ratios": [1]}})))
    made = {**asked["synthetic"]["made"], "per_class": 18}
    study = {**asked, "synthetic": {"made": made}, "exclude_duplicates": True}
    short = {**study, "mixing": largest}
    with pytest.raises(SettingError) as caught:
        check(Workspace(resolve(short)))
    text = str(caught.value)
    count = int(text.partition("total is ")[2].partition(";")[0])
    assert "(filters leave 2 out)" in text
    check(Workspace(resolve({**short, "mixing": {**largest, "total": count}})))
    with pytest.raises(SettingError):
        check(Workspace(resolve({**short, "mixing": {**largest, "total": count + 1}})))


def test_a_set_without_duplicates_is_drawn_as_ever(asked: dict[str, Any], tmp_path: Path) -> None:
    images = {"use": "array", "path": str(tmp_path / "clean.npz")}
    clean = pictures(2 * PER_CLASS, 3)
    np.savez(images["path"], x=clean, y=np.arange(len(clean)) % 2, class_names=np.array(NAMES))
    study = {**asked, "synthetic": {"made": {"images": images}}}
    assert drawn(study, 1) == drawn({**study, "exclude_duplicates": True}, 1)
    one, other = (
        Workspace(resolve(each)) for each in (study, {**study, "exclude_duplicates": True})
    )
    for arm in one.arms():
        assert one.run_artifact(arm, 0).path == other.run_artifact(arm, 0).path


def test_results_say_what_was_found_left_out_and_not_checked(asked: dict[str, Any]) -> None:
    run(resolve({**asked, "exclude_duplicates": True}))
    found = json.loads((Path(asked["output"]) / "results.json").read_text())
    told = found["duplicates"]
    assert told["are_left_out"]
    assert told["sets"]["made"]["left_out"] == [6]
    assert told["sets"]["made"]["counts"]["test"] == {
        "exact": 3,
        "near": 1,
        "shifted": 0,
        "mirrored": 0,
    }
    assert told["sets"]["made"]["counts"]["validation"]["exact"] == 2
    assert told["sets"]["made"]["counts"]["train"]["exact"] == 1
    assert "crops" in told["not_checked"]
    assert found["verdict"]["without_duplicates"]["num_left_out"] == 4
    page = (Path(asked["output"]) / "report.html").read_text()
    assert "were left out of every mix, on request" in page


def test_a_set_that_is_fitted_here_can_be_searched_too(asked: dict[str, Any]) -> None:
    flow = {"use": "flow", "fit_steps": 2, "fit_batch_size": 8, "widths": [16], "blocks": [1]}
    generator = {**flow, "rank": 2, "steps": 1, "batch_size": 8}
    study = {
        **asked,
        "synthetic": {"flow": {"generator": generator, "per_class": 12}},
        "exclude_duplicates": True,
    }
    run(resolve(study))
    found = json.loads((Path(asked["output"]) / "results.json").read_text())
    assert found["duplicates"]["are_left_out"]
    assert found["duplicates"]["sets"]["flow"]["left_out"] == [0, 0]


def of_npz(tmp_path: Path, **changes: Any) -> dict[str, Any]:
    """Return a study of 120 pictures to train on and 40 to test on; `changes` replaces some."""
    arrays = {"x_train": pictures(120, 0), "x_test": pictures(40, 1), **changes}
    labels = {name.replace("x_", "y_"): np.arange(len(each)) % 2 for name, each in arrays.items()}
    file = tmp_path / "real.npz"
    np.savez(file, class_names=np.array(NAMES), **arrays, **labels)
    return {
        "name": "leaky",
        "real": {"use": "array", "path": str(file)},
        "mixing": {"use": "replace", "ratios": [0.5]},
        "controls": False,
        "training": {"steps": 2, "batch_size": 8},
        "seeds": 2,
        "evaluation": {"corruptions": False, "mirror": 0},
        "engine": {"use": "local", "processes": 1},
        "output": str(tmp_path / "out"),
    }


def ready_made(tmp_path: Path, images: np.ndarray[Any, Any]) -> dict[str, Any]:
    file = tmp_path / "made.npz"
    np.savez(file, x=images, y=np.arange(len(images)) % 2, class_names=np.array(NAMES))
    return {"made": {"images": {"use": "array", "path": str(file)}}}


def results_of(study: dict[str, Any]) -> tuple[dict[str, Any], list[str], str]:
    """Return the results of a finished study, its lines for a terminal and its page."""
    run(resolve(study))
    folder = Path(study["output"])
    told = lines(load_file(folder / "results.json"))
    found = json.loads((folder / "results.json").read_text())
    return found, told, (folder / "report.html").read_text()


def one_bit(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    changed = images.copy()
    changed[:, 3, 3, 0] ^= 1
    return changed


CHANGES: dict[str, tuple[Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]], str]] = {
    "one bit": (one_bit, "near"),
    "shifted": (lambda images: np.roll(images, 1, 2), "shifted"),
    "mirrored": (lambda images: images[:, :, ::-1], "mirrored"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_test_images_that_are_changed_training_images_are_told_and_invalid(
    tmp_path: Path, change: str
) -> None:
    alter, kind = CHANGES[change]
    study = of_npz(tmp_path, x_test=alter(pictures(120, 0)[:40]))
    study["synthetic"] = ready_made(tmp_path, pictures(120, 2))
    words = f"real: 40 of 40 test images (100 %) are training images too (40 {kind}): real.npz, row"
    assert [text for text in describe(resolve(study), measure=False)["warnings"] if words in text]
    found, told, page = results_of(study)
    assert found["verdict"]["label"] == "invalid"
    assert told[0] == (
        "Invalid: 40 of 40 test images are training images. No arm can be judged (made@0.5)."
    )
    assert found["duplicates"]["real_in_test"][kind] == 40
    assert [line for line in told if words in line]
    assert words in page.partition("</header>")[0]


def test_a_synthetic_set_that_is_the_test_set_is_invalid(tmp_path: Path) -> None:
    study = {**of_npz(tmp_path), "synthetic": ready_made(tmp_path, pictures(40, 1))}
    study["mixing"] = {"use": "add", "per_real": [0.2]}
    study["hypotheses"] = ["mix 0.2 equals real-only within 99 points"]
    words = "synthetic.made: 40 of 40 images (100 %) are test images too (40 exact): made.npz, row"
    assert [text for text in describe(resolve(study), measure=False)["warnings"] if words in text]
    found, told, page = results_of(study)
    assert found["verdict"]["label"] == "invalid"
    assert told[0] == (
        "Invalid: 22 of 22 synthetic images in the mix show 22 of the 40 test images. "
        "No arm can be judged (made@0.2)."
    )
    assert [line for line in told if words in line]
    assert words in page.partition("</header>")[0]
    assert found["duplicates"]["test_rows"] == list(range(40))
    assert {arm["label"] for arm in found["verdict"]["arms"]} == {"invalid"}
    (declared,) = found["verdict"]["hypotheses"]
    assert declared["outcome"] == "open", "its numbers would support it"
    assert "made@0.2 is invalid" in declared["sentence"]
    assert declared["p_adjusted"] < 0.05


def test_an_arm_that_draws_no_copies_is_judged_beside_one_that_does(tmp_path: Path) -> None:
    study = {**of_npz(tmp_path), "synthetic": ready_made(tmp_path, pictures(120, 2))}
    file = tmp_path / "copied.npz"
    copied = np.roll(pictures(40, 1), -1, 1)
    images = np.concatenate([copied, copied[:, :, ::-1], pictures(40, 3)])
    np.savez(file, x=images, y=np.arange(120) % 2, class_names=np.array(NAMES))
    study["synthetic"]["copied"] = {"images": {"use": "array", "path": str(file)}}
    found, _, _ = results_of(study)
    labels = {arm["arm"].partition("@")[0]: arm["label"] for arm in found["verdict"]["arms"]}
    assert labels["copied"] == "invalid"
    assert labels["made"] != "invalid"
    assert found["duplicates"]["sets"]["copied"]["counts"]["test"]["shifted"] == 40
    assert found["duplicates"]["sets"]["copied"]["counts"]["test"]["mirrored"] == 40


def test_copies_of_training_images_are_told_and_judged(tmp_path: Path) -> None:
    study = {**of_npz(tmp_path), "synthetic": ready_made(tmp_path, np.roll(pictures(120, 0), 1, 1))}
    found, told, _ = results_of(study)
    assert found["verdict"]["label"] != "invalid" or "validation" in found["verdict"]["text"]
    assert [line for line in told if "are train images too (108 shifted)" in line]


def test_without_test_images_that_were_trained_on_the_verdict_stands(tmp_path: Path) -> None:
    test = pictures(40, 1)
    test[:10] = np.roll(pictures(120, 0)[:10], 1, 1)
    study = {**of_npz(tmp_path, x_test=test), "exclude_duplicates": True}
    study["synthetic"] = ready_made(tmp_path, pictures(120, 2))
    planned = describe(resolve(study), measure=False)
    (note,) = planned["notes"]
    assert "10 of 40" in note
    assert "They are left out of the verdict." in note
    assert not [text for text in planned["warnings"] if "left out" in text]
    found, _, _ = results_of(study)
    assert found["verdict"]["label"] != "invalid"
    assert found["duplicates"]["test_rows_seen"] == list(range(10))
    run_of_arm = found["verdict"]["arms"][0]["mcnemar"][0]
    assert run_of_arm["only_arm"] + run_of_arm["only_real"] <= 30


def test_a_named_test_set_of_training_images_has_invalid_numbers(tmp_path: Path) -> None:
    study = {**of_npz(tmp_path), "synthetic": ready_made(tmp_path, pictures(120, 2))}
    file = tmp_path / "other.npz"
    images = np.concatenate([pictures(120, 0)[:39, :, ::-1], pictures(1, 5)])
    np.savez(file, x=images, y=np.arange(40) % 2, class_names=np.array(NAMES))
    other = {"use": "array", "path": str(file)}
    study["evaluation"] = {"test_sets": {"other": other}, "mirror": 0}
    words = "evaluation.test_sets.other: 39 of 40 images (97.5 %) are training images too"
    assert [text for text in describe(resolve(study), measure=False)["warnings"] if words in text]
    found, told, page = results_of(study)
    assert found["verdict"]["label"] != "invalid"
    told_of = found["robustness"]["test_sets"]["other"]["invalid"]
    assert told_of == "39 of its 40 images are training images"
    assert [line for line in told if words in line]
    assert words in page.partition("</header>")[0]
    assert "invalid, since 39 of its 40 images" in page


@pytest.mark.parametrize("change", [None, *CHANGES])
def test_a_named_test_set_that_is_another_one_is_told(tmp_path: Path, change: str | None) -> None:
    alter = CHANGES[change][0] if change else lambda images: images
    study = {**of_npz(tmp_path), "synthetic": ready_made(tmp_path, pictures(120, 2))}
    images = {
        "mine": alter(pictures(40, 1)),
        "a": pictures(30, 7),
        "b": pictures(30, 7)[:, :, ::-1],
    }
    images["large"] = np.concatenate([pictures(30, 7)[:10], pictures(90, 8)])
    study["evaluation"] = {"test_sets": named(tmp_path, images), "mirror": 0}
    words = [
        "evaluation.test_sets.mine: 40 of 40 images (100 %) are test images too (40 ",
        "evaluation.test_sets.b: 30 of 30 images (100 %) are images of 'a' too (30 mirrored)",
        "evaluation.test_sets.large: 10 of 100 images (10 %) are images of 'a' too (10 exact)",
        "evaluation.test_sets.large: 10 of 100 images (10 %) are images of 'b' too (10 mirrored)",
    ]
    warned = describe(resolve(study), measure=False)["warnings"]
    assert [word for word in words if not any(word in text for text in warned)] == []
    assert sum("its numbers are no evidence beside those of" in text for text in warned) == 4
    found, told, page = results_of(study)
    assert found["verdict"]["label"] != "invalid"
    assert [word for word in words if not any(word in line for line in told)] == []
    head = unescape(page.partition("</header>")[0])
    assert [word for word in words if word not in head] == []
    sets = found["robustness"]["test_sets"]
    assert sets["mine"]["repeated"] == "40 of its 40 images are test images"
    assert sets["a"]["repeated"] == "30 of its 30 images are images of 'b'"
    assert "no evidence of its own, since 40 of its 40 images are test images" in page
    stored = found["duplicates"]["test_sets"]
    assert stored["mine"]["in_test"]["num_images"] == 40
    assert stored["b"]["in_others"]["a"]["mirrored"] == 30


def test_a_synthetic_set_that_is_another_one_is_told(tmp_path: Path) -> None:
    study = {**of_npz(tmp_path), "synthetic": ready_made(tmp_path, pictures(120, 2))}
    study["synthetic"]["again"] = named(tmp_path, {"again": pictures(120, 2)})["again"]
    study["synthetic"] = {
        "again": {"images": study["synthetic"]["again"]},
        "made": study["synthetic"]["made"],
    }
    words = "synthetic.made: 120 of 120 images (100 %) are images of 'again' too (120 exact)"
    assert [text for text in describe(resolve(study), measure=False)["warnings"] if words in text]
    found, told, page = results_of(study)
    assert [line for line in told if words in line]
    assert words in unescape(page.partition("</header>")[0])
    assert found["verdict"]["label"] != "invalid"


def named(tmp_path: Path, sets: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
    """Return sources of these images, each a file of its own."""
    found = {}
    for name, images in sets.items():
        file = tmp_path / f"{name}-set.npz"
        np.savez(file, x=images, y=np.arange(len(images)) % 2, class_names=np.array(NAMES))
        found[name] = {"use": "array", "path": str(file)}
    return found


def test_what_is_left_out_is_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    study = {**of_npz(tmp_path), "exclude_duplicates": True}
    made = np.concatenate([pictures(40, 1)[:10], pictures(110, 2)])
    study["synthetic"] = ready_made(tmp_path, made)
    planned = describe(resolve(study), measure=False)
    words = "10 of 120 images (8.33 %) are test images too"
    assert [text for text in planned["notes"] if words in text]
    assert not [text for text in planned["warnings"] if words in text]
    run(resolve(study), Terminal(Console(stderr=True, width=1000)))
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("note: synthetic.made: " + words)]
    assert not [line for line in said if line.startswith("warning: ") and "left out" in line]


def test_validation_images_that_are_training_images_are_told(tmp_path: Path) -> None:
    train = pictures(120, 0)
    train[60:] = train[:60, :, ::-1]
    warned = describe(resolve(of_npz(tmp_path, x_train=train)), measure=False)["warnings"]
    assert [text for text in warned if "validation images" in text and "mirrored" in text]


def test_a_study_without_shared_images_says_nothing(tmp_path: Path) -> None:
    study = {**of_npz(tmp_path), "synthetic": ready_made(tmp_path, pictures(120, 2))}
    assert not [
        text for text in describe(resolve(study), measure=False)["warnings"] if "too" in text
    ]
    found, _, page = results_of(study)
    assert found["duplicates"]["told"] == []
    assert "None was found." in page


def test_images_are_named_as_a_user_finds_them(tmp_path: Path) -> None:
    for name, images in (("train", pictures(40, 0)), ("test", pictures(8, 1))):
        for row, image in enumerate(images):
            folder = tmp_path / "data" / name / NAMES[row % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{row:03d}.png")
    shown = pictures(40, 0)[3]
    Image.fromarray(np.roll(shown, 2, 0)).save(tmp_path / "data" / "test" / "cat" / "100.png")
    study = {**of_npz(tmp_path), "real": {"use": "folder", "path": str(tmp_path / "data")}}
    (text,) = (t for t in describe(resolve(study), measure=False)["warnings"] if "too" in t)
    assert "1 of 9 test images" in text
    assert "test/cat/100.png is train/dog/003.png" in text


def test_files_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for place, seed in (("data", 0), ("made", 2)):
        for row, image in enumerate(pictures(40, seed)):
            folder = tmp_path / place / "train" / NAMES[row % 2]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{row:03d}.png")
    for row, image in enumerate(pictures(8, 1)):
        folder = tmp_path / "data" / "test" / NAMES[row % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(folder / f"{row:03d}.png")
    shutil.copy(tmp_path / "data/train/cat/000.png", tmp_path / "made/train/cat/000.png")
    study = {**of_npz(tmp_path), "real": {"use": "folder", "path": str(tmp_path / "data")}}
    made = {"use": "folder", "path": str(tmp_path / "made" / "train" / "..")}
    study["synthetic"] = {"made": {"images": made}}
    study["evaluation"] = {"test_sets": {"same": study["real"]}, "mirror": 0}
    warned = describe(resolve(study), measure=False)["warnings"]
    assert [t for t in warned if "made/train/cat/000.png is data/train/cat/000.png" in t]
    assert [t for t in warned if "test/cat/000.png is in both; test/cat/002.png is in both" in t]


@pytest.mark.parametrize(
    ("names", "places", "told"),
    [
        (("a/1.png", "a/1.png"), ("/x/y", "/x/y"), ("a/1.png", "a/1.png")),
        (("a/1.png", "a/1.png"), ("/x/y", "/z/y"), ("x/y/a/1.png", "z/y/a/1.png")),
        (("a/1.png", "a/2.png"), ("/x", "/z"), ("x/a/1.png", "z/a/2.png")),
        (("a/1.png", "b/1.png"), ("/x", "/z"), ("a/1.png", "b/1.png")),
        (("a.npz, row 1", "a.npz, row 1"), ("/x", "/x/y"), ("x/a.npz, row 1", "y/a.npz, row 1")),
        (("a/1.png", "a/1.png"), ("/", "/x"), ("//a/1.png", "x/a/1.png")),
        (("a/1.png", "a/1.png"), ("", "/x"), ("/a/1.png", "x/a/1.png")),
    ],
)
def test_names_begin_with_what_differs_of_their_places(
    names: tuple[str, str], places: tuple[str, str], told: tuple[str, str]
) -> None:
    assert told_apart(*names, *places) == told


def test_a_damaged_record_of_copies_is_made_anew(tmp_path: Path) -> None:
    workspace = Workspace(resolve(of_npz(tmp_path, x_test=np.roll(pictures(120, 0)[:40], 1, 1))))
    counts = leakage.of_test(workspace).copies.counts()
    for file in (cache_folder() / "duplicates").rglob("copies.npz"):
        file.write_bytes(file.read_bytes()[:-7] + b"damaged")
    with pytest.warns(DamagedCache, match="made anew"):
        again = leakage.of_test(Workspace(workspace.study))
    assert again.copies.counts() == counts
    for file in (cache_folder() / "duplicates").rglob("manifest.json"):
        file.write_text("{")
    with pytest.warns(DamagedCache, match="made anew"):
        assert leakage.of_test(Workspace(workspace.study)).copies.counts() == counts
