"""The average of weights is that of torch, bit for bit."""

import copy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from synthmix.training.averaging import Averaged


def network() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(288, 4))


@pytest.mark.parametrize("decay", [0.9, 0.999])
def test_it_is_torchs_own(decay: float) -> None:
    torch.manual_seed(0)
    model = network()
    ours = Averaged(model, decay)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay), use_buffers=True)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step in range(4):
        optimizer.zero_grad()
        torch.autograd.backward(model(torch.randn(5, 3, 8, 8)).square().mean())
        optimizer.step()
        ours.update(model, is_first=step == 0)
        theirs.update_parameters(model)
    expected = theirs.module.state_dict()
    for name, value in ours.module.state_dict().items():
        assert torch.equal(value, expected[name]), name


def test_the_model_itself_is_left_alone() -> None:
    model = network()
    ours = Averaged(model, 0.9)
    with torch.no_grad():
        for each in model.parameters():
            each.add_(1)
    before = copy.deepcopy(model.state_dict())
    ours.update(model, is_first=False)
    assert not torch.equal(ours.module.state_dict()["3.bias"], before["3.bias"])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
