"""Muon: updates of convolutions whose singular values are all alike.

Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the size of an
update is that of Liu et al. 2025 (2502.16982), section 2.2.

Suffixes: M and N rows and columns, M at most N inside `orthogonalised`; O filters.
"""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

STEPS = 3
"""Iterations of orthogonalising, the number of the original's CIFAR-10 recipe; language models take
5."""

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of x, x^3 and x^5; they take singular values to about 1 quickly rather than exactly."""

RMS = 0.2
"""Root mean square of an update's entries at a rate of 1, near that of Adam."""

REST_SCALE = 0.5
"""Learning rate of Adam, for what has no matrix, relative to that of the filters."""

REST_BETAS = (0.9, 0.95)
EPSILON = 1e-7


class Muon(torch.optim.Optimizer):
    """Muon for convolution filters, Adam with Nesterov momentum for all the rest.

    `dtype` is that of the two products with whole matrices; everything between is float32.
    """

    def __init__(
        self,
        parameters: Iterable[nn.Parameter],
        *,
        lr: float,
        momentum: float,
        weight_decay: float,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        every = list(parameters)
        filters = {"params": [each for each in every if _is_filter(each)], "is_filters": True}
        rest = {"params": [each for each in every if not _is_filter(each)], "is_filters": False}
        groups: list[dict[str, Any]] = [filters, rest | {"weight_decay": 0.0}]
        self.dtype = dtype
        super().__init__(
            [group for group in groups if group["params"]],
            {"lr": lr, "momentum": momentum, "weight_decay": weight_decay},
        )

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient; no closure is taken."""
        for group in self.param_groups:
            for each in group["params"]:
                if each.grad is not None and group["is_filters"]:
                    self._turn(each, each.grad, group)
                elif each.grad is not None:
                    self._move(each, each.grad, group["lr"] * REST_SCALE)

    def _turn(self, filters: Tensor, gradient: Tensor, group: dict[str, Any]) -> None:
        state, momentum = self.state[filters], group["momentum"]
        if not state:
            state["average"] = torch.zeros_like(filters)
        average = state["average"].lerp_(gradient, 1 - momentum)
        update = gradient.lerp(average, momentum)
        filters.mul_(1 - group["lr"] * group["weight_decay"])
        # the order of the columns is free: channels last is how they lie in memory
        update_OX = update.movedim(1, -1).flatten(1)
        turned = orthogonalised(update_OX, self.dtype).view_as(update.movedim(1, -1))
        size = RMS * max(update_OX.shape) ** 0.5
        filters.add_(turned.movedim(-1, 1), alpha=-group["lr"] * size)

    def _move(self, values: Tensor, gradient: Tensor, rate: float) -> None:
        """Take a step of Adam that looks ahead (Dozat 2016, without its schedule)."""
        state, (first, second) = self.state[values], REST_BETAS
        if not state:
            zeros = torch.zeros_like
            state |= {"step": 0, "average": zeros(values), "square": zeros(values)}
        state["step"] += 1
        step = state["step"]
        average = state["average"].lerp_(gradient, 1 - first)
        square = state["square"].lerp_(gradient * gradient, 1 - second)
        ahead = average * (first / (1 - first ** (step + 1)))
        ahead.add_(gradient, alpha=(1 - first) / (1 - first**step))
        spread = (square / (1 - second**step)).sqrt_().add_(EPSILON)
        values.addcdiv_(ahead, spread, value=-rate)


def _is_filter(parameter: Tensor) -> bool:
    # depthwise filters and embeddings of positions are no matrices between channels
    return parameter.ndim > 2 and min(parameter.shape[:2]) > 1


def orthogonalised(matrix_MN: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """Return `matrix_MN` with its singular values brought near 1, in its own type.

    Newton and Schulz's iteration `X <- (a + b XX' + c (XX')^2) X`. All its factors are polynomials
    of the first `XX'`, so they are multiplied as small square matrices, in float32, and `X` takes
    part in two products alone, in `dtype`.
    """
    if len(matrix_MN) > matrix_MN.shape[1]:
        return orthogonalised(matrix_MN.T, dtype).T
    unit_MN = (matrix_MN / matrix_MN.norm().clamp(min=EPSILON)).to(dtype)
    factor_MM = _factor((unit_MN @ unit_MN.T).float())
    turned_MN: Tensor = factor_MM.to(dtype) @ unit_MN
    return turned_MN.to(matrix_MN.dtype)


def _factor(gram_MM: Tensor) -> Tensor:
    """Return the product of all polynomials, which takes the first `X` to the last."""
    factor_MM = _polynomial(gram_MM)
    polynomial_MM = factor_MM
    for _ in range(STEPS - 1):
        gram_MM = polynomial_MM @ gram_MM @ polynomial_MM
        polynomial_MM = _polynomial(gram_MM)
        factor_MM = polynomial_MM @ factor_MM
    return factor_MM


def _polynomial(gram_MM: Tensor) -> Tensor:
    linear, cubic, quintic = COEFFICIENTS
    found_MM = torch.addmm(gram_MM, gram_MM, gram_MM, beta=cubic, alpha=quintic)
    found_MM.diagonal().add_(linear)
    return found_MM
