"""A study with published weights runs from the pickle to the report."""

import json
from pathlib import Path

from synthmix.study import load, resolve, run
from synthmix.study.config.file import read
from tests.generators.stylegan_xl import published
from tests.study.test_reliability import write_study

STUDY = Path(__file__).parents[2] / "studies" / "cifar10-stylegan-xl.yaml"


def test_from_a_pickle_to_a_report(tmp_path: Path) -> None:
    checkpoint = published.write(tmp_path / "network.pkl", c_dim=10)
    generator = {"use": "stylegan-xl", "checkpoint": str(checkpoint), "batch_size": 8}
    study = write_study(
        tmp_path, image_size=8, synthetic={"gan": {"generator": generator, "per_class": 7}}
    )
    run(load(study))
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [arm["name"] for arm in results["arms"]] == ["real", "gan@0.5", "gan@1"]
    assert "gan@1" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    # one set serves every seed: nothing was fitted
    sets = list((tmp_path / "out" / "synthetic").glob("gan*"))
    assert len(sets) == 1
    assert "MIT licence" in (sets[0] / "README.md").read_text()


def test_the_study_that_comes_with_the_project(tmp_path: Path) -> None:
    asked = read(STUDY)
    checkpoint = published.write(tmp_path / "network.pkl", c_dim=10)
    asked["synthetic"]["stylegan-xl"]["generator"]["checkpoint"] = str(checkpoint)
    assert resolve(asked).resolved()["synthetic"]["stylegan-xl"]["per_class"] == 6000
