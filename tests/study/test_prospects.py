"""A plan states no effect that accuracy cannot move by, and says which seeds are too few."""

import json
from pathlib import Path
from typing import Any

import pytest

from synthmix.evaluation.detectable import Components
from synthmix.study.config.file import resolve
from synthmix.study.inputs.workspace import Workspace
from synthmix.study.planning import power
from synthmix.study.planning.plan import describe
from tests.study.test_scarcity import study


def outlook_of(asked: dict[str, Any], stated: float | None = None) -> dict[str, Any]:
    return power.outlook(Workspace(resolve(asked)), stated)


@pytest.mark.parametrize(
    ("seeds", "said"),
    [
        (1, "seeds is 1: no verdict can be given; 2 are needed at least, 3 to screen"),
        (2, "seeds is 2: hardly anything can be shown; 3 are needed at least to screen"),
        (3, ""),
    ],
)
def test_too_few_seeds_are_warned_of(tmp_path: Path, seeds: int, said: str) -> None:
    asked = study(tmp_path, (40, 40), (20, 20), seeds=seeds)
    told = [
        text for text in describe(resolve(asked), measure=False)["warnings"] if "seeds is" in text
    ]
    assert [said in text for text in told] == ([True] if said else [])


def test_more_than_is_left_above_the_accuracy_cannot_be_seen(tmp_path: Path) -> None:
    asked = study(tmp_path, (40, 40), (20, 20), seeds=3)
    found = outlook_of(asked)
    (case,) = found["cases"]
    assert found["accuracy"] == 0.9
    assert 0.1 < case["effect"] < 0.9
    assert (case["can_be_seen"], case["can_be_equivalent"]) == (False, True)
    (wide,) = outlook_of(asked, 0.5)["cases"]
    assert (wide["can_be_seen"], wide["can_be_equivalent"]) == (False, False)
    told = " ".join(power.concerns(outlook_of(asked, 0.5)))
    assert "no gain that is possible would be seen with 3 seeds" in told
    assert "could be shown to be the same within no margin at this size" in told
    assert "points" not in told


def test_what_was_measured_says_how_far_accuracy_can_move(tmp_path: Path) -> None:
    asked = study(tmp_path, (40, 40), (20, 20), seeds=3)
    results = {
        "name": "few",
        "verdict": {"components": vars(Components(0.01, 0.01, 0.01))},
        "baseline": "real",
        "arms": [{"name": "real", "scores": {"accuracy": {"mean": 0.4}}}],
    }
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "results.json").write_text(json.dumps(results))
    found = outlook_of(asked)
    assert found["accuracy"] == 0.4
    assert 0.1 < found["cases"][0]["effect"] < 0.6
    assert found["cases"][0]["can_be_seen"]
