import pytest
import torch
from torch import Tensor
from torch.nn import functional

from synthmix.hardware import has_native_bfloat16
from synthmix.training.small_maps import LARGEST_SIDE, convolve3x3, weight_gradient


def drawn(*shape: int, dtype: torch.dtype) -> Tensor:
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype)


def of_weight(convolved: Tensor, weight: Tensor, gradient: Tensor) -> Tensor:
    (found,) = torch.autograd.grad(convolved, weight, gradient, retain_graph=True)
    return found


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 2), (3, 5), (7, 4)])
def test_the_product_is_the_librarys_gradient(
    height: int, width: int, layout: torch.memory_format
) -> None:
    x = drawn(3, 4, height, width, dtype=torch.float64).contiguous(memory_format=layout)
    weight = drawn(6, 4, 3, 3, dtype=torch.float64).requires_grad_()
    gradient = drawn(3, 6, height, width, dtype=torch.float64).contiguous(memory_format=layout)
    expected = of_weight(functional.conv2d(x, weight, padding=1), weight, gradient)
    assert torch.allclose(weight_gradient(x, gradient), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("side", [1, 2, LARGEST_SIDE, LARGEST_SIDE + 1])
def test_bfloat16_keeps_outputs_and_input_gradients(side: int) -> None:
    x = drawn(8, 32, side, side, dtype=torch.bfloat16).requires_grad_()
    weight = drawn(48, 32, 3, 3, dtype=torch.float32).requires_grad_()
    gradient = drawn(8, 48, side, side, dtype=torch.bfloat16)
    ours = convolve3x3(x, weight) if side <= LARGEST_SIDE else convolve3x3(x, weight.to(x.dtype))
    usual = functional.conv2d(x, weight.to(x.dtype), padding=1)
    assert torch.equal(ours, usual)
    (of_x,) = torch.autograd.grad(ours, x, gradient, retain_graph=True)
    (of_x_usual,) = torch.autograd.grad(usual, x, gradient, retain_graph=True)
    assert torch.allclose(of_x.float(), of_x_usual.float(), rtol=2**-7, atol=1e-2)
    # where bfloat16 is emulated, the library's own gradient rounds more often
    if side <= LARGEST_SIDE or has_native_bfloat16("cpu"):
        exact = weight_gradient(x.detach().double(), gradient.double())
        # one rounding of the sum, whose terms were exact
        error = (of_weight(ours, weight, gradient) - exact).abs().max()
        assert error <= 2**-8 * exact.abs().max()


@pytest.mark.parametrize(
    ("dtype", "side", "is_ours"),
    [
        (torch.bfloat16, LARGEST_SIDE, True),
        (torch.bfloat16, LARGEST_SIDE + 1, False),
        (torch.float32, LARGEST_SIDE, False),
    ],
)
def test_only_small_maps_in_bfloat16_are_multiplied(
    dtype: torch.dtype, side: int, is_ours: bool
) -> None:
    weight = drawn(4, 4, 3, 3, dtype=dtype).requires_grad_()
    node = convolve3x3(drawn(2, 4, side, side, dtype=dtype), weight).grad_fn
    assert node is not None
    assert ("SmallMap" in node.name()) is is_ours


def test_autocast_rounds_the_weight_and_returns_its_own_gradient() -> None:
    weight = drawn(4, 4, 3, 3, dtype=torch.float32).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        convolved = convolve3x3(drawn(2, 4, 3, 3, dtype=torch.bfloat16), weight)
    convolved.sum().backward()
    assert convolved.dtype == torch.bfloat16
    assert weight.grad is not None
    assert weight.grad.dtype == torch.float32
