"""Numbers of diversity, against closed forms and where they must not move."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from synthmix.cli.app import app
from synthmix.prompts.diversity import diversity
from synthmix.types import Json, Prompt, TextEncoder


def of(texts: list[str], **how: Json) -> dict[str, Json]:
    prompts = [Prompt(0, index, text, "test") for index, text in enumerate(texts)]
    return diversity(prompts, ["cat"], **how)["cat"]


def test_equal_texts_are_one_and_strangers_are_many() -> None:
    same = of(["a red cat"] * 5)
    assert (same["distinct"], same["vendi"], same["similarity"]) == (1, 1.0, 1.0)
    assert same["distinct_1"] == 3 / 15
    apart = of(["red cat", "small dog", "old ship", "wet frog"])
    assert (apart["vendi"], apart["similarity"]) == (4.0, 0.0)
    assert apart["distinct_1"] == apart["distinct_2"] == 1.0


def test_two_texts_have_the_closed_form() -> None:
    cosine = 0.6
    vectors = np.array([[1.0, 0.0], [cosine, math.sqrt(1 - cosine**2)]])
    found = of(["one", "two"], embed=lambda texts: vectors)
    shares = [(1 + cosine) / 2, (1 - cosine) / 2]
    expected = math.exp(-sum(share * math.log(share) for share in shares))
    assert found["vendi"] == pytest.approx(expected, abs=1e-4)
    assert found["similarity"] == pytest.approx(cosine, abs=1e-4)


@given(st.lists(st.sampled_from(["red cat", "a small cat", "cat in the rain", "cat"]), min_size=1))
def test_the_order_of_texts_does_not_matter_and_bounds_hold(texts: list[str]) -> None:
    found = of(texts)
    assert 1 - 1e-6 <= found["vendi"] <= len(texts) + 1e-6
    again = of(texts[::-1])
    assert again["vendi"] == pytest.approx(found["vendi"], abs=1e-3)
    assert {k: v for k, v in again.items() if k not in ("vendi", "similarity")} == {
        k: v for k, v in found.items() if k not in ("vendi", "similarity")
    }


def test_attributes_and_cuts_are_counted() -> None:
    encoder = TextEncoder("clip", 5, lambda text: [f"{word} " for word in text.split()])
    texts = ["A photo of a small red cat", "A photo of a cat"]
    found = of(texts, encoders=[encoder])
    assert found["attributes"] == 2
    assert 0 < found["attribute_groups"] < 0.5
    assert found["cut"] == {"clip": 1}
    assert found["words"] == {"min": 5, "mean": 6.0, "max": 7}
    assert of(["cat"])["similarity"] is None


def test_show_prints_samples_and_numbers(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"cat": ["a red cat", "a wet cat"], "dog": ["a dog"]}))
    done = CliRunner().invoke(app, ["prompts", "show", str(path), "--samples", "1"])
    assert done.exit_code == 0, done.output
    assert "cat:\n  a red cat\ndog:\n  a dog\n" in done.stdout
    assert "a wet cat" not in done.stdout
    told = json.loads(CliRunner().invoke(app, ["prompts", "show", str(path), "--json"]).stdout)
    assert told["cat"]["prompts"] == 2
    assert told["dog"]["vendi"] == 1.0


def test_texts_without_a_word_have_nothing_in_common() -> None:
    assert of(["!!!", "???"])["similarity"] == 0
