"""One class name in two Unicode forms is one class, wherever a study meets it."""

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from datasets import Dataset, Features, Value
from datasets import Image as ImageFeature
from PIL import Image

from synthmix.data.folder import Folder
from synthmix.data.huggingface import Huggingface
from synthmix.decoded import open_images
from synthmix.errors import DataError, SettingError
from synthmix.study.config.file import resolve
from synthmix.study.inputs.extra_images import named_test_set
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.preflight import warnings
from synthmix.study.running.runner import check
from tests.study.test_bad_input import asked, complaint, ready_made, write_images

NAMES = ("café", "Åse", "한국")


def decomposed(name: str) -> str:
    return unicodedata.normalize("NFD", name)


OTHER = tuple(map(decomposed, NAMES))
assert set(OTHER).isdisjoint(NAMES)


def write_split(root: Path) -> Path:
    write_images(root / "train", names=NAMES)
    write_images(root / "test", names=OTHER, seed=1)
    return root


def opened(study: dict[str, Any]) -> Workspace:
    workspace = Workspace(resolve(study))
    check(workspace)
    return workspace


def test_splits_sources_maps_and_test_sets_match(tmp_path: Path) -> None:
    made = write_images(tmp_path / "made", names=(*OTHER[:2], decomposed("Straße é")), seed=2)
    other = write_images(tmp_path / "other", names=OTHER, seed=3)
    study = asked(
        tmp_path,
        write_split(tmp_path / "real"),
        **ready_made(made),
        class_map={"Straße é": OTHER[2]},
        mixing={"use": "per-class", "per_class": {OTHER[0]: 3, NAMES[1]: 1}},
        evaluation={"test_sets": {"elsewhere": {"use": "folder", "path": str(other)}}},
    )
    workspace = opened(study)
    assert set(workspace.class_names) == set(NAMES)
    assert not [text for text in warnings(workspace) if "look alike" in text]
    mixed = workspace.mixture(workspace.arms()[1], 0)
    drawn = workspace.synthetic("made", 0).labels[mixed.synthetic["made"]]
    counts = dict(zip(workspace.class_names, np.bincount(drawn, minlength=3), strict=True))
    assert counts == {NAMES[0]: 3, NAMES[1]: 1, NAMES[2]: 0}
    assert named_test_set(workspace, "elsewhere").class_names == workspace.class_names


def test_labels_go_with_the_name_not_the_place(tmp_path: Path) -> None:
    """Composed and decomposed names sort differently, so positions would mislead."""
    names = ("eclair", "édam")
    for form in ("NFC", "NFD"):
        for number, name in enumerate(names):
            folder = tmp_path / form / unicodedata.normalize(form, name)
            folder.mkdir(parents=True)
            Image.new("RGB", (4, 4), (50 + 100 * number,) * 3).save(folder / "0.png")
    for form in ("NFC", "NFD"):
        images = open_images(Folder(path=str(tmp_path / form)), "train", image_size=None)
        assert set(images.class_names) == set(names)
        for image, label in zip(images.pixels, images.labels, strict=True):
            assert image[0, 0, 0] == 50 + 100 * names.index(images.class_names[label])


def test_texts_as_labels_match_across_splits(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    features = Features(image=ImageFeature(), label=Value("string"))
    for split, names in (("train", NAMES), ("test", OTHER)):
        images = [Image.new("RGB", (4, 4), (40 * number,) * 3) for number in range(3)]
        table = Dataset.from_dict({"image": images, "label": list(names)}, features=features)
        table.to_parquet(tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    source = Huggingface(path=str(tmp_path))
    for split in ("train", "test"):
        images = open_images(source, split, image_size=None)  # type: ignore[arg-type]
        assert set(images.class_names) == set(NAMES)
        seen = {
            images.class_names[n]: int(images.pixels[row, 0, 0, 0])
            for row, n in enumerate(images.labels)
        }
        assert seen == {name: 40 * number for number, name in enumerate(NAMES)}


@pytest.mark.parametrize("kind", ["json", "jsonl", "csv"])
def test_prompt_files_match(kind: str, tmp_path: Path) -> None:
    rows = [{"class": name, "prompt": f"a photo of {name}"} for name in OTHER]
    text = {
        "json": json.dumps({row["class"]: [row["prompt"]] for row in rows}),
        "jsonl": "\n".join(map(json.dumps, rows)),
        "csv": "\n".join(["class,prompt", *(f"{row['class']},{row['prompt']}" for row in rows)]),
    }[kind]
    path = tmp_path / f"prompts.{kind}"
    path.write_text(text, encoding="utf-8")
    from synthmix.prompts.file import File

    found = list(File(path=str(path)).write(NAMES, 1, seed=0))
    assert [each.text for each in found] == [f"a photo of {name}" for name in OTHER]
    assert [each.label for each in found] == [0, 1, 2]


def test_a_prompt_in_another_form_names_its_class() -> None:
    from synthmix.prompts.lint import names_class

    assert names_class(f"a {OTHER[0]} by the sea", NAMES[0])
    assert not names_class("a cafe by the sea", NAMES[0])


@pytest.mark.parametrize(
    ("name", "escaped"),
    [("dog ", "'dog '"), ("dog\u00a0", "'dog\\xa0'"), ("d\u200bog", "'d\\u200bog'"),
     ("d\u043eg", "'d\\u043eg'"), ("ｄog", "'\\uff44og'")],
)  # fmt: skip
def test_names_that_only_look_equal_are_told_by_number(
    name: str, escaped: str, tmp_path: Path
) -> None:
    real = write_images(tmp_path / "real" / "train", names=("cat", "dog")).parent
    write_images(real / "test", names=("cat", "dog"), seed=1)
    made = ready_made(write_images(tmp_path / "made", names=("cat", name), seed=2))
    text = complaint(asked(tmp_path, real, **made))
    assert escaped in text
    assert "only in the study: 'dog'" in text


def test_classes_that_look_alike_are_classes_and_told(tmp_path: Path) -> None:
    names = (NAMES[0], OTHER[0], "cow")
    write_images(tmp_path / "real" / "train", names=names)
    write_images(tmp_path / "real" / "test", names=names, seed=1)
    workspace = opened(asked(tmp_path, tmp_path / "real", **ready_made(tmp_path / "real" / "test")))
    assert sorted(workspace.class_names) == sorted(names)
    told = [text for text in warnings(workspace) if "look alike" in text]
    assert len(told) == 1
    assert "'caf\\xe9'" in told[0]
    assert "'cafe\\u0301'" in told[0]


def test_two_keys_of_one_name_are_refused(tmp_path: Path) -> None:
    real = write_split(tmp_path / "real")
    made = ready_made(write_images(tmp_path / "made", names=NAMES, seed=2))
    twice = {NAMES[0]: 2, OTHER[0]: 3}
    text = complaint(
        asked(tmp_path, real, **made, mixing={"use": "per-class", "per_class": twice}), SettingError
    )
    assert "mixing.per_class:" in text
    assert "are one name" in text
    to = {NAMES[0]: NAMES[1], OTHER[0]: NAMES[0]}
    assert "class_map:" in complaint(asked(tmp_path, real, **made, class_map=to), SettingError)


def test_a_name_twice_in_one_source_is_refused(tmp_path: Path) -> None:
    from synthmix.data.array import Array

    pixels = np.zeros((2, 4, 4, 3), np.uint8)
    np.savez(tmp_path / "a.npz", x=pixels, y=np.arange(2), class_names=np.array(["é", "é"]))
    with pytest.raises(DataError, match=r"two classes are called 'é' \('\\xe9'\)"):
        open_images(Array(path=str(tmp_path / "a.npz")), "train", image_size=None)
