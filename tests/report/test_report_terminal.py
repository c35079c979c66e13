"""The terminal says what the report's first line says, then one line an arm."""

import json

from synthmix.report import terminal
from synthmix.results import typed as results


def _contrast(mean, low, high):
    return {"mean": mean, "low": low, "high": high, "p": 0.01, "values": []}


def _arm(name, text, gain, full, **more):
    return {"arm": name, "text": text, "gain": gain, "full": full} | {
        "label": text,
        "sentence": f"{name} is judged.",
        "comparator": "its own 150 real images alone",
        "controls": [],
        "unclaimed": [],
        "detectable": 0.02,
        "cells": [],
        "num_seeds": 5,
        **more,
    }


VERDICT = {
    "label": "helps",
    "text": "helps",
    "sentence": "1 of 2 arms (flow@0.5): helps.",
    "rule": {"margin": 0.003},
    "worth": None,
    "per_class": None,
    "arms": [
        _arm("flow@0.5", "helps", _contrast(0.02, 0.01, 0.03), _contrast(-0.01, -0.02, 0.0)),
        _arm("flow@1", "hurts", None, _contrast(-0.1, -0.12, -0.08), num_seeds=3),
    ],
    "hypotheses": [{"text": "flow beats real-only", "outcome": "contradicted", "sentence": "No."}],
}


def _lines(make_study, folder, **changes):
    make_study(folder, sources=("flow",), samples=False, **changes)
    return terminal.lines(results.load(folder))


def test_a_line_an_arm_and_the_outcome_of_each_hypothesis(tmp_path, make_study):
    assert _lines(make_study, tmp_path, verdict=VERDICT) == [
        "Helps. 1 of 2 arms (flow@0.5): helps.",
        "  flow@0.5: helps; +2.00 points [+1.00, +3.00] against its own 150 real images alone, "
        "5 seeds",
        "  flow@1: hurts; −10.00 points [−12.00, −8.00] against all real images, 3 seeds",
        "Declared beforehand:",
        "  contradicted: flow beats real-only",
    ]


def test_an_interval_above_zero_that_is_no_verdict_is_explained(tmp_path, make_study):
    gain = _contrast(0.02, 0.01, 0.03)
    arms = [_arm("flow@0.5", "no evidence", gain, None), _arm("flow@1", "helps", gain, None)]
    found = _lines(make_study, tmp_path, verdict={**VERDICT, "arms": arms, "hypotheses": []})
    assert found[1].endswith(
        "its lead over a control, or over chance among all mixes, is not shown"
    )
    assert "is not shown" not in found[2]


def test_hypotheses_that_were_changed_are_not_said_to_be_declared_beforehand(tmp_path, make_study):
    from synthmix import report

    found = _lines(make_study, tmp_path, verdict=VERDICT, redeclared="resolved-1.json")
    assert found[3].startswith("Declared, but changed since the study began (resolved-1.json has")
    page = report.write(tmp_path).read_text()
    assert "Declared beforehand" not in page
    assert "changed since the study began" in page


def test_an_arm_that_cannot_be_compared_is_its_verdict_alone(tmp_path, make_study):
    arms = [_arm("flow@1", "invalid: nothing", None, None)]
    found = _lines(make_study, tmp_path, verdict={**VERDICT, "arms": arms, "hypotheses": []})
    assert found[1:] == ["  flow@1: invalid: nothing"]


def test_without_a_verdict_there_is_the_headline_alone(tmp_path, make_study):
    assert len(_lines(make_study, tmp_path, verdict=None)) == 1


def test_a_reduced_budget_stands_in_the_first_line(tmp_path, make_study):
    first = _lines(make_study, tmp_path, verdict=VERDICT, reduced_budget=True)[0]
    assert first == (
        "Helps, at a reduced budget that the study declares. 1 of 2 arms (flow@0.5): helps."
    )
    assert _lines(make_study, tmp_path, verdict=None, reduced_budget=True)[0].startswith(
        "At a reduced budget: "
    )


def test_the_reports_first_line_is_the_verdict(tmp_path, make_study):
    from synthmix import report

    folder = make_study(tmp_path, sources=("flow",), verdict=VERDICT, reduced_budget=True)
    page = report.write(folder).read_text()
    header = page[page.index("<body>") : page.index("</header>")]
    first = header.index("Helps, at a reduced budget that the study declares.")
    assert header.index("<h1>") < first < header.index("Does synthetic data help?")


def test_runs_stand_beside_runs_of_real_images(tmp_path, make_study):
    from synthmix import report

    run = {"seed": 0, "real": "real-150", "only_arm": 1230, "only_real": 18, "p": 1e-9}
    arms = [_arm("flow@0.5", "helps", _contrast(0.02, 0.01, 0.03), None, mcnemar=[run])]
    old = _arm("flow@1", "helps", None, _contrast(0.02, 0.01, 0.03))  # of results without them
    told = {**VERDICT, "arms": [*arms, old]}
    folder = make_study(tmp_path, sources=("flow",), verdict=told)
    page = report.write(folder).read_text()
    rows = page[page.index("Run against run") :]
    assert ">1,230<" in rows
    assert ">&lt; 0.001<" in rows or ">< 0.001<" in rows
    assert (folder / "tables" / "mcnemar.csv").read_text().splitlines() == [
        "arm,seed,real,only_arm,only_real,p",
        "flow@0.5,0,real-150,1230,18,1e-09",
    ]


def test_arms_may_differ_in_their_number_of_seeds(tmp_path, make_study):
    from synthmix import report

    folder = make_study(tmp_path, num_seeds=4, sources=("flow",), verdict=VERDICT)
    stored = json.loads((folder / "results.json").read_text())
    short = stored["arms"][-1]
    short["runs"] = short["runs"][:2]
    (folder / "results.json").write_text(json.dumps(stored))
    page = report.write(folder).read_text()
    assert "2 to 4 seeds" in page
    rows = (folder / "tables" / "arms.csv").read_text().splitlines()
    number = rows[0].split(",").index("num_runs")
    assert {row.split(",")[0]: row.split(",")[number] for row in rows[1:]} == {
        "real": "4",
        "flow@0.5": "4",
        "flow@1": "2",
    }
