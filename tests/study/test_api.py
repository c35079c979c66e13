"""A study from Python: built of components, planned, run and evaluated, with typed results."""

import logging
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import synthmix
from synthmix.data.digits import Digits
from synthmix.engines.local import Local
from synthmix.errors import SettingError
from synthmix.generators.flow import Flow
from synthmix.mixing.replace import Replace
from synthmix.study import Results, SyntheticSet, build, evaluate, load, plan, resolve, run
from synthmix.training.recipe import Recipe
from tests.study.test_reliability import STUDY

FLOW = {k: v for k, v in STUDY["synthetic"]["flow"]["generator"].items() if k != "use"}  # type: ignore[index]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Results:
    folder = tmp_path_factory.mktemp("api")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        return run(resolve({**STUDY, "seeds": 2, "output": str(folder / "out")}))


def test_components_and_their_settings_make_the_same_study(tmp_path: Path) -> None:
    built = build(
        name=STUDY["name"],
        real=Digits(),
        synthetic={"flow": SyntheticSet("flow", 8, generator=Flow(**FLOW))},
        mixing=Replace(**{k: v for k, v in STUDY["mixing"].items() if k != "use"}),
        training=Recipe(**STUDY["training"]),
        engine=Local(processes=1),
        **{k: v for k, v in STUDY.items() if k in ("controls", "evaluation", "seeds", "seed")},
        output=tmp_path / "out",
    )
    flow = {**STUDY["synthetic"]["flow"], "per_class": 8}
    written = resolve({**STUDY, "synthetic": {"flow": flow}, "output": str(tmp_path / "out")})
    assert built.fingerprint == written.fingerprint
    assert resolve(built.asked).fingerprint == built.fingerprint


def test_a_component_of_no_registry_is_named(tmp_path: Path) -> None:
    class Mine(Digits):
        """Digits of nobody else's."""

    with pytest.raises(SettingError, match="Mine is in no registry.*make it a plug-in"):
        build(name="mine", real=Mine(), output=tmp_path)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"mixing": Recipe()}, "mixing is Recipe; it takes a Mixing"),
        ({"engine": Digits()}, "engine is Digits; it takes a Engine"),
        ({"controls": Recipe()}, "controls is Recipe; it takes settings"),
        ({"real": Digits}, "real is the class Digits, not an instance of it"),
        ({"synthetic": {"a": Digits()}}, r"synthetic\.a is Digits; a set is {'images': that}"),
        (
            {"synthetic": {"a": {"generator": Digits(), "per_class": 2}}},
            r"synthetic\.a\.generator is",
        ),
    ],
)
def test_a_component_in_the_place_of_another_is_named(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        build(**{"name": "wrong", "real": Digits(), **keys})


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    ratios = np.linspace(0, 1, 3)
    keys: dict[str, Any] = {"name": "numpy", "real": Digits(), "output": tmp_path}
    built = build(**keys, mixing=Replace(total=np.int64(60), ratios=ratios))  # type: ignore[arg-type]
    assert built.mixing == Replace(total=60, ratios=(0.0, 0.5, 1.0))


def test_a_path_is_a_study_too(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text("name: path\nreal: {use: digits}\ntraining: {flip: false}\n")
    assert plan(path, measure=False).raw["name"] == "path"
    with pytest.raises(SettingError, match="one that `load` or `build` gave, or a path; got 3"):
        plan(3)  # type: ignore[arg-type]


def test_edited_results_are_told(
    finished: Results, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert finished.folder is not None
    copied = shutil.copytree(finished.folder, tmp_path / "out")
    synthmix.results.load(copied)
    assert caplog.records == []
    text = (copied / "results.json").read_text(encoding="utf-8")
    (copied / "results.json").write_text(text.replace('"mean": 0.', '"mean": 0.9'))
    synthmix.results.load(copied)
    assert "was edited or damaged since it was written" in caplog.text


def test_a_plan_has_types_and_rows(tmp_path: Path) -> None:
    found = plan(resolve({**STUDY, "seeds": 2, "output": str(tmp_path / "out")}), measure=False)
    assert any("seeds is 2" in text for text in found.warnings)
    assert {"stage", "target", "seed", "state", "seconds"} <= set(found.steps[0])
    assert found.num_bytes > 0
    assert not found.is_finished
    assert not (tmp_path / "out").exists()


def test_results_are_tables_and_sentences(finished: Results) -> None:
    assert finished.report.is_file()
    assert finished.verdict is not None
    assert finished.verdict.label in finished.verdict.sentence.lower()
    rows = {row["arm"]: row for row in finished.table()}
    assert set(rows) == {"real", "flow@0.5", "flow@1"}
    assert rows["real"]["verdict"] is None
    assert rows["flow@1"]["verdict"] == finished.verdicts["flow@1"].label
    assert rows["flow@1"]["difference"] == pytest.approx(
        rows["flow@1"]["accuracy"] - rows["real"]["accuracy"]
    )
    assert rows["flow@1"]["difference_low"] <= rows["flow@1"]["difference"]
    assert [(row["arm"], row["seed"]) for row in finished.runs_table()][:2] == [
        ("real", 0),
        ("real", 1),
    ]
    assert len(finished.classes_table()) == 3 * 10
    assert any("optimiser steps" in note for note in finished.notes)


def test_results_are_read_again_from_their_folder(finished: Results) -> None:
    assert finished.folder is not None
    again = synthmix.results.load(finished.folder)
    assert again.raw == finished.raw
    evaluated = evaluate(resolve({**STUDY, "seeds": 2, "output": str(finished.folder)}))
    assert evaluated.raw == finished.raw


def test_a_run_without_a_terminal_speaks_to_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    mirrored = {**STUDY["training"], "flip": True}
    asked: dict[str, Any] = {**STUDY, "seeds": 1, "training": mirrored, "synthetic": {}}
    with caplog.at_level(logging.INFO, "synthmix"):
        run(resolve({**asked, "output": str(tmp_path / "out")}))
    warned = [each.getMessage() for each in caplog.records if each.levelname == "WARNING"]
    assert any("training.flip is true" in text for text in warned)
    assert any("training: real done" in each.getMessage() for each in caplog.records)


def test_the_package_brings_its_modules() -> None:
    code = (
        "import sys, synthmix\n"
        "assert 'synthmix.study' not in sys.modules\n"
        "synthmix.study.load(sys.argv[1])\n"
        "assert not {'torch', 'sklearn', 'scipy'} & set(sys.modules)\n"
    )
    path = Path(__file__).parents[2] / "studies" / "quickstart.yaml"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert load(path).name == "quickstart"
