"""Optimisers by name, each with the parameter groups it is meant for."""

from typing import Any

import torch
from torch import nn

from synthmix.errors import MissingPackage
from synthmix.training.recipe import Recipe

FALLBACK_SCALE = 0.5
"""Learning rate of Adam, for what has no matrix, relative to that of the filters."""

NEWTON_SCHULZ_STEPS = 3
"""Iterations of orthogonalising, of which each costs as much: the number of the original's CIFAR-10
recipe (Jordan 2024), where language models take 5."""


def build_optimizer(model: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the recipe's optimiser over all parameters that are trained."""
    parameters = [each for each in model.parameters() if each.requires_grad]
    return _sgd(parameters, recipe) if recipe.optimizer == "sgd" else _muon(parameters, recipe)


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


def _muon(parameters: list[nn.Parameter], recipe: Recipe) -> torch.optim.Optimizer:
    """Orthogonalise the update of each convolution; Adam moves the rest, the head included.

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024); the size of an
    update is that of Liu et al. 2025 (2502.16982), section 2.2.
    """
    try:
        from timm.optim.muon import Muon
    except ModuleNotFoundError as error:
        raise MissingPackage("training.optimizer 'muon' needs: pip install timm") from error
    hidden = [each for each in parameters if each.ndim > 2]
    others = [each for each in parameters if each.ndim <= 2]
    groups: list[dict[str, Any]] = [{"params": hidden}] if hidden else []
    if others:
        groups.append({"params": others, "use_fallback": True, "weight_decay": 0.0})
    found: torch.optim.Optimizer = Muon(
        groups,
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        momentum=recipe.momentum,
        nesterov=True,
        fallback_lr_scale=FALLBACK_SCALE,
        ns_steps=NEWTON_SCHULZ_STEPS,
        ns_coefficients="original",
    )
    return found
