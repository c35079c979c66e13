"""A step on a GPU mixes no devices: tried with tensors that have a shape and a device, no numbers.

torch refuses to mix devices there as a GPU would, so this needs none. Gradients cannot be computed
so; they are handed out.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode

from synthmix.generators.flow import Flow
from synthmix.generators.flow._velocity import integrate, model_of
from synthmix.training.loop import Trainer
from synthmix.training.optimizers import build_optimizer
from synthmix.training.recipe import Recipe
from synthmix.types import ImageSet, Mixture
from tests.generators.stylegan_xl import published

GPU = "cuda"
SIDE = 32


@pytest.fixture(scope="module")
def images() -> ImageSet:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (24, SIDE, SIDE, 3), dtype=np.uint8)
    return ImageSet(pixels, np.arange(24) % 3, ("a", "b", "c"), "noise")


@pytest.fixture(autouse=True)
def _no_warning_that_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    # asked where `auto` is bfloat16, as on processors with matrix units
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda *_, **__: True)


def placed(module: nn.Module) -> None:
    """Put shapes on the GPU in place of all weights and buffers."""
    for each in module.modules():
        for name, value in list(each._parameters.items()):
            if value is not None:
                each._parameters[name] = nn.Parameter(shape(value), value.requires_grad)
        for name, buffer in list(each._buffers.items()):
            if buffer is not None:
                each._buffers[name] = shape(buffer)


def shape(value: Tensor) -> Tensor:
    return torch.empty(value.shape, dtype=value.dtype, device=GPU)


def test_what_would_be_refused_there_is_refused_here() -> None:
    with FakeTensorMode(), pytest.raises(RuntimeError, match="same device"):
        torch.empty(3, device=GPU) + torch.empty(3)


@pytest.mark.parametrize("optimizer", ["sgd", "muon"])
@pytest.mark.parametrize(
    "model", ["compact", "compact-deep", "resnet18", "timm/vit_tiny_patch16_224"]
)
def test_a_step_of_training(
    images: ImageSet, monkeypatch: pytest.MonkeyPatch, model: str, optimizer: Any
) -> None:
    recipe = Recipe(steps=3, batch_size=8, model=model, optimizer=optimizer, device="cpu")
    trainer = Trainer(recipe, Mixture("real", 0.0, 0, np.arange(24)), images, {}, seed=0)
    state = trainer.state
    assert state.averaged is not None

    def unseeded(step: int) -> AbstractContextManager[None]:
        return nullcontext()

    def handed_out(loss: Tensor) -> None:
        assert loss.device.type == GPU
        for weight in state.model.parameters():
            weight.grad = torch.empty_like(weight)

    monkeypatch.setattr(trainer, "_repeatable", unseeded)
    monkeypatch.setattr(torch.autograd, "backward", handed_out)
    trainer.device = GPU
    with FakeTensorMode():
        placed(state.model)
        placed(state.averaged.module)
        state.optimizer = build_optimizer(state.model, recipe, "float32")
        for _ in range(2):
            batch = torch.empty(8, 3, SIDE, SIDE, device=GPU)
            trainer._advance(batch, torch.zeros(8, dtype=torch.int64, device=GPU), 0.1)
            state.step += 1


@pytest.mark.parametrize("size", [SIDE, 28])
def test_fitting_and_drawing_a_flow(size: int) -> None:
    settings = Flow(widths=(16, 32), blocks=(1, 1), rank=4, batch_size=4)
    model = model_of(settings, 3, size)
    with FakeTensorMode():
        placed(model)
        noise = torch.empty(4, 3, size, size, device=GPU)
        times = torch.empty(4, device=GPU)
        labels = torch.zeros(4, dtype=torch.int64, device=GPU)
        assert model.loss(noise, noise, times, labels).device.type == GPU

        def velocity(state: Tensor, time: float) -> Tensor:
            found: Tensor = model(state, torch.full((4,), time, device=GPU), labels)
            return found

        with torch.no_grad():
            drawn = integrate(velocity, noise, 2)
        assert drawn.shape == noise.shape
        assert drawn.device.type == GPU


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_drawing_with_stylegan_xl(dtype: torch.dtype) -> None:
    network = published.random_network(published.small_architecture()).prepare(dtype)
    spec = network.spec.mapping
    with FakeTensorMode(), torch.no_grad():
        placed(network)
        latents = torch.empty(2, spec.z_dim, device=GPU)
        labels = torch.zeros(2, dtype=torch.int64, device=GPU)
        styles = network.mapping(latents, labels, psi=torch.empty(2, device=GPU), cutoff=None)
        assert network.synthesis(styles).device.type == GPU
