"""Optimisers by name, each with the parameter groups it is meant for."""

from typing import Any

import torch
from torch import nn

from synthmix.training.muon import Muon
from synthmix.training.recipe import Recipe


def build_optimizer(model: nn.Module, recipe: Recipe, precision: str) -> torch.optim.Optimizer:
    """Return the recipe's optimiser over all parameters that are trained, for a run's precision."""
    parameters = [each for each in model.parameters() if each.requires_grad]
    return (
        _sgd(parameters, recipe)
        if recipe.optimizer == "sgd"
        else _muon(parameters, recipe, precision)
    )


def _sgd(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    decayed = [each for each in parameters if each.ndim > 1]
    others = [each for each in parameters if each.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": recipe.weight_decay},
        {"params": others},
    ]
    return torch.optim.SGD(
        groups,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.momentum > 0,
    )


def _muon(parameters: list[nn.Parameter], recipe: Recipe, precision: str) -> torch.optim.Optimizer:
    return Muon(
        parameters,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        # bfloat16 where the hardware has no units for it takes thirty times as long
        dtype=torch.bfloat16 if precision == "bfloat16" else torch.float32,
    )
