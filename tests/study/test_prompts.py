"""A study takes its prompts from each strategy; a language model's may start from another set's."""

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from synthmix.errors import SettingError
from synthmix.study import load, plan, run
from synthmix.study.config.file import resolve
from synthmix.study.planning.preflight import warnings
from synthmix.study.stages._prompts import prompts_of
from synthmix.study.stages.work import workspace_of
from tests.generators.diffusers import pipelines
from tests.study.test_reliability import write_study

DIGITS = [str(digit) for digit in range(10)]


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipelines.sdxl(tmp_path_factory.mktemp("sdxl"))


def described(sdxl: Path, **prompts: Any) -> dict[str, Any]:
    generator = {"use": "diffusers", "model": str(sdxl), "height": 32, "width": 32}
    return {"generator": generator, "prompts": prompts, "per_class": 1}


def three_styles(sdxl: Path, model: Path, folder: Path) -> dict[str, Any]:
    groups = {"colour": {"red": 3, "blue": 2}, "size": {"small": 3, "large": 2}}
    classes = {name: {"names": {}, "groups": groups} for name in DIGITS}
    stored = folder / "classes.json"
    stored.write_text(json.dumps({"format": "synthmix attribute classes 1", "classes": classes}))
    return {
        # before the set it starts from: the order in the file does not matter
        "gemma": described(sdxl, use="language-model", model=str(model), **{"from": "attributes"}),
        "labels": described(sdxl, use="class-labels"),
        "attributes": described(sdxl, use="clustered-attributes", visual_genome=str(stored)),
    }


def test_a_study_of_the_three_styles(sdxl: Path, gemma: Path, tmp_path: Path) -> None:
    styles = three_styles(sdxl, gemma, tmp_path)
    mixing = {"use": "replace", "total": 20, "ratios": [0.5]}
    study = load(write_study(tmp_path, synthetic=styles, mixing=mixing, seeds=1))
    steps = plan(study, measure=False).steps
    assert [(s["target"], s["units"]) for s in steps if s["stage"] == "write"] == [("gemma", 10)]
    run(study)
    out = tmp_path / "out"
    results = json.loads((out / "results.json").read_text())
    told = {name: each["classes"]["7"] for name, each in results["prompts"].items()}
    assert {name: each["prompts"] for name, each in told.items()} == dict.fromkeys(styles, 1)
    assert told["gemma"]["words"]["mean"] > told["attributes"]["words"]["mean"]
    page = (out / "report.html").read_text()
    assert "gemma (language-model)" in page
    assert "were accepted at the first attempt" in page
    assert len((out / "tables" / "prompts.csv").read_text().splitlines()) == 1 + 30
    arms = [arm["name"] for arm in results["arms"]]
    assert sorted(arms) == ["attributes@0.5", "gemma@0.5", "labels@0.5", "real"]
    (made,) = (out / "synthetic").glob("gemma-*")
    rows = load_dataset(str(made), split="train", cache_dir=str(tmp_path / "hf"))
    subjects = prompts_of(workspace_of(study), study.set_named("attributes")) or []
    for text, subject in zip(rows["prompt"], subjects, strict=True):
        assert text.startswith(f"{subject.text}, ")
        assert text.endswith(".")
    card = (made / "README.md").read_text()
    assert "Of 10 prompts, " in card
    assert "were accepted at the first attempt" in card
    assert "Visual Genome (Krishna et al. 2017, CC BY 4.0)" in card
    assert "under its own terms" in card
    (written,) = (out / "prompts").glob("gemma-*/manifest.json")
    assert "accepted at the first attempt" in json.loads(written.read_text())["told"][0]
    # a damaged file of prompts is made anew from the ledger, not by the model
    texts = written.with_name("prompts.jsonl")
    before = texts.read_bytes()
    (ledger,) = (out / "prompts" / "ledgers").iterdir()
    kept = ledger.read_bytes()
    assert len(kept.splitlines()) == 11
    texts.write_bytes(before[:-20])
    run(study)
    assert texts.read_bytes() == before
    assert ledger.read_bytes() == kept


@pytest.mark.parametrize("damage", [b"{}", b""], ids=["edited", "emptied"])
def test_damaged_prompts_that_cost_nothing_are_written_anew(tmp_path: Path, damage: bytes) -> None:
    flow: dict[str, Any] = {"generator": {"use": "flow"}, "per_class": 1}
    labels = {**flow, "prompts": {"use": "class-labels"}}
    asked = {"name": "a", "real": {"use": "digits"}, "synthetic": {"labels": labels}}
    workspace = workspace_of(resolve({**asked, "output": str(tmp_path)}))
    each = workspace.study.set_named("labels")
    first = prompts_of(workspace, each)
    texts = workspace.prompts_artifact(each).path / "prompts.jsonl"
    texts.write_bytes(damage)
    assert prompts_of(workspace, each) == first
    assert texts.read_bytes() != damage


WRONG = {
    "unknown": ({"a": "b"}, r"synthetic\.a\.prompts\.from: there is no synthetic set 'b'"),
    "itself": (
        {"a": "a"},
        r"synthetic\.a\.prompts\.from: a set cannot start from itself: a from a",
    ),
    "circle": ({"a": "b", "b": "c", "c": "a"}, "itself: a from b from c from a"),
    "into a circle": ({"z": "a", "a": "b", "b": "a"}, "synthetic.a.prompts.from: a set cannot"),
    "without prompts": ({"a": "plain"}, "the set 'plain' has no prompts to start from"),
}


@pytest.mark.parametrize(("start", "said"), WRONG.values(), ids=WRONG)
def test_where_subjects_cannot_come_from(start: dict[str, str], said: str) -> None:
    flow: dict[str, Any] = {"generator": {"use": "flow"}, "per_class": 1}
    sets = {
        name: {**flow, "prompts": {"use": "language-model", "from": other}}
        for name, other in start.items()
    }
    with pytest.raises(SettingError, match=said):
        resolve({"name": "a", "real": {"use": "digits"}, "synthetic": {**sets, "plain": flow}})


@pytest.mark.parametrize(
    ("there", "wanted", "said"),
    [
        (2, 5, "'a' has 2 texts of each class and 'b' takes 5: each text is started from 2.5 "),
        (7, 3, "'a' has 7 texts of each class and 'b' takes 3: 4 texts of each class are started"),
        (1, 1000, "'a' has 1 text of each class and 'b' takes 1,000: each text is started from"),
        (3, 3, None),
    ],
)
def test_a_start_of_another_size_is_told(there: int, wanted: int, said: str | None) -> None:
    flow: dict[str, Any] = {"generator": {"use": "flow"}}
    sets = {
        "b": {**flow, "per_class": wanted, "prompts": {"use": "language-model", "from": "a"}},
        "a": {**flow, "per_class": there, "prompts": {"use": "class-labels"}},
    }
    few = {"use": "replace", "total": 8, "ratios": [1]}
    study = resolve({"name": "a", "real": {"use": "digits"}, "synthetic": sets, "mixing": few})
    told = [each for each in warnings(workspace_of(study)) if "prompts.from" in each]
    assert len(told) == (said is not None)
    assert said is None or told[0].startswith(f"synthetic.b.prompts.from: {said}")


def test_another_start_is_another_set(tmp_path: Path) -> None:
    def names(template: str, per_class: int) -> list[str]:
        flow: dict[str, Any] = {"generator": {"use": "flow"}, "per_class": 1}
        labels = {"use": "class-labels", "template": template}
        sets = {
            "labels": {**flow, "per_class": per_class, "prompts": labels},
            "gemma": {**flow, "prompts": {"use": "language-model", "from": "labels"}},
        }
        asked = {"name": "a", "real": {"use": "digits"}, "synthetic": sets}
        workspace = workspace_of(resolve({**asked, "output": str(tmp_path)}))
        each = workspace.study.set_named("gemma")
        return [
            workspace.prompts_artifact(each).path.name,
            str(workspace.prompts_ledger(each).path),
        ]

    first = names("A photo of {article} {name}", 1)
    assert names("A photo of {article} {name}", 2) == first, "the start may grow"
    assert not set(names("A drawing of {article} {name}", 1)) & set(first)
