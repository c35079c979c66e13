"""A study with a text-to-image pipeline runs from prompts to the report."""

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset

from synthmix.errors import DataError, SettingError
from synthmix.study import load, plan, run
from synthmix.study.running.progress import Watch
from tests.generators.diffusers import pipelines
from tests.study.test_reliability import checksums, in_own_file, write_study


@pytest.fixture(scope="module")
def sdxl(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pipelines.sdxl(tmp_path_factory.mktemp("sdxl"))


def described(model: Path, **changes: Any) -> dict[str, Any]:
    generator = {"use": "diffusers", "model": str(model), "height": 32, "width": 32}
    generator |= {"precision": "float32", "device": "cpu"}
    return {
        "generator": generator | changes,
        "prompts": {"use": "class-labels", "template": "A photo of the digit {name}"},
        "per_class": 7,
        "keep_original": True,
    }


class Listening(Watch):
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warned(self, text: str) -> None:
        self.warnings.append(text)


def test_from_prompts_to_a_report(sdxl: Path, tmp_path: Path) -> None:
    first = write_study(tmp_path / "first", synthetic={"sd": described(sdxl)}, seeds=1)
    run(load(first))
    out = tmp_path / "first" / "out"
    results = json.loads((out / "results.json").read_text())
    assert [arm["name"] for arm in results["arms"]] == ["real", "sd@0.5", "sd@1"]
    (made,) = (out / "synthetic").glob("sd-*")
    kept = json.loads((made / "execution.json").read_text())
    assert kept == {"batch_size": 8, "device": "cpu", "precision": "float32"}
    rows = load_dataset(str(made), split="train", cache_dir=str(tmp_path / "hf"))
    assert set(rows["prompt"]) == {f"A photo of the digit {digit}" for digit in range(10)}
    assert {row["original"].size for row in rows} == {(32, 32)}
    assert {row["image"].size for row in rows} == {(8, 8)}
    # a second run elsewhere makes the same bytes
    second = write_study(tmp_path / "second", synthetic={"sd": described(sdxl)}, seeds=1)
    run(load(second))
    again = in_own_file(checksums(tmp_path / "second" / "out"))
    assert again == in_own_file(checksums(out))


def test_a_study_starts_from_real_images(sdxl: Path, tmp_path: Path) -> None:
    how = described(sdxl, strength=0.5, num_inference_steps=2)
    study = write_study(tmp_path, synthetic={"sd": how}, seeds=2)
    run(load(study))
    # each seed has a pool of its own, so a set of its own
    assert len(list((tmp_path / "out" / "synthetic").glob("sd-seed*"))) == 2


def test_warnings_are_told_and_planned(sdxl: Path, tmp_path: Path) -> None:
    how = described(sdxl, negative_prompt="blurry", guidance_scale=1.0)
    how["prompts"]["template"] = "A photo of the digit {name}, " + "very " * 80 + "red"
    study = load(write_study(tmp_path, synthetic={"sd": how}, seeds=1))
    told = "\n".join(plan(study, measure=False).warnings)
    assert "negative_prompt has no effect" in told
    assert "cut (20)" in told
    watch = Listening()
    run(study, watch)
    # the plan also says what so few seeds cannot show
    assert told.startswith("\n".join(watch.warnings))
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert any("20 cut" in note for note in results["notes"])
    (made,) = (tmp_path / "out" / "synthetic").glob("sd-*")
    rows = load_dataset(str(made), split="train", cache_dir=str(tmp_path / "hf"))
    assert all(cut.endswith("red") for cut in rows["cut"])


def test_prompts_that_cannot_be_used_stop_a_study_before_any_work(
    sdxl: Path, tmp_path: Path
) -> None:
    how = described(sdxl)
    how["prompts"]["template"] = "very " * 80 + "{name}"
    study = write_study(tmp_path, synthetic={"sd": how}, seeds=1)
    with pytest.raises(DataError, match=r"synthetic\.sd\.prompts: .* no word of its class"):
        run(load(study))
    assert not (tmp_path / "out" / "synthetic").exists()


def test_prompts_are_needed_and_models_must_be_there(sdxl: Path, tmp_path: Path) -> None:
    how = described(sdxl)
    del how["prompts"]
    with pytest.raises(SettingError, match=r"synthetic\.sd needs `prompts`"):
        load(write_study(tmp_path, synthetic={"sd": how}))
    missing = described(Path("stabilityai/sdxl-turbo"))
    with pytest.raises(SettingError, match="synthmix weights fetch stabilityai/sdxl-turbo"):
        run(load(write_study(tmp_path, synthetic={"sd": missing})))


def test_a_study_describes_its_classes_by_attributes(sdxl: Path, tmp_path: Path) -> None:
    names = [str(digit) for digit in range(10)]
    groups = {"colour": {"red": 3, "blue": 2}, "size": {"small": 3, "large": 2}, "age": {"old": 1}}
    classes = {name: {"names": {}, "groups": groups} for name in [*names, "deer"]}
    stored = tmp_path / "classes.json"
    stored.write_text(json.dumps({"format": "synthmix attribute classes 1", "classes": classes}))
    how = described(sdxl)
    prompts = {"use": "clustered-attributes", "visual_genome": str(stored), "clusters": 8}
    how["prompts"] = prompts | {"template": "A photo of {article} {subject} as a digit"}
    study = load(write_study(tmp_path, synthetic={"sd": how}, seeds=1))
    run(study)
    (made,) = (tmp_path / "out" / "synthetic").glob("sd-*")
    rows = load_dataset(str(made), split="train", cache_dir=str(tmp_path / "hf"))
    assert "A photo of a small red 3 as a digit" in rows["prompt"]
    assert len(set(rows["prompt"])) == 40  # all that two colours and two sizes allow
    card = (made / "README.md").read_text()
    assert "Visual Genome (Krishna et al. 2017, CC BY 4.0)" in card
    (written,) = (tmp_path / "out" / "prompts").glob("sd-*/prompts.jsonl")
    first = json.loads(written.read_text().splitlines()[0])
    assert first["source"]["attributes"].keys() == {"colour", "size"}
    # another file is another set of prompts
    stored.write_text(stored.read_text().replace("blue", "green"))
    run(load(write_study(tmp_path, synthetic={"sd": how}, seeds=1)))
    assert len(list((tmp_path / "out" / "synthetic").glob("sd-*"))) == 2
    stored.unlink()
    with pytest.raises(SettingError, match="which does not exist"):
        run(load(write_study(tmp_path, synthetic={"sd": how}, seeds=1)))
