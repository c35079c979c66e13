"""What every prompt strategy promises, over every file of the folder."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.prompts import PromptStrategy
from synthmix.registry import Registry

REGISTRY: Registry[PromptStrategy] = Registry("synthmix.prompts", "PromptStrategy")
NAMES = ("cat", "ice_cream", "hour hand")


def prompt_file(folder: Path) -> dict[str, Any]:
    path = folder / "prompts.json"
    path.write_text(json.dumps({name: [f"{name} {n}" for n in range(3)] for name in NAMES}))
    return {"path": str(path)}


NEEDED: dict[str, Callable[[Path], dict[str, Any]]] = {"file": prompt_file}
"""Settings without a default, for the strategies that have some."""


@pytest.fixture(params=REGISTRY.names())
def strategy(request: pytest.FixtureRequest, tmp_path: Path) -> PromptStrategy:
    return REGISTRY.build(request.param, NEEDED.get(request.param, lambda _: {})(tmp_path))


def test_every_label_has_its_exact_count_index_major(strategy: PromptStrategy) -> None:
    for per_class in (1, 5):
        written = list(strategy.write(NAMES, per_class, seed=0))
        found = [(each.index, each.label) for each in written]
        assert found == [(i, label) for i in range(per_class) for label in range(len(NAMES))]


def test_the_same_again(strategy: PromptStrategy) -> None:
    assert list(strategy.write(NAMES, 5, seed=3)) == list(strategy.write(NAMES, 5, seed=3))


def test_fewer_are_a_prefix_of_more(strategy: PromptStrategy) -> None:
    more = list(strategy.write(NAMES, 7, seed=3))
    assert list(strategy.write(NAMES, 4, seed=3)) == more[: 4 * len(NAMES)]


def test_prompts_are_texts_that_name_their_strategy(strategy: PromptStrategy) -> None:
    for each in strategy.write(NAMES, 4, seed=0):
        assert each.text.strip()
        assert each.strategy == strategy.name
        assert each.strategy in REGISTRY.names()
        assert json.loads(json.dumps(each.source)) == each.source
        assert Counter(each.text)["\n"] == 0


def test_settings_can_be_stored(strategy: PromptStrategy) -> None:
    settings = json.loads(json.dumps(strategy.settings()))
    assert REGISTRY.build(strategy.name, settings) == strategy


def test_the_strategies_are_these() -> None:
    assert {"class-labels", "file"} <= set(REGISTRY.names())
