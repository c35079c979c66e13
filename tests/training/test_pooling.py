import pytest
import torch
from torch.nn import functional

from synthmix.training.pooling import max_pool_consuming


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize(("height", "width"), [(2, 2), (7, 7), (15, 8)])
def test_values_and_gradients_are_the_librarys(
    height: int, width: int, dtype: torch.dtype, layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    # few levels, so that many windows have equal maxima
    x = torch.randint(4, (3, 5, height, width)).to(dtype).contiguous(memory_format=layout)
    x.requires_grad_()
    usual = functional.max_pool2d(x, 2)
    gradient = torch.randn_like(usual)
    (of_usual,) = torch.autograd.grad(usual, x, gradient)
    ours = max_pool_consuming(x)
    assert torch.equal(ours, usual)
    (of_ours,) = torch.autograd.grad(ours, x, gradient)
    assert torch.equal(of_ours, of_usual)
    assert of_ours.data_ptr() == x.data_ptr()


def test_without_gradients_the_input_is_left_alone() -> None:
    x = torch.randn(1, 2, 4, 4)
    before = x.clone()
    assert torch.equal(max_pool_consuming(x), functional.max_pool2d(x, 2))
    assert torch.equal(x, before)


def test_a_network_learns_as_with_the_librarys_pooling() -> None:
    torch.manual_seed(0)
    first, second = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 2, 3)
    images = torch.randn(5, 3, 12, 12)
    gradients = []
    for pool in (max_pool_consuming, lambda x: functional.max_pool2d(x, 2)):
        loss = second(pool(first(images)).sigmoid()).square().sum()
        gradients.append(torch.autograd.grad(loss, [*first.parameters(), *second.parameters()]))
    for ours, usual in zip(*gradients, strict=True):
        assert torch.equal(ours, usual)
