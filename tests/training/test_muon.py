"""The singular values and vectors of an update, and the steps of timm and of torch beside ours."""

import copy
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from timm.optim.muon import Muon as MuonOfTimm
from timm.optim.muon import zeropower_via_newtonschulz
from torch import Tensor, nn

from synthmix.training.muon import (
    COEFFICIENTS,
    EPSILON,
    REST_BETAS,
    REST_SCALE,
    STEPS,
    Muon,
    orthogonalised,
)


def matrix(rows: int, columns: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    # directions of very different strength, as gradients have them
    strength = torch.logspace(0, -3, columns)
    return torch.randn(rows, columns, generator=generator) * strength


def brought_near_one(value: Tensor) -> Tensor:
    linear, cubic, quintic = COEFFICIENTS
    for _ in range(STEPS):
        value = linear * value + cubic * value**3 + quintic * value**5
    return value


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 99))
def test_singular_values_change_and_their_vectors_stay(rows: int, columns: int, seed: int) -> None:
    given_matrix = matrix(rows, columns, seed).double()
    left, values, right = torch.linalg.svd(given_matrix, full_matrices=False)
    expected = left @ torch.diag(brought_near_one(values / values.norm())) @ right
    torch.testing.assert_close(
        orthogonalised(given_matrix.float()).double(), expected, atol=1e-4, rtol=1e-4
    )


@pytest.mark.parametrize("shape", [(64, 216), (100, 30), (32, 32), (1, 9)])
def test_it_agrees_with_timm(shape: tuple[int, int]) -> None:
    whole = zeropower_via_newtonschulz(
        matrix(*shape), STEPS, [COEFFICIENTS], eps=1e-7, dtype=torch.float32
    )
    torch.testing.assert_close(orthogonalised(matrix(*shape)), whole, atol=1e-4, rtol=1e-4)
    rounded = orthogonalised(matrix(*shape), torch.bfloat16)
    assert rounded.dtype == torch.float32
    assert (rounded - whole).norm() < 0.03 * whole.norm()


def network(*, learns: str = "all") -> nn.Module:
    torch.manual_seed(0)
    layers = nn.Sequential(
        nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16), nn.Flatten(), nn.Linear(576, 5)
    ).to(memory_format=torch.channels_last)
    for each in layers.parameters():
        each.requires_grad_(learns in ("all", "filters" if each.ndim > 2 else "rest"))
    return layers


def learning(model: nn.Module) -> list[nn.Parameter]:
    return [each for each in model.parameters() if each.requires_grad]


def advance(model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    images = matrix(8 * 3 * 8, 8, seed=1).view(8, 3, 8, 8)
    for _ in range(5):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(images), torch.arange(8) % 5)
        loss.backward()
        optimizer.step()


def assert_ends_alike(ours: nn.Module, theirs: nn.Module) -> None:
    for now, expected in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(now, expected, atol=1e-5, rtol=1e-4)


def test_filters_move_as_in_timm(monkeypatch: pytest.MonkeyPatch) -> None:
    # its own products are always bfloat16
    exact = partial(zeropower_via_newtonschulz, dtype=torch.float32)
    monkeypatch.setattr("timm.optim.muon.zeropower_via_newtonschulz", exact)
    ours, theirs = network(learns="filters"), network(learns="filters")
    settings = {"lr": 0.01, "momentum": 0.6, "weight_decay": 0.1}
    advance(ours, Muon(learning(ours), **settings))
    iterations = {"ns_steps": STEPS, "ns_coefficients": [COEFFICIENTS]}
    advance(theirs, MuonOfTimm(learning(theirs), nesterov=True, **iterations, **settings))
    assert_ends_alike(ours, theirs)


def test_the_rest_moves_as_in_torch_without_a_schedule_and_is_not_decayed() -> None:
    ours, theirs = network(learns="rest"), network(learns="rest")
    advance(ours, Muon(learning(ours), lr=0.01, momentum=0.6, weight_decay=0.1))
    # so large a decay of its momentum's schedule ends the schedule in the first step
    scheduled = {"momentum_decay": 1e6, "eps": EPSILON, "betas": REST_BETAS}
    advance(theirs, torch.optim.NAdam(learning(theirs), lr=0.01 * REST_SCALE, **scheduled))
    assert_ends_alike(ours, theirs)


def test_no_gradient_is_no_step_and_a_gradient_of_zero_is_finite() -> None:
    model = network()
    before = copy.deepcopy(model.state_dict())
    optimizer = Muon(model.parameters(), lr=0.1, momentum=0.6, weight_decay=0.0)
    optimizer.step()
    for each in model.parameters():
        each.grad = torch.zeros_like(each)
    optimizer.step()
    assert all(torch.equal(each, before[name]) for name, each in model.state_dict().items())


@pytest.mark.parametrize("kept", ["filters", "rest"])
def test_either_kind_of_parameter_may_be_missing(kept: str) -> None:
    groups = Muon(
        learning(network(learns=kept)), lr=0.1, momentum=0.6, weight_decay=0.1
    ).param_groups
    assert [group["is_filters"] for group in groups] == [kept == "filters"]


def test_depthwise_filters_and_embeddings_of_positions_are_no_matrices() -> None:
    depthwise, positions = nn.Conv2d(8, 8, 3, groups=8).weight, nn.Parameter(torch.zeros(1, 4, 8))
    groups = Muon([depthwise, positions], lr=0.1, momentum=0.6, weight_decay=0.1).param_groups
    assert [group["is_filters"] for group in groups] == [False]
