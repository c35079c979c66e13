"""A checkpoint that cannot be read costs the work since the beginning, and no more."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from synthmix.checkpoints import resumed
from synthmix.training.loop import Trainer
from synthmix.training.recipe import Recipe
from synthmix.types import ImageSet, Mixture

Maker = Callable[..., ImageSet]
RECIPE = Recipe(steps=4, batch_size=8, crop=1)


def load(trainer: Trainer, path: Path) -> None:
    trainer.state.load(path)


def end(trainer: Trainer) -> dict[str, torch.Tensor]:
    for _ in trainer.steps():
        pass
    found: dict[str, torch.Tensor] = trainer.state.evaluated.state_dict()
    return found


def damage(kind: str, path: Path, genuine: bytes) -> None:
    if kind == "folder":
        path.mkdir()
    elif kind == "list":
        torch.save([1, 2], path)
    elif kind == "other keys":
        torch.save({"epoch": 3}, path)
    elif kind == "another model":
        saved = {"step": 2, "history": [], "model": {"weight": torch.zeros(3)}}
        torch.save(saved | {"optimizer": {}, "averaged": {}}, path)
    else:
        path.write_bytes({"empty": b"", "text": b"hello", "cut": genuine[:20_000]}[kind])


@pytest.mark.parametrize(
    "kind", ["empty", "text", "cut", "folder", "list", "other keys", "another model"]
)
def test_a_damaged_checkpoint_is_put_aside(make_images: Maker, tmp_path: Path, kind: str) -> None:
    real = make_images()

    def start() -> Trainer:
        return Trainer(RECIPE, Mixture("real", 0.0, 0, np.arange(len(real))), real, {}, seed=0)

    undisturbed = end(start())
    saved = tmp_path / "genuine.pt"
    trainer = start()
    next(iter(trainer.steps()))
    trainer.state.save(saved)
    checkpoint = tmp_path / "state.pt"
    damage(kind, checkpoint, saved.read_bytes())
    found = resumed(start, load, checkpoint)
    assert found.state.step == 0
    assert not checkpoint.exists()
    assert (tmp_path / "state.pt.damaged").exists()
    assert all(torch.equal(value, undisturbed[name]) for name, value in end(found).items())
    assert resumed(start, load, saved).state.step == 1


def test_several_are_kept_beside_each_other(tmp_path: Path) -> None:
    checkpoint = tmp_path / "state.json"

    def read(work: dict[str, int], path: Path) -> None:
        work.update(json.loads(path.read_text()))

    for number in range(3):
        checkpoint.write_text(f"damaged {number}")
        assert resumed(dict, read, checkpoint) == {}
    assert sorted(path.read_text() for path in tmp_path.iterdir()) == [
        "damaged 0",
        "damaged 1",
        "damaged 2",
    ]


def test_an_interruption_is_no_damage(tmp_path: Path) -> None:
    checkpoint = tmp_path / "state.json"
    checkpoint.write_text("{}")

    def interrupted(work: dict[str, int], path: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resumed(dict, interrupted, checkpoint)
    assert checkpoint.exists()
