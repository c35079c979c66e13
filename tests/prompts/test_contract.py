"""What every prompt strategy promises, over every file of the folder."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synthmix.ledger import Ledger
from synthmix.prompts import PromptStrategy
from synthmix.registry import Registry
from synthmix.types import Prompt

REGISTRY: Registry[PromptStrategy] = Registry("synthmix.prompts", "PromptStrategy")
NAMES = ("cat", "ice_cream", "hour hand")


def prompt_file(folder: Path) -> dict[str, Any]:
    path = folder / "prompts.json"
    path.write_text(json.dumps({name: [f"{name} {n}" for n in range(3)] for name in NAMES}))
    return {"path": str(path)}


def class_file(folder: Path) -> dict[str, Any]:
    path = folder / "classes.json"
    groups = {"colour": {"red": 3, "blue": 2}, "size": {"small": 2}}
    classes = {name: {"names": {}, "groups": groups} for name in NAMES}
    path.write_text(json.dumps({"format": "synthmix attribute classes 1", "classes": classes}))
    return {"visual_genome": str(path)}


NEEDED: dict[str, Callable[[Path], dict[str, Any]]] = {
    "clustered-attributes": class_file,
    "file": prompt_file,
}
"""Settings without a default, for the strategies that have some."""


def settings_of(name: str, folder: Path, request: pytest.FixtureRequest) -> dict[str, Any]:
    if name == "language-model":
        # one at a time: only then it promises equal texts
        return {"model": str(request.getfixturevalue("gemma")), "parallel": 1}
    return NEEDED.get(name, lambda _: {})(folder)


@pytest.fixture(params=REGISTRY.names())
def strategy(request: pytest.FixtureRequest, tmp_path: Path) -> PromptStrategy:
    return REGISTRY.build(request.param, settings_of(request.param, tmp_path, request))


KEPT: dict[tuple[str, int, int], list[Prompt]] = {}


def written(strategy: PromptStrategy, per_class: int, seed: int) -> list[Prompt]:
    """Return prompts; those that cost time are written once for several tests."""
    if not strategy.is_costly:
        return list(strategy.write(NAMES, per_class, seed=seed))
    key = (strategy.name, per_class, seed)
    if key not in KEPT:
        KEPT[key] = list(strategy.write(NAMES, per_class, seed=seed))
    return KEPT[key]


def counts(strategy: PromptStrategy) -> tuple[int, int]:
    """Return a small and a larger number of prompts of each class."""
    return (1, 2) if strategy.is_costly else (4, 7)


def test_every_label_has_its_exact_count_index_major(strategy: PromptStrategy) -> None:
    for per_class in counts(strategy):
        found = [(each.index, each.label) for each in written(strategy, per_class, seed=3)]
        assert found == [(i, label) for i in range(per_class) for label in range(len(NAMES))]


def test_the_same_again(strategy: PromptStrategy) -> None:
    few, _ = counts(strategy)
    assert list(strategy.write(NAMES, few, seed=3)) == written(strategy, few, seed=3)


def test_fewer_are_a_prefix_of_more(strategy: PromptStrategy) -> None:
    few, many = counts(strategy)
    assert written(strategy, few, seed=3) == written(strategy, many, seed=3)[: few * len(NAMES)]


def test_what_a_ledger_holds_is_replayed(strategy: PromptStrategy) -> None:
    few, _ = counts(strategy)
    ledger = Ledger()
    for each in written(strategy, few, seed=3):
        ledger.accept(each)
    again = list(strategy.resume(NAMES, few, seed=3, ledger=ledger))
    assert again == written(strategy, few, seed=3)


def test_prompts_are_texts_that_name_their_strategy(strategy: PromptStrategy) -> None:
    for each in written(strategy, counts(strategy)[0], seed=3):
        assert each.text.strip()
        assert each.strategy == strategy.name
        assert each.strategy in REGISTRY.names()
        assert json.loads(json.dumps(each.source)) == each.source
        assert Counter(each.text)["\n"] == 0


def test_notes_are_lines_for_a_card(strategy: PromptStrategy) -> None:
    strategy.check(NAMES)
    told = strategy.told(written(strategy, counts(strategy)[0], seed=3))
    for note in [*strategy.notes(NAMES), *told]:
        assert note.endswith(".")
        assert "\n" not in note


def test_settings_can_be_stored(strategy: PromptStrategy) -> None:
    settings = json.loads(json.dumps(strategy.settings()))
    assert REGISTRY.build(strategy.name, settings) == strategy


def test_the_strategies_are_these() -> None:
    assert {"class-labels", "clustered-attributes", "file", "language-model"} <= set(
        REGISTRY.names()
    )
