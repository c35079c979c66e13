from collections.abc import Callable

import pytest

from synthmix.errors import SettingError
from synthmix.evaluation.adaptive import Looks
from synthmix.evaluation.hypotheses import Subject, outcomes, parse
from synthmix.evaluation.runs import Runs

SUBJECTS = [
    Subject("real", None, 0.0),
    *(
        Subject(f"{source}@{ratio:g}", source, ratio)
        for source in ("stylegan-xl", "sdxl-labels")
        for ratio in (0.25, 0.5, 1.0)
    ),
    Subject("sdxl-gemma@1", "sdxl-gemma", 1.0),
]


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        (
            "stylegan-xl beats sdxl-labels when training on synthetic only",
            [("stylegan-xl@1", "sdxl-labels@1")],
        ),
        (
            "stylegan-xl beats sdxl-labels",
            [(f"stylegan-xl@{r}", f"sdxl-labels@{r}") for r in ("0.25", "0.5", "1")],
        ),
        ("mix 0.5 beats real-only", [("stylegan-xl@0.5", "real"), ("sdxl-labels@0.5", "real")]),
        (
            "stylegan-xl beats all others when training on synthetic only",
            [("stylegan-xl@1", "sdxl-labels@1"), ("stylegan-xl@1", "sdxl-gemma@1")],
        ),
        ("stylegan-xl@0.5 beats sdxl-labels@1", [("stylegan-xl@0.5", "sdxl-labels@1")]),
        (
            "stylegan-xl beats real-only when training on mix 0.25.",
            [("stylegan-xl@0.25", "real")],
        ),
        ("sdxl-gemma equals sdxl-labels within 0.3 points", [("sdxl-gemma@1", "sdxl-labels@1")]),
        ("real-only BEATS sdxl-gemma by 1.5 points", [("real", "sdxl-gemma@1")]),
    ],
)
def test_sentences_are_read(text: str, pairs: list[tuple[str, str]]) -> None:
    assert list(parse(text, SUBJECTS).pairs) == pairs


def test_margins() -> None:
    assert parse("real-only beats sdxl-gemma by 1.5 points", SUBJECTS).margin == 0.015
    assert parse("real-only beats sdxl-gemma", SUBJECTS).margin == 0
    assert parse("real-only equals sdxl-gemma", SUBJECTS).margin == 0.003
    assert parse("real-only equals sdxl-gemma within 1 point", SUBJECTS).margin == 0.01


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("synthetic data is great", "cannot be read; write 'A beats B', 'A beats B when"),
        ("stylegan beats real-only", "names 'stylegan', no arm or source.*'stylegan-xl'"),
        ("sdxl-gemma beats real-only when training on mix 0.5", "was not run; it was run at 1"),
        ("mix 0.9 beats real-only", "'mix 0.9' was not run; it was run at 0.25, 0.5, 1"),
        ("stylegan-xl beats real-only when training on Mars", "at 'Mars'; write 'synthetic only'"),
        ("stylegan-xl equals real-only by 1 points", "within 0.3 points"),
        ("sdxl-gemma beats stylegan-xl@0.5", "no share in common"),
        ("real-only beats real-only", "compares no two arms"),
    ],
)
def test_sentences_that_cannot_be_read(text: str, said: str) -> None:
    with pytest.raises(SettingError, match=said):
        parse(text, SUBJECTS)


def test_outcomes(make_runs: Callable[..., Runs]) -> None:
    accuracy = {"stylegan-xl": 0.8, "sdxl-labels": 0.6, "sdxl-gemma": 0.6, "real": 0.8}
    runs = {each.arm: make_runs(each.arm, accuracy[each.source or "real"]) for each in SUBJECTS}
    texts = {
        "stylegan-xl beats all others when training on synthetic only": "supported",
        "mix 0.5 beats real-only": "contradicted",
        "stylegan-xl beats real-only": "open",
        "sdxl-gemma beats sdxl-labels": "open",
        "stylegan-xl beats sdxl-labels by 10 points": "supported",
        "stylegan-xl beats sdxl-labels by 30 points": "contradicted",
        "sdxl-gemma equals sdxl-labels within 9 points": "supported",
        "stylegan-xl equals sdxl-labels within 9 points": "contradicted",
    }
    found = outcomes([parse(text, SUBJECTS) for text in texts], runs)
    assert {each.text: each.outcome for each in found} == texts
    assert all(f"is {each.outcome}: " in each.sentence for each in found)
    assert len(found[0].differences) == 2
    assert "the weakest of 2 pairs" in found[0].sentence


def test_more_sentences_ask_for_more(make_runs: Callable[..., Runs]) -> None:
    runs = {each.arm: make_runs(each.arm, 0.7) for each in SUBJECTS}
    one = parse("stylegan-xl@1 beats real-only", SUBJECTS)
    (alone,), among = outcomes([one], runs), outcomes([one] * 4, runs)
    assert among[0].p_adjusted == pytest.approx(min(1, 4 * alone.p_adjusted))


def test_where_seeds_were_added_the_look_is_paid_for(make_runs: Callable[..., Runs]) -> None:
    runs = {
        "sdxl-gemma@1": make_runs("sdxl-gemma@1", 0.92, seeds=9),
        "sdxl-labels@1": make_runs("sdxl-labels@1", 0.9, seeds=3),
    }
    (claim,) = [parse("sdxl-gemma beats sdxl-labels when training on synthetic only", SUBJECTS)]
    (plain,) = outcomes([claim], runs)
    (paid,) = outcomes([claim], runs, Looks().weight)
    assert len(plain.differences["sdxl-gemma@1 - sdxl-labels@1"].values) == 3
    assert paid.p_adjusted == pytest.approx(plain.p_adjusted * 9)
