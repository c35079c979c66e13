"""With `seeds: auto` open arms get more seeds, decided ones do not, and files alone say so."""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from synthmix.analyses.interim import course_of
from synthmix.analyses.predicted import Found, Predicted, gate
from synthmix.cli import status
from synthmix.errors import ArtifactError, SettingError
from synthmix.evaluation.runs import gather
from synthmix.study import load, resolve, run
from synthmix.study.inputs.basis import basis_of
from synthmix.study.inputs.interim import at_most, course, of_arms
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning.plan import describe
from synthmix.study.running.results import evaluate
from synthmix.types import Labels
from tests.study.test_judging import REPLACE, of
from tests.study.test_reliability import checksums, in_own_file
from tests.study.test_workspace import workspace

SEEDS = {"first": 3, "step": 1, "most": 5}


def needs(space: Workspace, name: str) -> list[str]:
    return space.contrasts.needs(space.contrasts.arms[name])


def write_images(path: Path) -> None:
    """Write digits whose pixels are noise: to train on them alone hurts at every seed."""
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (400, 8, 8, 3), dtype=np.uint8)
    labels = np.arange(400) % 10
    names = [str(digit) for digit in range(10)]
    np.savez(path, images=pixels, labels=labels, class_names=names)


def study_in(folder: Path, **changes: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    write_images(folder / "noise.npz")
    asked = {
        "name": "looks",
        "real": {"use": "digits", "test_fraction": 0.2},
        "synthetic": {
            "noise": {"images": {"use": "array", "train_path": str(folder / "noise.npz")}},
            "more": {"images": {"use": "digits", "split_seed": 5}},
        },
        # another split of the digits holds some of the study's test images
        "exclude_duplicates": True,
        "mixing": {"use": "replace", "total": 120, "ratios": [1]},
        "controls": {"leave_out": ["half-steps", "real-curve", "strong-augmentation"]},
        "hypotheses": ["more beats noise", "real-only beats noise"],
        "training": {
            "steps": 30,
            "batch_size": 32,
            "learning_rate": 0.2,
            "ema_decay": 0,
            "flip": False,
        },
        "seeds": SEEDS,
        "evaluation": {"corruptions": {"kinds": ["jpeg"], "num_images": 20}},
        "engine": {"use": "local", "processes": 1},
        "output": str(folder / "out"),
    }
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({**asked, **changes}))
    return path


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished adaptive study, in a folder with its file and `out`."""
    folder = tmp_path_factory.mktemp("looks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(folder / "cache"))
        run(load(study_in(folder)))
    return folder


def results_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / "results.json").read_text())
    return found


def test_open_arms_are_extended_and_decided_ones_are_not(finished: Path) -> None:
    found = results_of(finished)
    seeds = {arm["name"]: len(arm["runs"]) for arm in found["arms"]}
    told = {arm["arm"]: arm for arm in found["verdict"]["arms"]}
    assert told["noise@1"]["label"] == "hurts"
    assert not told["noise@1"]["is_open"]
    assert told["more@1"]["is_open"]
    assert seeds == {
        "real": 5,
        "more@1": 5,
        "more@1-deranged-labels": 5,
        "noise@1": 3,
        "noise@1-deranged-labels": 3,
    }
    assert {arm: each["num_seeds"] for arm, each in told.items()} == {"noise@1": 3, "more@1": 5}
    assert found["verdict"]["looks"]["added_runs"] == 6
    assert [look["more@1"] for look in found["verdict"]["looks"]["seeds"]] == [3, 4, 5]


def test_what_is_not_decided_by_the_first_look_alone_has_its_outcome(finished: Path) -> None:
    hypotheses = {each["text"]: each for each in results_of(finished)["verdict"]["hypotheses"]}
    noise = hypotheses["real-only beats noise"]
    assert noise["outcome"] == "supported"
    assert len(noise["differences"]["real - noise@1"]["values"]) == 3, "what both have"


def test_the_report_has_every_arms_number_of_seeds(finished: Path) -> None:
    page = (finished / "out" / "report.html").read_text()
    assert "3 to 5 seeds" in page
    assert "6 runs after the first look" in page
    rows = (finished / "out" / "tables" / "runs.csv").read_text().splitlines()
    assert sum(row.startswith("noise@1,") for row in rows) == 3
    assert sum(row.startswith("more@1,") for row in rows) == 5


def test_status_tells_what_is_decided_and_what_is_open(
    finished: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status.command(finished / "study.yaml")
    told = capsys.readouterr().out
    assert "decided: noise@1, hurts (3 seeds)" in told
    assert "open: more@1, no evidence" in told
    assert "6 runs added since the first look. Nothing is left to be added." in told


def test_evaluating_again_gives_the_same_bytes(finished: Path) -> None:
    path = finished / "out" / "results.json"
    before = path.read_bytes()
    assert evaluate(load(finished / "study.yaml")).read_bytes() == before


def test_a_study_stopped_between_looks_ends_with_the_same_bytes(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(finished / "cache"))
    expected = in_own_file(checksums(finished / "out"))
    shutil.copytree(finished / "out", tmp_path / "out")
    study = resolve({**yaml.safe_load((finished / "study.yaml").read_text()), "output": "x"})
    study = resolve({**study.asked, "output": str(tmp_path / "out")})
    space = Workspace(study)
    for victim in ("more@1-seed3-*", "real-seed1-*", "more@1-deranged-labels-seed4-*"):
        (found,) = (tmp_path / "out" / "runs").glob(victim)
        shutil.rmtree(found)
    assert len(course(space).looks) == 1, "a run of the first look is missing"
    with pytest.raises(ArtifactError, match="real-seed1"):
        evaluate(study)
    os.unlink(tmp_path / "out" / "results.json")
    run(study)
    assert in_own_file(checksums(tmp_path / "out")) == expected


def test_a_damaged_run_ends_the_course_until_it_is_made_anew(
    finished: Path, tmp_path: Path
) -> None:
    shutil.copytree(finished / "out", tmp_path / "out")
    asked = yaml.safe_load((finished / "study.yaml").read_text())
    space = Workspace(resolve({**asked, "output": str(tmp_path / "out")}))
    assert course(space).is_settled
    (logits,) = (tmp_path / "out" / "runs").glob("more@1-seed3-*/logits.npy")
    logits.write_bytes(logits.read_bytes()[:-1] + b"x")
    found = course(space)
    assert (len(found.looks), found.is_settled) == (2, False)


def test_a_plan_shows_the_first_look_and_the_most(tmp_path: Path) -> None:
    study = load(study_in(tmp_path, seeds={**SEEDS, "budget": 4}))
    found = describe(study, measure=False)
    runs = [step for step in found["steps"] if step["stage"] == "train"]
    assert len(runs) == 5 * 3
    assert found["looks"]["more_runs_at_most"] == 4
    # ten runs, and what they predict besides the test set
    assert found["looks"]["more_steps_not_measured"] == 10 + 25
    assert [each["seeds"] for each in found["outlook"]["cases"]] == [3, 5]
    unbounded = describe(load(study_in(tmp_path)), measure=False)
    assert unbounded["looks"]["more_runs_at_most"] == 5 * 2


SHARES = {**REPLACE, "ratios": [0.5, 1]}
ADAPTIVE = {"first": 3, "step": 2, "most": 7}


def simulated(space: Workspace, accuracy: Mapping[str, float]) -> Predicted:
    """Return predictions of every arm at seven seeds; the same images are hard for all."""
    labels = space.test.labels
    difficulty = np.random.default_rng(0).uniform(size=len(labels))
    predicted = Predicted()
    for arm in space.arms():
        for seed in range(7):
            noise = np.random.default_rng([seed, *arm.name.encode()]).normal(0, 0.05, len(labels))
            right = difficulty + noise < accuracy.get(arm.name, 0.6)
            predicted.add(arm.name, seed, _answers(labels, right), None)
    return predicted


def _answers(labels: Labels, right: np.ndarray[Any, np.dtype[np.bool_]]) -> Labels:
    found: Labels = np.where(right, labels, (labels + 1) % 10)
    return found


GAINS = {"one@0.5": 0.8, "two@0.5": 0.6, "one@1": 0.5, "two@1": 0.7, "real": 0.9}


@pytest.fixture(scope="module")
def space() -> Workspace:
    """Two sources at two shares, judged with all controls, seeds added without a budget."""
    return workspace(seeds=ADAPTIVE, controls=True, mixing=SHARES)


def test_comparators_and_controls_go_along_with_their_arm(space: Workspace) -> None:
    found = course_of(basis_of(space), simulated(space, GAINS).of)
    assert found.verdicts["one@0.5"].label == "helps"
    decided = {arm for arm, verdict in found.verdicts.items() if not verdict.is_open}
    still = set(found.verdicts) - decided
    assert "one@0.5" in decided
    assert still, "an arm without a difference stays open"
    for arm in still:
        assert found.seeds[arm] == 7
        assert {found.seeds[each] for each in needs(space, arm)} == {7}
    wanted = {each for arm in still for each in (arm, *needs(space, arm))}
    last, before = found.looks[-1], found.looks[-2]
    assert {arm for arm in last if last[arm] > before[arm]} == wanted
    assert found.seeds["real-120"] == 3, "the learning curve is no one's comparator"
    assert set(at_most(space).arms.values()) == {3, 7}


def test_a_decided_arm_keeps_its_verdict_its_seeds_and_its_evidence() -> None:
    priceless = {"controls": {"leave_out": ["real-curve"]}, "mixing": SHARES}
    space = workspace(seeds=ADAPTIVE, **priceless)
    predicted = simulated(space, GAINS)
    seeds = course_of(basis_of(space), predicted.of).seeds
    told = of(space, _only(predicted, seeds), {"test_rows": [1, 2]})
    arm = next(each for each in told["arms"] if each["arm"] == "one@0.5")
    number = arm["num_seeds"]
    first = {name: number for name in told["looks"]["seeds"][0]}
    fixed = workspace(seeds=number, **priceless)
    alone = of(fixed, _only(predicted, first), {"test_rows": []})
    same = next(each for each in alone["arms"] if each["arm"] == "one@0.5")
    for key in ("gain", "full", "controls", "deranged", "comparator"):
        assert arm[key] == same[key], "runs that were added later are none of its evidence"
    assert arm["p_adjusted"] > same["p_adjusted"], "a look may spend a share of the level only"
    assert told["without_duplicates"]["arms"]


def test_the_first_look_settles_whether_the_baseline_is_good_enough() -> None:
    """Runs that were added for a verdict must not change whether there is to be one."""
    space = workspace(seeds=ADAPTIVE, mixing=SHARES)
    labels = space.test.labels
    predicted = Predicted()
    for seed in range(7):
        right = np.arange(len(labels)) < (0.5 if seed < 3 else 1) * len(labels)
        predicted.add("real", seed, _answers(labels, right), None)
    runs = {"real": gather("real", predicted.test["real"], labels, space.class_names)}
    assert gate(basis_of(space), runs).reached == pytest.approx(0.5, abs=0.01)
    fixed = workspace(seeds=7, mixing=SHARES)
    assert gate(basis_of(fixed), runs).reached == pytest.approx((3 * 0.5 + 4) / 7, abs=0.01)


def test_the_budget_is_kept(space: Workspace) -> None:
    predicted = simulated(space, GAINS)
    free = course_of(basis_of(space), predicted.of)
    for budget in (0, 9, 25, free.spent):
        rule = {**ADAPTIVE, "budget": budget}
        tight = workspace(seeds=rule, controls=True, mixing=SHARES)
        found = course_of(basis_of(tight), predicted.of)
        added = sum(found.seeds[arm] - 3 for arm in found.seeds)
        assert added == found.spent <= budget
        assert found.is_settled
    assert free.seeds == found.seeds


def test_worth_and_hypotheses_use_what_two_arms_share(space: Workspace) -> None:
    predicted = simulated(space, {**GAINS, "real-8": 0.3, "real-15": 0.4, "real-120": 0.95})
    seeds = course_of(basis_of(space), predicted.of).seeds
    told = of(space, _only(predicted, seeds), {"test_rows": []})
    prices = {each["arm"]: each for each in told["worth"]["arms"]}
    assert prices["two@1"]["rate"] is not None, prices["two@1"]["sentence"]


def _only(predicted: Predicted, seeds: Mapping[str, int]) -> Predicted:
    found = Predicted()
    for arm, number in seeds.items():
        for seed in range(number):
            each: Found | None = predicted.of(arm, seed)
            assert each is not None
            found.add(arm, seed, *each)
    return found


def test_sets_of_fitted_generators_follow_their_arms(space: Workspace) -> None:
    seeds = {arm.name: 5 if arm.sources == ("one",) else 3 for arm in space.arms()}
    assert of_arms(space, seeds).sets == {"one": 5, "two": 3}


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ("atuo", "seeds is 'atuo'; it must be a number, 'auto', or a group"),
        ({"frist": 3}, "has no setting 'frist'. Did you mean 'first'?"),
        ({"first": 1}, "seeds: .*'first'.* greater than or equal to 2, got 1"),
        ({"first": 9, "most": 5}, "seeds: seeds are to go from 9 in steps of 2 to 5"),
        ({"budget": -1}, "'budget'.* greater than or equal to 0, got -1"),
        ({"step": 0}, "'step'.* greater than or equal to 1, got 0"),
        ({"most": "many"}, "'most'.* integer"),
        ([3, 5], "'seeds': .*integer"),
        (True, "'seeds': must be a number"),
    ],
)
def test_bad_settings_are_one_line(seeds: object, words: str) -> None:
    with pytest.raises(SettingError, match=words) as caught:
        resolve({"name": "x", "real": {"use": "digits"}, "seeds": seeds})
    assert "\n" not in str(caught.value)


def test_auto_has_the_looks_of_the_documentation() -> None:
    study = resolve({"name": "x", "real": {"use": "digits"}, "seeds": "auto"})
    assert study.adaptive is not None
    assert study.adaptive.looks.numbers == (3, 5, 7, 9)
    assert study.seeds == 9
    assert study.resolved()["seeds"] == {"first": 3, "step": 2, "most": 9, "budget": None}
    fixed = resolve({"name": "x", "real": {"use": "digits"}, "seeds": 9})
    assert fixed.resolved()["seeds"] == 9
    assert fixed.fingerprint != study.fingerprint
