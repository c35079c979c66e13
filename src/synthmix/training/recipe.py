"""The training recipe: every setting of a run, resolved before it starts."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Gt, Le, Lt

from synthmix.registry import AS_WRITTEN
from synthmix.types import Device, Precision

REVISION = 2
"""Raised by hand when a recipe trains to other weights than before: old runs are not mixed in."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a classifier is trained; equal for all arms of a study."""

    __pydantic_config__ = AS_WRITTEN

    added_later: ClassVar[tuple[str, ...]] = ()
    """Settings that no run is named by while they have their defaults: see `registry.identity`."""

    model: str = "compact"
    """`compact[-wide|-deep|-deep-wide]`, `resnet18|34|50[-imagenet-stem]` (7x7) or `timm/NAME`."""

    steps: Annotated[int, Ge(1), Le(100_000_000)] = 1000
    """Optimiser steps of every arm, whatever the size of its training set."""

    batch_size: Annotated[int, Ge(2), Le(65_536)] = 128
    """Images of one step."""

    optimizer: Literal["sgd", "muon"] = "sgd"
    """`sgd` with Nesterov momentum, or `muon`, which learns faster and wants a rate near 0.04."""

    learning_rate: Annotated[float, Gt(0), Le(100)] = 0.1
    """Peak of the one-cycle schedule."""

    warmup: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of the steps in which the learning rate rises; it falls to zero in the rest."""

    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    """Nesterov momentum."""

    weight_decay: Annotated[float, Ge(0), Le(10)] = 5e-4
    """L2 penalty on weights, not on norms and biases; `muon` shrinks filters with the rate."""

    label_smoothing: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Probability mass moved from the label to all classes alike."""

    ema_decay: Annotated[float, Ge(0), Lt(1)] = 0.98
    """Decay per step of the averaged weights that are evaluated; 0 evaluates the last ones."""

    crop: Annotated[int, Ge(0), Le(4096)] | None = None
    """Pixels of reflected border before a random crop; an eighth of the image where not given."""

    early_window: Annotated[int, Ge(8), Le(4096)] | None = None
    """Side in pixels of random windows, all that the first half of the steps see: cheaper steps."""

    flip: bool = True
    """Whether images are mirrored left-right half of the time; wrong for digits and letters."""

    alternating_flip: bool = False
    """With `flip`: each image is mirrored in every other pass, not at random (Jordan 2024, 3.6)."""

    cutout: Annotated[int, Ge(0), Le(4096)] = 0
    """Side in pixels of a square that is blanked at a random place; 0 for none."""

    jitter: Annotated[float, Ge(0), Lt(1)] = 0.0
    """Largest relative change of brightness, contrast and saturation, each image on its own."""

    precision: Precision = "auto"
    """`auto` is bfloat16 where the hardware multiplies it natively, else float32."""

    device: Device = "auto"
    """`auto` is CUDA, then MPS, then CPU."""

    threads: Annotated[int, Ge(1), Le(1024)] = 1
    """CPU threads of one run; part of the result, since the order of sums depends on it."""

    deterministic: bool = True
    """Whether a run repeats bitwise; false lets CUDA choose faster kernels."""


def recipe_of(recipe: Recipe, control: str | None, image_size: int) -> Recipe:
    """Return the recipe of a control arm; all but two controls keep the study's."""
    if control == "half-steps":
        return replace(recipe, steps=max(recipe.steps // 2, 1))
    if control == "strong-augmentation":
        return _strengthened(recipe, image_size)
    return recipe


def _strengthened(recipe: Recipe, image_size: int) -> Recipe:
    """Return crops of a fourth of the image, half of its side blanked, and strong jitter.

    Mirroring stays as it is: it is right or wrong, not strong or weak. Sources: DeVries & Taylor
    2017 (cutout), Krizhevsky 2012 (crops, colours).
    """
    crop = image_size // 8 if recipe.crop is None else recipe.crop
    return replace(
        recipe,
        crop=max(2 * crop, 1),
        cutout=max(recipe.cutout, image_size // 2),
        jitter=max(recipe.jitter, 0.4),
    )
