"""A checkpoint that cannot be read costs the work since the beginning, and no more."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from synthmix.checkpoints import resumed, save
from synthmix.store import Artifact
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
    elif kind == "flipped":
        # in the middle of the weights: torch reads such a file without a word
        middle = len(genuine) // 2
        flipped = bytes([genuine[middle] ^ 1])
        path.write_bytes(genuine[:middle] + flipped + genuine[middle + 1 :])
    else:
        path.write_bytes({"empty": b"", "text": b"hello", "cut": genuine[:20_000]}[kind])


@pytest.mark.parametrize(
    "kind",
    ["empty", "text", "cut", "flipped", "folder", "list", "other keys", "another model"],
)
def test_a_damaged_checkpoint_is_put_aside(make_images: Maker, tmp_path: Path, kind: str) -> None:
    real = make_images()

    def start() -> Trainer:
        return Trainer(RECIPE, Mixture("real", 0.0, 0, np.arange(len(real))), real, {}, seed=0)

    undisturbed = end(start())
    trainer = start()
    next(iter(trainer.steps()))
    artifact = Artifact(tmp_path, "run", 1)
    save(trainer.state.save, artifact, "state.pt")
    assert resumed(start, load, artifact, "state.pt").state.step == 1
    assert artifact.found_damaged == []
    checkpoint = artifact.scratch("state.pt")
    genuine = checkpoint.read_bytes()
    checkpoint.unlink()
    damage(kind, checkpoint, genuine)
    found = resumed(start, load, artifact, "state.pt")
    assert found.state.step == 0
    assert not checkpoint.exists()
    assert artifact.found_damaged == ["progress/state.pt"]
    assert (artifact.path / "damaged" / "000-state.pt").exists()
    assert all(torch.equal(value, undisturbed[name]) for name, value in end(found).items())


def write(text: str) -> Callable[[Path], None]:
    def to(path: Path) -> None:
        path.write_text(text)

    return to


def read(work: dict[str, int], path: Path) -> None:
    work.update(json.loads(path.read_text()))


@pytest.mark.parametrize("sums", [None, "", "[]", "{}", "7", '["00"]'])
def test_a_checkpoint_for_which_nothing_vouches_is_not_gone_on_from(
    tmp_path: Path, sums: str | None
) -> None:
    artifact = Artifact(tmp_path, "run", 1)
    save(write('{"step": 3}'), artifact, "state.json")
    beside = artifact.scratch("state.json.sha256.json")
    beside.unlink() if sums is None else beside.write_text(sums)
    assert resumed(dict, read, artifact, "state.json") == {}
    assert artifact.found_damaged == ["progress/state.json"]


@pytest.mark.parametrize("moment", [1, 2])
def test_killed_while_a_checkpoint_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int
) -> None:
    """The sums change places first, the checkpoint after them; either of the two is a good one."""
    artifact = Artifact(tmp_path, "run", 1)
    save(write('{"step": 1}'), artifact, "state.json")
    replace, left = os.replace, moment

    def stopping(*paths: Path) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise KeyboardInterrupt
        replace(*paths)

    monkeypatch.setattr(os, "replace", stopping)
    with pytest.raises(KeyboardInterrupt):
        save(write('{"step": 2}'), artifact, "state.json")
    monkeypatch.undo()
    assert resumed(dict, read, artifact, "state.json") == {"step": 1}


def test_several_are_kept_beside_each_other(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "run", 1)
    for number in range(3):
        artifact.scratch("state.json").write_text(f"damaged {number}")
        assert resumed(dict, read, artifact, "state.json") == {}
    kept = sorted((artifact.path / "damaged").iterdir())
    assert [path.read_text() for path in kept] == ["damaged 0", "damaged 1", "damaged 2"]


def test_an_interruption_is_no_damage(tmp_path: Path) -> None:
    artifact = Artifact(tmp_path, "run", 1)
    save(write("{}"), artifact, "state.json")

    def interrupted(work: dict[str, int], path: Path) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resumed(dict, interrupted, artifact, "state.json")
    assert artifact.scratch("state.json").exists()
