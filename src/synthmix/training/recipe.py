"""The training recipe: every setting of a run, resolved before it starts."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from synthmix.types import Device, Precision


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a classifier is trained; equal for all arms of a study."""

    model: str = "compact"
    """`compact`, `resnet18`, `resnet34` (with `-imagenet-stem` for 7x7 stride 2) or `timm/NAME`."""

    steps: Annotated[int, Ge(1)] = 1000
    """Optimiser steps of every arm, whatever the size of its training set."""

    batch_size: Annotated[int, Ge(2)] = 128
    """Images of one step."""

    learning_rate: Annotated[float, Gt(0)] = 0.1
    """Peak of the one-cycle schedule."""

    warmup: Annotated[float, Ge(0), Lt(1)] = 0.2
    """Share of the steps in which the learning rate rises; it falls to zero in the rest."""

    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9
    """Nesterov momentum."""

    weight_decay: Annotated[float, Ge(0)] = 5e-4
    """L2 penalty on weights of two or more dimensions; norms and biases have none."""

    label_smoothing: Annotated[float, Ge(0), Lt(1)] = 0.1
    """Probability mass moved from the label to all classes alike."""

    ema_decay: Annotated[float, Ge(0), Lt(1)] = 0.98
    """Decay per step of the averaged weights that are evaluated; 0 evaluates the last ones."""

    crop: Annotated[int, Ge(0)] | None = None
    """Pixels of reflected border before a random crop; an eighth of the image where not given."""

    flip: bool = True
    """Whether images are mirrored left-right half of the time; wrong for digits and letters."""

    cutout: Annotated[int, Ge(0)] = 0
    """Side in pixels of a square that is blanked at a random place; 0 for none."""

    precision: Precision = "auto"
    """`auto` is bfloat16 where the hardware multiplies it natively, else float32."""

    device: Device = "auto"
    """`auto` is CUDA, then MPS, then CPU."""

    threads: Annotated[int, Ge(1), Le(1024)] = 1
    """CPU threads of one run; part of the result, since the order of sums depends on it."""

    deterministic: bool = True
    """Whether a run repeats bitwise; false lets CUDA choose faster kernels."""
