"""Finished runs predict other test sets, corruptions and synthetic images; none trains again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.data.digits import Digits
from synthmix.decoded import open_images
from synthmix.study import load, run
from synthmix.study.config.file import resolve
from synthmix.study.inputs.corrupted import corrupted
from synthmix.study.inputs.extra_images import collections
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import describe, steps
from synthmix.study.running.results import evaluate
from synthmix.types import ImageSet, Labels
from tests.study.test_reliability import write_study

SWAPPED = (3, 5)


def save(path: Path, images: ImageSet, labels: Labels, names: tuple[str, ...]) -> dict[str, str]:
    np.savez(path, x=images.pixels, y=labels, class_names=np.array(names))
    return {"use": "array", "path": str(path)}


def write(folder: Path, cache: Path) -> Path:
    """Write a study whose set `wrong` has the labels of two classes swapped."""
    train = open_images(Digits(), "train", image_size=None, cache=cache)
    test = open_images(Digits(), "test", image_size=None, cache=cache)
    names = train.class_names
    wrong = train.labels.copy()
    for one, other in (SWAPPED, SWAPPED[::-1]):
        wrong[train.labels == one] = other
    folder.mkdir(parents=True)
    sets = {
        "right": {"images": save(folder / "right.npz", train, train.labels, names)},
        "wrong": {"images": save(folder / "wrong.npz", train, wrong, names)},
    }
    # the same images under numbers and names of their own
    german = (*names[1:-1], "neun", "null")
    turned = save(folder / "turned.npz", test, (test.labels - 1) % 10, german)
    return write_study(
        folder,
        synthetic=sets,
        mixing={"use": "replace", "total": 300, "ratios": [1]},
        training={
            "steps": 40,
            "batch_size": 64,
            "learning_rate": 0.2,
            "ema_decay": 0.8,
            "flip": False,
            "crop": 1,
        },
        class_map={"null": "0", "neun": "9"},
        evaluation={
            "test_sets": {"same": {"use": "digits"}, "turned": {**turned, "per_class": 20}},
            "corruptions": {"kinds": ["gaussian-noise", "pixelate"], "num_images": 60},
            "mirror": 100,
        },
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predicting")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        run(load(write(folder / "study", folder / "cache")))
    return folder / "study"


@pytest.fixture
def workspace(finished: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(finished.parent / "cache"))
    return Workspace(load(finished / "study.yaml"))


@pytest.fixture
def results(finished: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((finished / "out" / "results.json").read_text())
    return found


def test_the_same_images_get_bitwise_the_logits_of_the_run(finished: Path) -> None:
    runs = sorted((finished / "out" / "runs").glob("*/logits.npy"))
    again = sorted((finished / "out" / "predictions").glob("*-test-set-same-*/logits.npy"))
    assert len(runs) == len(again) == 6
    for one, other in zip(runs, again, strict=True):
        assert np.load(one).tobytes() == np.load(other)[0].tobytes(), other


@pytest.mark.parametrize("model", ["resnet18", "timm/resnetv2_18"])
def test_so_do_other_networks(model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    only = {"test_sets": {"same": {"use": "digits"}}}
    training = {
        "model": model,
        "learning_rate": 0.01,
        "steps": 2,
        "batch_size": 8,
        # with AMX and bfloat16 torch now and then gives this ResNet-v2 NaN at once (docs/log.md)
        "precision": "float32",
    }
    run(load(write_study(tmp_path, synthetic={}, seeds=1, training=training, evaluation=only)))
    (one,) = (tmp_path / "out" / "runs").glob("*/logits.npy")
    (other,) = (tmp_path / "out" / "predictions").glob("*/logits.npy")
    assert np.load(one).tobytes() == np.load(other)[0].tobytes()


def test_scores_of_the_same_test_set_are_the_studys_own(results: dict[str, Any]) -> None:
    same = results["robustness"]["test_sets"]["same"]["arms"]
    for arm in results["arms"]:
        for metric in ("accuracy", "ece", "nll", "brier"):
            assert same[arm["name"]]["scores"][metric] == arm["scores"][metric]
    mixes = {each["arm"]: each for each in results["verdict"]["arms"]}
    for name, each in mixes.items():
        assert same[name]["comparator"] == "real"
        full = {key: each["full"][key] for key in ("mean", "low", "high", "values")}
        assert same[name]["difference"]["accuracy"] == full
    assert same["real"]["difference"] is None


def test_classes_of_a_test_set_are_matched_by_name(results: dict[str, Any]) -> None:
    turned = results["robustness"]["test_sets"]["turned"]
    assert turned["per_class"] == [20] * 10
    same = results["robustness"]["test_sets"]["same"]
    for arm in ("real", "right@1"):
        one, other = (each["arms"][arm]["scores"]["accuracy"]["mean"] for each in (turned, same))
        assert one == pytest.approx(other, abs=0.1)
        assert one > 0.5


def test_corruptions_are_told_by_severity_and_kind(results: dict[str, Any]) -> None:
    told = results["robustness"]["corruptions"]
    assert "60 test images (stratified, study seed 0)" in told["protocol"]
    assert "not comparable with CIFAR-10-C" in told["protocol"]
    assert set(told["versions"]) == {"numpy", "pillow"}
    for arm in told["arms"].values():
        kinds = [
            [level["scores"]["accuracy"]["values"] for level in levels]
            for levels in arm["kinds"].values()
        ]
        means = [each["scores"]["accuracy"]["values"] for each in arm["severities"]]
        assert len(means) == 6
        assert np.allclose(np.mean(kinds, axis=0), means[1:])
        overall = arm["mean"]["scores"]["accuracy"]["values"]
        assert np.allclose(np.mean(means[1:], axis=0), overall)
    real = [each["scores"]["accuracy"]["mean"] for each in told["arms"]["real"]["severities"]]
    assert real[0] > 0.6
    assert real[0] > real[5] + 0.1


def test_corrupted_images_are_the_test_images_of_the_study(
    workspace: Workspace, finished: Path
) -> None:
    (found,) = (
        each for each in collections(workspace, workspace.arms()[0], 0) if each.key == "corruptions"
    )
    assert np.bincount(found.labels).tolist() == [6] * 10
    kind = workspace.study.evaluation.corruptions["gaussian-noise"]
    versions = corrupted(kind, workspace.test, found.rows, 0)  # type: ignore[attr-defined]
    clean = workspace.test.pixels[found.rows].astype(float)  # type: ignore[attr-defined]
    distances = [np.abs(each - clean).mean() for each in versions]
    assert distances == sorted(distances)
    # another number of images, the same noise
    fewer = corrupted(kind, workspace.test, found.rows[10:20], 0)  # type: ignore[attr-defined]
    assert np.array_equal(fewer, versions[:, 10:20])


def test_the_mirror_names_the_classes_whose_labels_are_wrong(results: dict[str, Any]) -> None:
    sources = results["classification_accuracy_scores"]["sources"]
    wrong, right = sources["wrong"]["mirror"], sources["right"]["mirror"]
    assert wrong["num_images"] == [100, 100]
    assert {cell["name"] for cell in wrong["cells"][:2]} == {"3 as 5", "5 as 3"}
    assert all(cell["share"]["mean"] > 0.5 > cell["real_share"] for cell in wrong["cells"][:2])
    assert wrong["classes"]["3"]["mean"] < 0.3 < 0.6 < right["classes"]["3"]["mean"]
    assert wrong["accuracy"]["mean"] < right["accuracy"]["mean"] - 0.1


def test_generators_are_compared_by_what_their_images_teach(results: dict[str, Any]) -> None:
    told = results["classification_accuracy_scores"]
    (pair,) = told["pairs"]
    assert (pair["better"], pair["worse"]) == ("right", "wrong")
    assert pair["difference"]["mean"] > 0.05
    # two seeds have one degree of freedom, so that little can be told apart
    expected = "right" if pair["is_told_apart"] else None
    assert told["closest"]["name"] == expected
    assert (expected is None) == ("not distinguishable from 'wrong'" in told["closest"]["sentence"])
    arms = {arm["name"]: arm for arm in results["arms"]}
    tstr = told["sources"]["right"]["tstr"]
    assert tstr["accuracy"] == arms["right@1"]["scores"]["accuracy"]
    assert tstr["difference_from_real"] == results["verdict"]["arms"][0]["full"]


def test_the_report_shows_them_and_writes_tables(finished: Path) -> None:
    page = (finished / "out" / "report.html").read_text()
    assert "3 as 5" in page
    assert 'id="robustness"' in page
    assert 'id="generators"' in page
    tables = {path.name: path.read_text() for path in (finished / "out" / "tables").glob("*.csv")}
    lines = tables["corruptions.csv"].splitlines()
    assert len(lines) == 1 + 3 * (6 + 1 + 2 * 5)
    assert sum(line.startswith("same,599,") for line in tables["test_sets.csv"].splitlines()) == 3
    assert "wrong,3 as 5," in tables["mirror_confusion.csv"]
    assert (finished / "out" / "figures" / "severity.svg").stat().st_size > 5000


def test_another_corruption_trains_nothing_and_an_edit_keeps_what_was_there(
    workspace: Workspace, finished: Path
) -> None:
    asked = load(finished / "study.yaml").asked
    other = {**asked["evaluation"], "corruptions": {"kinds": ["jpeg"], "num_images": 10}}
    edited = Workspace(resolve({**asked, "evaluation": other}))
    assert {step.state for step in steps(edited, "train")} == {"done"}
    states = {step.task.on: step.state for step in steps(edited, "predict")}
    assert states.pop("corruptions") == "to do"
    assert set(states.values()) == {"done"}


def test_what_was_not_predicted_is_said_and_stops_no_evaluation(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setenv("SYNTHMIX_CACHE", str(finished.parent / "cache"))
    shutil.copytree(finished / "out", tmp_path / "out")
    shutil.rmtree(tmp_path / "out" / "predictions")
    asked = {**load(finished / "study.yaml").asked, "output": str(tmp_path / "out")}
    found = json.loads(evaluate(resolve(asked)).read_text())
    assert found["robustness"]["missing"] == ["test-set/same", "test-set/turned", "corruptions"]
    assert found["robustness"]["corruptions"] is None
    assert found["classification_accuracy_scores"]["sources"]["right"]["mirror"] is None


def test_the_plan_counts_predictions(workspace: Workspace) -> None:
    plan = describe(workspace.study, measure=False)
    predicted = [step for step in plan["steps"] if step["stage"] == "predict"]
    assert len(predicted) == 3 * 2 * 3 + 2 * 2
    units = {step["target"]: step["units"] for step in predicted}
    assert units["real on corruptions"] == 2 * 5 * 60
    assert units["real on mirror/wrong"] == 100
    assert units["wrong@1 on test-set/turned"] == 200
