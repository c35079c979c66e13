"""Runs that are alike are one row; what is in progress, or in another state, stands alone."""

from typing import Any

from synthmix.cli import _steps


def row(stage: str, target: str, seed: int, state: str = "to do", on: str = "") -> dict[str, Any]:
    label = f"{target} on {on}" if on else target
    return {"stage": stage, "target": label, "on": on, "seed": seed, "state": state, "time": 1.5}


def test_rows_are_grouped_by_target_and_state() -> None:
    rows = [
        row("train", "real", 0, "done"),
        row("train", "real", 1, "in progress"),
        row("train", "real", 2, "in progress"),
        row("train", "real", 3),
        row("train", "real", 4),
        row("train", "mix@1", 0, "done"),
        row("predict", "real", 0, on="corruptions"),
        row("predict", "mix@1", 0, on="corruptions"),
        row("predict", "real", 0, on="mirror/mix"),
    ]
    told = [(_steps.target(each), _steps.runs(each)) for each in _steps.grouped(rows)]
    assert told == [
        ("real", "seed 0"),
        ("real", "seed 1"),
        ("real", "seed 2"),
        ("real", "2 runs"),
        ("mix@1", "seed 0"),
        ("2 arms on corruptions", "2 runs"),
        ("real on mirror/mix", "seed 0"),
    ]


def test_sums_are_known_where_all_of_them_are() -> None:
    rows = [row("train", "real", 0), row("train", "real", 1)]
    assert _steps.total(rows, "time") == 3
    assert _steps.total([*rows, {**rows[0], "time": None}], "time") is None
    assert _steps.same(rows, "target") == "real"
    assert _steps.same(rows, "seed") == ""
