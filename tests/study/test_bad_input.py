"""What is wrong with images, classes, counts, models or places is told before any work."""

import copy
import errno
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from synthmix.errors import DataError, SettingError, SynthmixError
from synthmix.study import run
from synthmix.study.config.file import read, resolve
from synthmix.study.inputs.extra_images import named_test_set
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import describe
from synthmix.study.planning.preflight import check_model, earlier_study, warnings
from synthmix.study.planning.throughput import known_seconds, remember
from synthmix.study.running.progress import Watch
from synthmix.study.running.recording import _redeclared
from synthmix.study.running.runner import check, save_study
from tests.study.test_reliability import STUDY

NAMES = ("cat", "dog")


def write_images(
    root: Path,
    names: tuple[str, ...] = NAMES,
    count: int = 10,
    size: int = 8,
    mode: str = "RGB",
    seed: int = 0,
) -> Path:
    random = np.random.default_rng(seed)
    for name in names:
        (root / name).mkdir(parents=True)
        for number in range(count):
            pixels = random.integers(0, 256, (size, size, 4), dtype=np.uint8)
            image = Image.fromarray(pixels, "RGBA").convert(mode)
            image.save(root / name / f"{number}.png")
    return root


def write_real(root: Path, **settings: Any) -> Path:
    write_images(root / "train", **settings)
    write_images(root / "test", seed=1, **settings)
    return root


def asked(tmp_path: Path, real: object, **changes: object) -> dict[str, Any]:
    small = {"use": "replace", "ratios": [0.5, 1], "total": 8}
    output = str(tmp_path / "out")
    study = {**copy.deepcopy(STUDY), "seeds": 1, "mixing": small, "output": output, **changes}
    return {**study, "real": {"use": "folder", "path": str(real)}}


def complaint(study: dict[str, Any], error: type[SynthmixError] = DataError) -> str:
    """Return the message with which the study is refused, before it left anything."""
    with pytest.raises(error) as caught:
        check(Workspace(resolve(study)))
    assert "\n" not in str(caught.value)
    assert not Path(study["output"]).exists()
    return str(caught.value)


def ready_made(path: Path, **settings: object) -> dict[str, Any]:
    return {"synthetic": {"made": {"images": {"use": "folder", "path": str(path)}, **settings}}}


def test_more_synthetic_images_than_exist(tmp_path: Path) -> None:
    made = ready_made(write_images(tmp_path / "made", count=3))
    text = complaint(asked(tmp_path, write_real(tmp_path / "real"), **made), SettingError)
    assert "'made@1' asks for 8 images of 'made', which has 6" in text
    assert "the largest possible mixing.total is 6" in text


def test_the_named_largest_total_is_possible(tmp_path: Path) -> None:
    made = ready_made(write_images(tmp_path / "made", count=3))
    study = asked(tmp_path, write_real(tmp_path / "real"), **made)
    check(Workspace(resolve({**study, "mixing": {**study["mixing"], "total": 6}})))


def test_the_largest_number_of_a_batch_ratio_does_not_depend_on_the_pool(tmp_path: Path) -> None:
    mixing = {"use": "batch-ratio", "ratios": [0.5], "num_synthetic": 500}
    study = asked(tmp_path, write_real(tmp_path / "real"), mixing=mixing)
    assert "the largest possible mixing.num_synthetic is 16" in complaint(study, SettingError)


@pytest.mark.parametrize(("ratio", "count"), [(0.05, 0), (0.97, 8)])
def test_a_share_of_a_batch_that_is_none_or_all_of_it(
    tmp_path: Path, ratio: float, count: int
) -> None:
    mixing = {"use": "batch-ratio", "ratios": [0, ratio]}
    study = asked(tmp_path, write_real(tmp_path / "real"), mixing=mixing)
    study["training"] = {**study.get("training", {}), "batch_size": 8}
    text = complaint(study, SettingError)
    assert f"mixing.ratios: {ratio} of a batch of 8 images is {count} of them" in text
    assert "must be from 0.125 to 0.875" in text


def test_more_real_images_than_exist(tmp_path: Path) -> None:
    study = asked(tmp_path, write_real(tmp_path / "real"), mixing={"use": "replace", "total": 99})
    assert "the largest possible total is 18" in complaint(study, SettingError)


def test_class_names_that_do_not_match_name_both_sides(tmp_path: Path) -> None:
    made = ready_made(write_images(tmp_path / "made", names=("cat", "horse")))
    text = complaint(asked(tmp_path, write_real(tmp_path / "real"), **made))
    assert "synthetic.made" in text
    assert "Only here: 'horse'; only in the study: 'dog'" in text


def test_a_class_map_to_no_class_of_the_study(tmp_path: Path) -> None:
    study = asked(tmp_path, write_real(tmp_path / "real"), class_map={"horse": "dgo"})
    text = complaint(study, SettingError)
    assert "class_map: 'horse' becomes 'dgo'" in text
    assert "Did you mean 'dog'?" in text


def test_a_corrupt_image_is_named(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    victim = real / "train" / "dog" / "3.png"
    victim.write_bytes(victim.read_bytes()[:40])
    text = complaint(asked(tmp_path, real))
    assert f"{victim} cannot be read as an image" in text


def test_two_classes_of_one_name_are_told(tmp_path: Path) -> None:
    pixels, labels = np.random.default_rng(0).integers(0, 256, (8, 8, 8), "uint8"), [0, 1] * 4
    np.savez(tmp_path / "a.npz", x_train=pixels, y_train=labels, x_test=pixels, y_test=labels)
    real = {"use": "array", "path": str(tmp_path / "a.npz"), "class_names": ["cat", "cat"]}
    assert "two classes are called 'cat'" in complaint({**asked(tmp_path, ""), "real": real})


def test_a_class_folder_that_is_no_text_is_told(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    for split in ("train", "test"):
        folder = os.fsencode(real / split)
        try:
            os.rename(folder + b"/dog", folder + b"/do\xffg")
        except OSError:
            pytest.skip("this file system knows only names that are text")
    text = complaint(asked(tmp_path, real))
    assert r"the class name 'do\udcffg' is not valid UTF-8" in text


def test_an_empty_class_is_named(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    for split in ("train", "test"):
        (real / split / "bird").mkdir()
    assert "Class 'bird' is empty" in complaint(asked(tmp_path, real))


def test_a_class_without_test_images_is_named(tmp_path: Path) -> None:
    real = write_images(tmp_path / "real" / "train").parent
    write_images(real / "test", names=NAMES[:1])
    (real / "test" / "dog").mkdir()
    assert "dog" in complaint(asked(tmp_path, real))


def test_one_class_is_no_classification(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real", names=("cat",))
    assert "two classes or more; there is only cat" in complaint(asked(tmp_path, real))


def test_images_of_several_sizes_need_an_image_size(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    Image.new("RGB", (9, 9)).save(real / "train" / "cat" / "0.png")
    study = asked(tmp_path, real)
    text = complaint(study)
    assert "differ in size" in text
    assert "set image_size" in text
    check(Workspace(resolve({**study, "image_size": 8})))


@pytest.mark.parametrize("mode", ["L", "RGBA", "P", "1"])
def test_grey_transparent_and_palette_images_work(tmp_path: Path, mode: str) -> None:
    real = write_real(tmp_path / "real", mode=mode)
    workspace = Workspace(resolve(asked(tmp_path, real)))
    check(workspace)
    assert workspace.train.pixels.shape == (20, 8, 8, 3)


@pytest.mark.parametrize("path", ["nowhere", ""])
def test_a_missing_folder_is_named(tmp_path: Path, path: str) -> None:
    assert f"real: path is '{path}', which " in complaint(asked(tmp_path, path))


@pytest.mark.parametrize("kept", [[*range(10)], [*range(9, -1, -1)], [3, 4]])
def test_test_images_that_are_training_images_are_told(tmp_path: Path, kept: list[int]) -> None:
    train, test = (tmp_path / "real" / split for split in ("train", "test"))
    write_images(train)
    for name in NAMES:
        (test / name).mkdir(parents=True)
        for number, old in enumerate(kept):
            (test / name / f"{number}.png").write_bytes((train / name / f"{old}.png").read_bytes())
    words = f"real: its {2 * len(kept)} test images are training images"
    with pytest.raises(DataError, match=words):
        describe(resolve(asked(tmp_path, tmp_path / "real")), measure=False)


def test_some_test_images_that_are_training_images_are_warned_of(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    (real / "test" / "cat" / "0.png").write_bytes((real / "train" / "dog" / "5.png").read_bytes())
    found = describe(resolve(asked(tmp_path, real)), measure=False)["warnings"]
    assert [each for each in found if "1 of 20 test images (5 %) are training images too" in each]


def test_a_named_test_set_that_is_the_training_set_is_told(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    sets = {"seen": {"use": "folder", "path": str(real / "train")}}
    study = asked(tmp_path, real, evaluation={"test_sets": sets})
    with pytest.raises(DataError, match=r"evaluation\.test_sets\.seen: its 20 images are training"):
        describe(resolve(study), measure=False)


@pytest.mark.parametrize("where", ["training", "synthetic.flow.generator"])
def test_a_device_that_is_not_there_is_told_with_its_key(tmp_path: Path, where: str) -> None:
    study = asked(tmp_path, write_real(tmp_path / "real"))
    group = study
    for key in where.split("."):
        group = group[key]
    group["device"] = "mps"
    with pytest.raises(SettingError, match=rf"^{where}\.device is 'mps'; this machine has: "):
        describe(resolve(study), measure=False)


def test_an_empty_test_split_is_told(tmp_path: Path) -> None:
    study = {**asked(tmp_path, ""), "real": {"use": "digits", "test_fraction": 0.0001}}
    assert "real: the split has no image" in complaint(study)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("compct", "Did you mean 'compact'?"),
        ("resnet99", "training.model is 'resnet99', which is not known"),
        ("timm/resnet18x", "timm does not have. Did you mean resnet18"),
        ("timm/", "timm does not have. timm.list_models() names them."),
    ],
)
def test_an_unknown_model_is_named(tmp_path: Path, model: str, words: str) -> None:
    study = asked(tmp_path, write_real(tmp_path / "real"), training={"model": model})
    assert words in complaint(study, SettingError)


def test_a_window_that_cannot_be_is_told(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    training = {"model": "compact", "early_window": 99}
    words = "training.early_window is 99, but images have"
    assert words in complaint(asked(tmp_path, real, training=training), SettingError)
    fixed = {"model": "timm/vit_tiny_patch16_224", "early_window": 16}
    study = {**asked(tmp_path, real, training=fixed), "image_size": 32}
    assert "Change early_window or the model" in complaint(study, SettingError)


def test_an_unknown_data_set_is_named(tmp_path: Path) -> None:
    study = asked(tmp_path, "")
    hub = {"use": "huggingface", "path": "no/such"}
    assert "real: path is 'no/such'" in complaint({**study, "real": hub})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "does not exist"),
        ('{"cat": ["a cat"]}', "class 'dog' has no prompt"),
        ('{"cat": ["a cat"], "dgo": ["a dog"]}', "Did you mean 'dog'?"),
    ],
)
def test_a_bad_file_of_prompts_stops_the_study_at_its_start(
    tmp_path: Path, text: str | None, words: str
) -> None:
    path = tmp_path / "prompts.json"
    if text is not None:
        path.write_text(text)
    flow = {**STUDY["synthetic"]["flow"], "prompts": {"use": "file", "path": str(path)}}  # type: ignore[index]
    study = asked(tmp_path, write_real(tmp_path / "real"), synthetic={"flow": flow})
    message = complaint(study, (SettingError, DataError))  # type: ignore[arg-type]
    assert "synthetic.flow.prompts: " in message
    assert words in message


def test_a_study_file_in_the_output_is_not_written_over(tmp_path: Path) -> None:
    mine = tmp_path / "study.yaml"
    mine.write_text("# mine\nname: mine\n")
    study = resolve({**asked(tmp_path, ""), "real": {"use": "digits"}, "output": str(tmp_path)})
    with pytest.raises(SettingError, match=r"study\.yaml was not written by synthmix"):
        save_study(study)
    assert mine.read_text().startswith("# mine")


def test_what_was_asked_is_kept_and_an_edited_study_keeps_both(tmp_path: Path) -> None:
    first = {**asked(tmp_path, ""), "real": {"use": "digits"}, "output": str(tmp_path)}
    for study in (first, first, {**first, "seed": 7}):
        save_study(resolve(study))
    kept = sorted(path.name for path in tmp_path.glob("*.yaml"))
    assert kept == ["study-1.yaml", "study.yaml"]
    assert read(tmp_path / "study.yaml")["seed"] == 7


class Told(Watch):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def renamed(self, text: str) -> None:
        self.lines.append(text)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": "second"}, "holds another study, 'small'"),
        ({"seed": 7}, "holds an earlier version of this study"),
    ],
)
def test_a_study_whose_output_holds_another_says_so(
    tmp_path: Path, change: dict[str, Any], words: str
) -> None:
    first = {**asked(tmp_path, ""), "real": {"use": "digits"}, "output": str(tmp_path)}
    told = Told()
    save_study(resolve(first), told)
    save_study(resolve(first), told)
    assert told.lines == []
    assert earlier_study(resolve(first)) is None
    second = resolve({**first, **change})
    assert words in str(earlier_study(second))
    (tmp_path / "results.json").write_text("{}")
    save_study(second, told)
    assert [words in line for line in told.lines] == [True] * 3
    assert "its study.yaml is study-1.yaml now" in told.lines[1]
    assert (tmp_path / "study-1.yaml").exists()


def test_damaged_settings_in_the_output_are_kept_and_told(tmp_path: Path) -> None:
    study = resolve({**asked(tmp_path, ""), "real": {"use": "digits"}, "output": str(tmp_path)})
    (tmp_path / "resolved.json").write_text("{")
    told = Told()
    save_study(study, told)
    assert "settings are damaged" in told.lines[0]
    assert (tmp_path / "resolved-1.json").read_text() == "{"


@pytest.mark.parametrize("place", ["loop", "loop/inside", "x" * 300, "a/" + "é" * 200])
def test_a_place_that_cannot_be_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "loop").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "loop")
    digits = {"real": {"use": "digits"}, "mixing": {"use": "replace", "total": 20}}
    study = resolve({**asked(tmp_path, ""), **digits, "output": str(tmp_path / place)})
    for refuse in (save_study, describe):
        with pytest.raises(SettingError, match="where nothing can be written"):
            refuse(study)


@pytest.mark.parametrize(("name", "value"), [("crop", 100), ("cutout", 9)])
def test_augmentation_larger_than_the_image_is_refused(
    tmp_path: Path, name: str, value: int
) -> None:
    study = asked(tmp_path, write_real(tmp_path / "real"))
    study["training"] = {**study["training"], name: value}
    text = complaint(study, SettingError)
    assert f"training.{name} is {value}, but images have 8 pixels a side; give 0 to 8" in text


def test_hypotheses_that_were_changed_are_told(tmp_path: Path) -> None:
    first = {**asked(tmp_path, ""), "real": {"use": "digits"}, "output": str(tmp_path)}
    told = []
    for sentence in ("flow beats real-only", "real-only beats flow"):
        study = resolve({**first, "hypotheses": [sentence]})
        save_study(study)
        told.append(_redeclared(study))
    assert told == [None, "resolved-1.json"]


def test_a_share_that_rounds_to_no_synthetic_image(tmp_path: Path) -> None:
    mixing = {"use": "replace", "total": 6, "ratios": [0, 0.01]}
    study = asked(tmp_path, write_real(tmp_path / "real"), mixing=mixing)
    assert "@0.01' would hold 6 real images and no synthetic one" in complaint(study, SettingError)


def test_real_images_too_few_for_every_class(tmp_path: Path) -> None:
    mixing = {"use": "replace", "total": 1, "ratios": [0, 1]}
    study = asked(tmp_path, write_real(tmp_path / "real"), mixing=mixing)
    assert "hold none of class" in complaint(study, SettingError)


def test_a_class_that_the_validation_split_empties(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    for path in sorted((real / "train" / "cat").iterdir())[1:]:
        path.unlink()
    mixing = {"use": "replace", "total": 4, "ratios": [0, 1]}
    text = complaint({**asked(tmp_path, real, mixing=mixing), "validation": 0.5}, DataError)
    assert "'cat' has no training image left beside the validation split" in text


def test_an_output_among_the_test_images_is_refused(tmp_path: Path) -> None:
    real = write_real(tmp_path / "real")
    source = {"use": "folder", "path": f"{real}/train", "test_path": f"{real}/test"}
    study = {**asked(tmp_path, real), "real": source, "output": str(real / "test" / "out")}
    with pytest.raises(SettingError, match="within the images of real"):
        save_study(resolve(study))


@pytest.mark.parametrize("place", ["file", "file/inside"])
def test_a_file_where_the_output_goes_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    output = str(tmp_path / place)
    with pytest.raises(SettingError, match=f"output is '{output}', where nothing can be written"):
        digits = {"real": {"use": "digits"}, "mixing": {"use": "replace", "total": 20}}
        run(resolve({**asked(tmp_path, ""), **digits, "output": output}))
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_of_the_output_that_is_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    digits = {"real": {"use": "digits"}, "mixing": {"use": "replace", "total": 20}}
    study = resolve({**asked(tmp_path, ""), **digits})
    study.output.mkdir(parents=True)
    (study.output / "runs").symlink_to(tmp_path / "gone")
    with pytest.raises(SettingError, match=r"'runs' is a link to .*gone, which is not there"):
        save_study(study)


@pytest.mark.parametrize("place", [".", "cat", "new/results"])
@pytest.mark.parametrize("role", ["real", "synthetic", "test set"])
def test_an_output_among_the_images_is_refused(tmp_path: Path, role: str, place: str) -> None:
    folder = write_real(tmp_path / "images")
    images = {"use": "folder", "path": str(folder / "train")}
    sources: dict[str, dict[str, object]] = {
        "real": {},
        "synthetic": {"synthetic": {"ready": {"images": images}}},
        "test set": {"evaluation": {"test_sets": {"mine": images}}},
    }
    study = {**asked(tmp_path, folder), **sources[role]}
    place = str((folder if role == "real" else folder / "train") / place)
    before = sorted(folder.rglob("*"))
    with pytest.raises(SettingError, match=f"output is '{place}', within the images of "):
        run(resolve({**study, "output": place}))
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("cat", "dgo"), "Only here: 'dgo'; only in the study: 'dog'"),
        ((), "has no class folders"),
        (None, "does not exist"),
    ],
)
def test_a_test_set_that_does_not_fit_is_named(
    tmp_path: Path, names: tuple[str, ...] | None, words: str
) -> None:
    folder = tmp_path / "other"
    if names is not None:
        folder.mkdir()
        write_images(folder, names=names)
    sets = {"other": {"use": "folder", "path": str(folder)}}
    study = asked(tmp_path, write_real(tmp_path / "real"), evaluation={"test_sets": sets})
    text = complaint(study)
    assert text.startswith("evaluation.test_sets.other: ")
    assert words in text


def test_a_test_set_with_an_empty_class_is_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "other")
    for file in (folder / "dog").iterdir():
        file.unlink()
    sets = {"other": {"use": "folder", "path": str(folder)}}
    study = asked(tmp_path, write_real(tmp_path / "real"), evaluation={"test_sets": sets})
    assert "evaluation.test_sets.other: Class 'dog' is empty" in complaint(study)


def test_the_test_split_of_a_test_set_is_taken_and_never_its_training_images(
    tmp_path: Path,
) -> None:
    write_images(tmp_path / "both" / "train", count=4, seed=2)
    write_images(tmp_path / "both" / "test", count=3, seed=3)
    broken = write_images(tmp_path / "broken" / "train", count=4, seed=4).parent
    write_images(broken / "test", names=("cat", "horse"), seed=5)
    flat = write_images(tmp_path / "flat", count=5, seed=6)
    sets = {name: {"use": "folder", "path": str(tmp_path / name)} for name in ("both", "flat")}
    real = write_real(tmp_path / "real")
    found = Workspace(resolve(asked(tmp_path, real, evaluation={"test_sets": sets})))
    assert len(named_test_set(found, "both")) == 6
    assert len(named_test_set(found, "flat")) == len(list(flat.rglob("*.png")))
    sets["broken"] = {"use": "folder", "path": str(broken)}
    text = complaint(asked(tmp_path, real, evaluation={"test_sets": sets}))
    assert "evaluation.test_sets.broken" in text
    assert "differ in their class folders" in text


def test_training_that_diverges_is_told_in_one_line(tmp_path: Path) -> None:
    study = asked(
        tmp_path,
        write_real(tmp_path / "real"),
        synthetic={},
        training={"steps": 3, "batch_size": 8},
    )
    found = resolve(study)
    # beyond what a study may ask for, so that three steps suffice
    found = replace(found, recipe=replace(found.recipe, learning_rate=1e30))
    with pytest.raises(SettingError, match=r"diverged .* lower training\.learning_rate"):
        run(found)


def test_ratios_that_read_alike_are_one_arm(tmp_path: Path) -> None:
    mixing = {"use": "replace", "total": 8, "ratios": [0.5, 0.5000000001]}
    study = resolve(asked(tmp_path, write_real(tmp_path / "real"), mixing=mixing))
    assert [arm.name for arm in Workspace(study).arms()] == ["real", "flow@0.5"]


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"fit": "fast"}'])
def test_damaged_notes_of_speeds_are_passed_over(tmp_path: Path, content: str) -> None:
    cache = Path(os.environ["SYNTHMIX_CACHE"])
    cache.mkdir(exist_ok=True)
    (cache / "speeds.json").write_text(content)
    study = resolve(asked(tmp_path, write_real(tmp_path / "real")))
    space = Workspace(study)
    assert known_seconds(space, "train", "real") is None
    describe(study, measure=False)
    remember(space, "train", "real", 0.5)
    assert known_seconds(space, "train", "real") == 0.5


def test_speeds_that_cannot_be_kept_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    space = Workspace(resolve(asked(tmp_path, write_real(tmp_path / "real"))))
    assert known_seconds(space, "train", "real") is None
    monkeypatch.setattr("os.replace", full)
    remember(space, "train", "real", 0.5)


def test_mirrored_digits_are_warned_of(tmp_path: Path) -> None:
    study = {**copy.deepcopy(STUDY), "output": str(tmp_path / "out")}
    told = [text for text in warnings(Workspace(resolve(study))) if ".flip is true" in text]
    assert [text.partition(" ")[0] for text in told] == [
        "training.flip",
        "synthetic.flow.generator.flip",
    ]
    study["training"] = {**study["training"], "flip": False}
    study["synthetic"]["flow"]["generator"]["flip"] = False
    assert not [text for text in warnings(Workspace(resolve(study))) if ".flip is true" in text]
    others = asked(tmp_path, write_real(tmp_path / "real"))
    assert not [text for text in warnings(Workspace(resolve(others))) if ".flip is true" in text]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("timm/efficientvit_m0", r"cannot take images of 8 x 8 pixels \(integer modulo by zero\)"),
        ("timm/resnet10t", None),
    ],
)
def test_a_model_that_fails_in_its_own_way_is_named(
    tmp_path: Path, model: str, words: str | None
) -> None:
    study = {**copy.deepcopy(STUDY), "output": str(tmp_path / "out")}
    study["training"] = {**STUDY["training"], "model": model}
    space = Workspace(resolve(study))
    if words is None:
        check_model(space)
        return
    with pytest.raises(SettingError, match=words):
        check_model(space)


def test_a_model_that_gives_no_logits_is_no_classifier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As timm's encoders, which have no head and give feature maps."""
    features = torch.nn.Conv2d(3, 10, 3)
    monkeypatch.setattr("synthmix.training.models.build_model", lambda *_: features)
    study = {**copy.deepcopy(STUDY), "output": str(tmp_path / "out")}
    with pytest.raises(SettingError, match=r"no classifier: .* gives \[1, 10, 6, 6\], not logits"):
        check_model(Workspace(resolve(study)))
