"""The words follow the numbers, and nothing else."""

import math

import pytest

from synthmix.report import sentences
from synthmix.results import typed as results
from synthmix.results.typed import Estimate


def _headline(tmp_path, make_study, differences):
    """Return the headline of a study whose arms have these (mean, low, high) differences."""
    import json

    ratios = tuple(range(1, 1 + len(differences)))
    folder = make_study(tmp_path, sources=("flow",), ratios=ratios, samples=False, num_seeds=2)
    stored = json.loads((folder / "results.json").read_text())
    for arm, (mean, low, high) in zip(stored["arms"][1:], differences, strict=True):
        score = {"mean": mean, "low": low, "high": high, "values": [mean, mean]}
        arm["difference"]["accuracy"] = score
    (folder / "results.json").write_text(json.dumps(stored))
    study = results.load(folder)
    return sentences.headline(study), sentences.mark(study), sentences.remarks(study)


def test_the_best_arm_is_named_with_its_interval(tmp_path, make_study):
    text, mark, remarks = _headline(
        tmp_path, make_study, [(0.01, 0.002, 0.018), (0.03, 0.01, 0.05), (-0.1, -0.2, -0.01)]
    )
    assert text == (
        "The best of 3 arms, flow@2, is +3.00 points [+1.00, +5.00] in accuracy against real: "
        "the interval excludes zero, so it is more accurate than real here."
    )
    assert mark == "interval excludes zero"
    assert "2 lie above real with an interval that excludes zero and 1 lies below" in remarks[0]
    assert "not adjusted" in remarks[1]


def test_an_interval_with_zero_shows_nothing(tmp_path, make_study):
    text, mark, _ = _headline(tmp_path, make_study, [(0.01, -0.002, 0.022)])
    assert text.endswith("the interval includes zero, so no difference from real is shown.")
    assert text.startswith("flow@1 is +1.00 points [−0.20, +2.20]")
    assert mark == "interval includes zero"


def test_an_interval_that_touches_zero_does_not_exclude_it(tmp_path, make_study):
    text, _, _ = _headline(tmp_path, make_study, [(0.01, 0.0, 0.02)])
    assert "includes zero" in text


def test_the_best_may_still_be_worse(tmp_path, make_study):
    text, _, _ = _headline(tmp_path, make_study, [(-0.02, -0.03, -0.01), (-0.5, -0.6, -0.4)])
    assert "flow@1, is −2.00 points [−3.00, −1.00]" in text
    assert text.endswith("so it is less accurate than real here.")


def test_one_seed_is_no_claim(tmp_path, make_study):
    text, mark, remarks = _headline(tmp_path, make_study, [(0.02, None, None), (0.01, None, None)])
    assert text == (
        "One seed: no interval, no claim; in this one run the best of 2 arms, flow@1, "
        "is +2.00 points in accuracy against real."
    )
    assert mark == "one seed"
    assert not remarks


def test_a_fitted_generator_is_a_caveat_of_replacing(tmp_path, make_study):
    folder = make_study(tmp_path, samples=False, ratios=(0.5,))
    assert "of flow was fitted" in sentences.caveats(results.load(folder))[0]
    make_study(tmp_path, samples=False, ratios=(0.5,), mixing={"use": "add"})
    assert sentences.caveats(results.load(folder)) == []
    make_study(tmp_path, samples=False, ratios=(0.5,), synthetic={})
    assert sentences.caveats(results.load(folder)) == []


def test_worth_is_also_told_in_seconds_of_generation(tmp_path, make_study):
    study = results.load(make_study(tmp_path, samples=False, sources=("flow",)))
    timing = {"seconds_per_image": {"flow": 0.02}}
    told = sentences.seconds({"arm": "flow@0.5", "rate": 0.1}, study, timing)
    assert told == " One real image's worth takes 0.2 s to generate."
    for price in ({"arm": "flow@0.5", "rate": None}, {"arm": "flow@0.5", "rate": -0.1}):
        assert sentences.seconds(price, study, timing) == ""
    assert sentences.seconds({"arm": "flow@0.5", "rate": 0.1}, study, None) == ""


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.7, "+100.00"),
        (-4.99, "−100.00"),
        (0.0123, "+1.23"),
        (-0.0123, "−1.23"),
        (-0.00001, "+0.00"),
        (0, "+0.00"),
        (math.nan, "n/a"),
    ],
)
def test_points_are_signed(value, text):
    assert sentences.points(value) == text


def test_an_interval_does_not_go_beyond_the_possible():
    wide = Estimate(0.5, -3.89, 4.99, (0.2, 0.8))
    assert sentences.with_interval(wide, sentences.percent).replace("\u00a0", " ") == (
        "50.00 % [0.00, 100.00]"
    )


def test_durations_take_the_unit_that_suits():
    found = [sentences.duration(s).replace("\u00a0", " ") for s in (0.26, 61, 3599.7, 7325)]
    assert found == ["0.3 s", "1 min 01 s", "1 h 00 min", "2 h 02 min"]


def test_confusion_is_the_mean_of_row_shares(study):
    arm = results.load(study).arms[1]
    assert arm.confusion.sum(axis=1) == pytest.approx(1)
    shares = arm.counts[:, 3, 5] / arm.counts[:, 3].sum(axis=1)
    assert arm.confusion[3, 5] == pytest.approx(shares.mean())


def test_signs_need_both_bounds():
    assert Estimate(0.5, None, None, (0.5,)).sign == 0
    assert Estimate(0.5, 0.1, 0.9, ()).sign == 1
    assert Estimate(-0.5, -0.9, -0.1, ()).sign == -1


def test_file_names_stay_apart():
    slugs = results.unique_slugs(["a/b", "a b", "A-B", "..", "../../x"])
    assert len({slug.lower() for slug in slugs.values()}) == 5
    assert not any("/" in slug or slug.startswith(".") for slug in slugs.values())
