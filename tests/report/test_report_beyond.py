"""Other test sets, corruptions and generators in the report, and advice that can be pasted."""

import csv

import pytest
import yaml

from synthmix import report
from synthmix.errors import DataError
from synthmix.mixing import Mixing
from synthmix.registry import Registry
from synthmix.report.page import as_mixing

ARMS = ("real", "flow@0.5", "flow@1", "copy@0.5", "copy@1")
METRICS = ("accuracy", "brier", "ece", "nll")


def score(mean: float) -> dict[str, object]:
    return {"mean": mean, "low": mean - 0.02, "high": mean + 0.02, "values": [mean] * 3}


def told(arm: str, accuracy: float) -> dict[str, object]:
    scores = dict.fromkeys(METRICS, score(0.3)) | {"accuracy": score(accuracy)}
    other = None if arm == "real" else "real"
    less = None if other is None else dict.fromkeys(METRICS, score(0.011))
    return {"scores": scores, "difference": less, "comparator": other}


def beyond(**changes: object) -> dict[str, object]:
    levels = [[told(arm, 0.9 - 0.1 * k) for k in range(6)] for arm in ARMS]
    arms = {
        arm: {"severities": each, "kinds": {"jpeg": each[1:]}, "mean": told(arm, 0.6)}
        for arm, each in zip(ARMS, levels, strict=True)
    }
    cell = {"name": "cat as dog", "share": score(0.12), "real_share": 0.04, "excess": score(0.08)}
    mirror = {
        "accuracy": score(0.81),
        "real_test_accuracy": score(0.88),
        "num_images": [100, 100, 100],
        "classes": {"cat": score(0.7), "dog": None},
        "cells": [cell],
    }
    tstr = {"accuracy": score(0.71), "difference_from_real": score(-0.17)}
    sources = {"flow": {"tstr": tstr, "mirror": mirror}, "<copy>": {"tstr": None, "mirror": None}}
    robust = {
        "interval": "Scores: t interval",
        "test_sets": {
            "cifar10.1": {
                "protocol": "2,000 images",
                "num_images": 2000,
                "arms": {arm: told(arm, 0.77) for arm in ARMS},
            }
        },
        "corruptions": {"protocol": "own levels", "num_images": 60, "arms": arms},
        "missing": [],
    }
    return {
        "robustness": {**robust, **changes},
        "classification_accuracy_scores": {
            "protocol": "TSTR and mirror",
            "closest": {"name": None, "sentence": "No generator is shown to be the closest."},
            "sources": sources,
        },
    }


def rows(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_all_of_it_is_shown(tmp_path, make_study):
    folder = make_study(tmp_path, **beyond())
    page = report.write(folder).read_text()
    for words in (
        "No generator is shown to be the closest.",
        "cat as dog 12.00\N{NO-BREAK SPACE}% [10.00, 14.00] (real 4.00\N{NO-BREAK SPACE}%)",
        "cifar10.1",
        "own levels",
        "+1.10 [\N{MINUS SIGN}0.90, +3.10] against real",
        "&lt;copy&gt;",
        "flow@0.5, severity 5: 40.00",
    ):
        assert words in page, words
    sets = rows(folder / "tables" / "test_sets.csv")
    assert [row["arm"] for row in sets] == list(ARMS)
    assert sets[1]["difference_accuracy_low"].startswith("-0.009")
    assert sets[0]["difference_accuracy"] == ""
    corrupted = rows(folder / "tables" / "corruptions.csv")
    assert len(corrupted) == len(ARMS) * (6 + 1 + 5)
    assert {row["severity"] for row in corrupted if row["corruption"] == "jpeg"} == set("12345")
    generators = rows(folder / "tables" / "generators.csv")
    assert [row["mirror"] for row in generators] == ["0.81", ""]


def test_what_was_not_predicted_is_said(tmp_path, make_study):
    nothing = {"test_sets": {}, "corruptions": None, "missing": ["corruptions"]}
    page = report.write(make_study(tmp_path, **beyond(**nothing))).read_text()
    assert "Not predicted yet" in page
    assert "severity" not in {path.stem for path in (tmp_path / "figures").iterdir()}


def test_a_study_without_them_has_no_such_section(study):
    page = (study / "report.html").read_text()
    assert 'id="robustness"' not in page
    assert 'id="generators"' not in page


@pytest.mark.parametrize("entry", ["interval", "test_sets", "corruptions"])
def test_a_damaged_entry_is_named(tmp_path, make_study, entry):
    found = beyond()
    del found["robustness"][entry]
    with pytest.raises(DataError, match=f"robustness: the entry '{entry}' is missing"):
        report.write(make_study(tmp_path, **found))


def test_advice_by_class_can_be_pasted_as_a_mixing_mode():
    advice = {"cat": {"per_class": 100}, "0": {"per_class": 40}, "dog": {"per_class": 0}}
    pasted = yaml.safe_load(as_mixing(advice))["mixing"]
    assert pasted == {"use": "per-class", "per_class": {"cat": 100, "0": 40}}
    mixing = Registry("synthmix.mixing", "Mixing").build(pasted.pop("use"), pasted)
    assert isinstance(mixing, Mixing)
    assert mixing.needed(1.0, 500) == 140
    assert as_mixing({"cat": {"per_class": 0}}) == ""


def test_a_mix_by_class_is_one_mix(tmp_path, make_study):
    mixing = {"use": "per-class", "per_class": {"cat": 100}}
    folder = make_study(tmp_path, ratios=(1.0,), sources=("flow",), mixing=mixing)
    page = report.write(folder).read_text()
    assert "Accuracy against the mix: 0 without, 1 with" in page
    assert "{&#34;cat&#34;: 100}" in page
