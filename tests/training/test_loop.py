"""The loop: equal steps, exact resume, the same numbers from memory and from a stream."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from synthmix.checkpoints import save
from synthmix.errors import DiskFull
from synthmix.store import Artifact, replacing
from synthmix.training import loop
from synthmix.training.batches import ahead as real_ahead
from synthmix.training.loop import Trainer, learning_rate_at
from synthmix.training.recipe import Recipe
from synthmix.training.weights import save_weights
from synthmix.types import ImageSet, Mixture

Maker = Callable[..., ImageSet]
SMALL = Recipe(steps=12, batch_size=16, learning_rate=0.05, crop=1)


def mixture(real: int, synthetic: int = 0, share: float | None = None) -> Mixture:
    rows = {"gan": np.arange(synthetic)} if synthetic else {}
    return Mixture("arm", 0.0, 0, np.arange(real), rows, share)


def trained(recipe: Recipe, real: ImageSet, seed: int = 0, **more: Any) -> Trainer:
    trainer = Trainer(
        recipe, more.get("mixture", mixture(len(real))), real, more.get("sets", {}), seed=seed
    )
    for _ in trainer.steps():
        pass
    return trainer


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return [value.clone() for value in trainer.state.evaluated.state_dict().values()]


def same(one: Trainer, other: Trainer) -> bool:
    return all(torch.equal(a, b) for a, b in zip(weights(one), weights(other), strict=True))


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
def test_it_learns(make_images: Maker, optimizer: Any) -> None:
    real = make_images(per_class=30)
    recipe = Recipe(steps=150, batch_size=30, learning_rate=0.05, crop=0, flip=False)
    trainer = trained(replace(recipe, optimizer=optimizer), real)
    predicted = trainer.predict(make_images(per_class=20, seed=1).pixels).argmax(axis=1)
    assert (predicted == make_images(per_class=20, seed=1).labels).mean() > 0.9


def test_a_run_repeats_bitwise_and_seeds_differ(make_images: Maker) -> None:
    real = make_images()
    assert same(trained(SMALL, real), trained(SMALL, real))
    assert not same(trained(SMALL, real), trained(SMALL, real, seed=1))


def test_dropout_follows_the_seed_and_the_step_whatever_ran_before(
    make_images: Maker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def dropping(name: str, num_classes: int, size: int) -> torch.nn.Module:
        return torch.nn.Sequential(
            torch.nn.Flatten(),
            torch.nn.Dropout(0.5),
            torch.nn.Linear(3 * size * size, num_classes),
        )

    monkeypatch.setattr(loop, "build_model", dropping)
    real = make_images()
    whole = trained(SMALL, real)
    torch.rand(3)  # another run in the same process
    assert same(whole, trained(SMALL, real))
    assert not same(whole, trained(SMALL, real, seed=1))
    first = Trainer(SMALL, mixture(len(real)), real, {}, seed=0)
    next(iter(first.steps())).save(tmp_path / "checkpoint.pt")
    resumed = Trainer(SMALL, mixture(len(real)), real, {}, seed=0)
    resumed.state.load(tmp_path / "checkpoint.pt")
    for _ in resumed.steps():
        pass
    assert same(whole, resumed)


@pytest.mark.parametrize(
    "settings",
    [{"ema_decay": 0.0}, {"ema_decay": 0.9}, {"optimizer": "muon"}, {"early_window": 8}],
    ids=str,
)
def test_a_resumed_run_equals_an_undisturbed_one(
    make_images: Maker, tmp_path: Path, settings: Any
) -> None:
    recipe = Recipe(steps=12, batch_size=16, learning_rate=0.05, cutout=3, **settings)
    real = make_images()
    first = Trainer(recipe, mixture(len(real)), real, {}, seed=0)
    for state in first.steps():
        if state.step == 5:
            state.save(tmp_path / "checkpoint.pt")
            break
    resumed = Trainer(recipe, mixture(len(real)), real, {}, seed=0)
    resumed.state.load(tmp_path / "checkpoint.pt")
    assert resumed.state.step == 5
    assert len(list(resumed.steps())) == 7
    undisturbed = trained(recipe, real)
    assert same(resumed, undisturbed)
    assert resumed.state.history == undisturbed.state.history


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_told_while_weights_and_checkpoints_are_written(
    make_images: Maker, tmp_path: Path
) -> None:
    real = make_images()
    state = Trainer(SMALL, mixture(len(real)), real, {}, seed=0).state
    with pytest.raises(DiskFull):
        save(state.save, Artifact(tmp_path, "run", 1), "checkpoint.pt")
    with pytest.raises(DiskFull), replacing(tmp_path / "weights.safetensors") as path:
        save_weights(state.model, path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_first_half_of_the_steps_sees_windows(make_images: Maker, steps: int) -> None:
    real = make_images(size=12)
    recipe = Recipe(steps=steps, batch_size=8, early_window=8)
    trainer = Trainer(recipe, mixture(len(real)), real, {}, seed=0)
    seen = []
    trainer.state.model.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[-1]))
    list(trainer.steps())
    early = -(-steps // 2)
    assert seen == [8] * early + [real.image_size] * (steps - early)


def test_labels_are_smoothed_by_the_share_that_is_asked_for(make_images: Maker) -> None:
    """The first loss is that of untouched weights: plain for one share, spread out for the rest."""
    real = make_images()
    recipe = Recipe(model="resnet18", steps=1, batch_size=16, crop=0, flip=False)
    losses = {}
    for share in (0.0, 0.3, 0.6):
        trainer = Trainer(
            replace(recipe, label_smoothing=share), mixture(len(real)), real, {}, seed=0
        )
        next(trainer.steps())
        losses[share] = trainer.state.history[0][1]
    assert losses[0.0] != losses[0.3]
    # it is linear in the share: (1 - share) of the label's loss and a share of the classes' mean
    assert losses[0.3] == pytest.approx((losses[0.0] + losses[0.6]) / 2, abs=1e-5)


@pytest.mark.parametrize("real_images", [6, 30, 90])
def test_every_arm_takes_the_same_steps(make_images: Maker, real_images: int) -> None:
    real = make_images(per_class=30)
    trainer = Trainer(SMALL, mixture(real_images), real, {}, seed=0)
    assert [state.step for state in trainer.steps()] == list(range(1, 13))


def test_a_stream_gives_the_same_weights_as_memory(
    make_images: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synthetic = make_images(), make_images(seed=1)
    mixed = mixture(len(real), len(synthetic))
    in_memory = trained(SMALL, real, mixture=mixed, sets={"gan": synthetic})
    monkeypatch.setattr(loop, "IN_MEMORY_BYTES", 0)
    streamed = trained(SMALL, real, mixture=mixed, sets={"gan": synthetic})
    assert same(in_memory, streamed)


def test_arms_of_one_seed_start_from_the_same_weights(make_images: Maker) -> None:
    real = make_images(per_class=30)
    recipe = Recipe(model="resnet18", steps=1, batch_size=4)
    one, other = (Trainer(recipe, mixture(n), real, {}, seed=3) for n in (30, 90))
    assert same(one, other)


def test_the_one_cycle_rises_and_falls() -> None:
    recipe = Recipe(steps=100, learning_rate=1.0, warmup=0.2)
    rates = [learning_rate_at(step, recipe) for step in range(100)]
    assert np.argmax(rates) in (19, 20)
    assert max(rates) == pytest.approx(1.0, abs=0.03)
    assert rates[0] < 0.03
    assert rates[-1] < 0.01
    # equal area to OneCycleLR with linear annealing and no final floor
    reference = torch.optim.lr_scheduler.OneCycleLR(
        torch.optim.SGD([torch.zeros(1)], lr=1.0),
        max_lr=1.0,
        total_steps=101,
        pct_start=0.2,
        anneal_strategy="linear",
        div_factor=1e9,
        final_div_factor=1e9,
        cycle_momentum=False,
    )
    theirs = []
    for _ in range(100):
        theirs.append(reference.get_last_lr()[0])
        reference.optimizer.step()
        reference.step()
    assert np.abs(np.array(rates) - theirs).max() < 0.06


def test_norms_and_biases_are_not_decayed(make_images: Maker) -> None:
    trainer = Trainer(SMALL, mixture(30), make_images(), {}, seed=0)
    decayed, others = trainer.state.optimizer.param_groups
    assert all(each.ndim > 1 for each in decayed["params"])
    assert all(each.ndim <= 1 for each in others["params"])
    assert others["weight_decay"] == 0


def test_muon_turns_the_filters_alone(make_images: Maker) -> None:
    recipe = replace(SMALL, optimizer="muon", weight_decay=0.1)
    trainer = Trainer(recipe, mixture(30), make_images(), {}, seed=0)
    filters, others = trainer.state.optimizer.param_groups
    assert {each.ndim for each in filters["params"]} == {4}
    assert {each.ndim for each in others["params"]} == {1, 2}
    assert (filters["weight_decay"], others["weight_decay"]) == (0.1, 0)
    count = sum(each.requires_grad for each in trainer.state.model.parameters())
    assert len(filters["params"]) + len(others["params"]) == count
    before = [each.detach().clone() for each in filters["params"]]
    next(iter(trainer.steps()))
    for was, now in zip(before, filters["params"], strict=True):
        step = now.detach() - was * (1 - 0.1 * learning_rate_at(0, recipe))
        # its largest direction no longer outweighs the others as it does in the gradient
        assert stable_rank(step) > 1.5 * stable_rank(now.grad)


def stable_rank(filters: torch.Tensor) -> float:
    values = torch.linalg.svdvals(filters.flatten(1))
    return float(values.square().sum() / values.max().square())


def test_prediction_does_not_depend_on_the_block(
    make_images: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trained(SMALL, make_images())
    pixels = make_images(per_class=11, seed=2).pixels
    whole = trainer.predict(pixels)
    monkeypatch.setattr(loop, "EVALUATION_BATCH", 7)
    np.testing.assert_allclose(trainer.predict(pixels), whole, atol=1e-5)
    assert whole.shape == (33, 3)
    assert whole.dtype == np.float32


def test_a_device_without_room_gets_smaller_batches(
    make_images: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = trained(SMALL, make_images())
    pixels = make_images(per_class=11, seed=2).pixels
    whole = trainer.predict(pixels)
    asked: list[int] = []
    model = trainer.state.evaluated
    forward = model.forward

    def cramped(images: torch.Tensor) -> torch.Tensor:
        asked.append(len(images))
        if len(images) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(images)

    monkeypatch.setattr(model, "forward", cramped)
    monkeypatch.setattr(loop, "EVALUATION_BATCH", 32)
    most = 10
    np.testing.assert_allclose(trainer.predict(pixels), whole, atol=1e-5)
    assert asked == [32, 16, 8, 8, 8, 8, 1]
    most = 0
    with pytest.raises(torch.OutOfMemoryError):
        trainer.predict(pixels[:2])


@pytest.mark.parametrize("in_memory", [True, False])
def test_batches_made_ahead_give_the_same_weights(
    make_images: Maker, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    real = make_images()
    recipe = replace(SMALL, jitter=0.2, cutout=2)
    here = trained(recipe, real)
    if not in_memory:
        monkeypatch.setattr(loop, "IN_MEMORY_BYTES", 0)
    made: list[str] = []
    ahead = Trainer(recipe, mixture(len(real)), real, {}, seed=0)
    ahead.device = "cpu:0"  # by another name, as a GPU has one
    monkeypatch.setattr(loop, "ahead", lambda batches: made.append("ahead") or real_ahead(batches))
    for _ in ahead.steps():
        pass
    assert made == ["ahead"]
    assert same(here, ahead)
