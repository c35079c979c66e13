"""A class-conditional rectified flow, fitted on the study's own real images.

Settings alone: what fits (`_fit`) and draws (`_draw`) loads torch, which a plan need not pay for.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar

from annotated_types import Ge, Gt, Le, Lt

from synthmix.errors import SettingError
from synthmix.generators import Generator
from synthmix.store import Artifact
from synthmix.types import Device, ImageSet, Pixels, Precision, Progress, Request

_WIDTH_MULTIPLE = 8


@dataclass(frozen=True, kw_only=True)
class Flow(Generator):
    """Carries noise to images of a class along an ordinary differential equation.

    Rectified flow (Liu et al. 2023, equation 1; flow matching, Lipman et al. 2023): a network
    learns the velocity `data - noise` at `(1 - t) noise + t data`, on top of the velocity that is
    exact for Gaussian classes. Images are RGB of any size; a processor fits small ones, up to
    about 32x32, in minutes. Its memory grows with classes times the square of `rank`.
    """

    needs_real: ClassVar[bool] = True
    terms: ClassVar[str] = "weights fitted on the study's real images, under those images' terms"

    fit_steps: Annotated[int, Ge(1), Le(10_000_000)] = 3000
    """Optimiser steps of the fit."""

    fit_batch_size: Annotated[int, Ge(1), Le(65_536)] = 32
    """Real images of one optimiser step."""

    learning_rate: Annotated[float, Gt(0), Le(10)] = 4e-3
    """Peak of the AdamW rate, reached after a short warm-up; it falls to zero along a cosine."""

    weight_decay: Annotated[float, Ge(0), Le(10)] = 0.01
    """AdamW's decoupled weight decay."""

    ema_decay: Annotated[float, Ge(0), Lt(1)] = 0.999
    """Decay per step of the averaged weights that draw the images; lower in the first steps."""

    flip: bool = True
    """Whether the fit sees images mirrored half of the time; wrong for digits and letters."""

    rank: Annotated[int, Ge(1), Le(65_536)] = 256
    """Principal directions in which each class has a covariance of its own."""

    widths: tuple[Annotated[int, Ge(8), Le(8192)], ...] = (16, 32, 96, 128)
    """Channels from the finest level to the coarsest, multiples of 8; small images use the last."""

    blocks: tuple[Annotated[int, Ge(1), Le(100)], ...] = (1, 1, 2, 1)
    """Residual blocks on each side of each level."""

    steps: Annotated[int, Ge(1), Le(1000)] = 6
    """Midpoint steps from noise to image, two network evaluations each."""

    batch_size: Annotated[int, Ge(1), Le(65_536)] = 64
    """Images drawn together; part of the fingerprint, since it may move the last bits."""

    precision: Precision = "auto"
    """`auto` is bfloat16 where the hardware multiplies it natively, else float32."""

    device: Device = "auto"
    """`auto` is CUDA, then MPS, then CPU."""

    def __post_init__(self) -> None:
        if not self.widths or any(each < 1 or each % _WIDTH_MULTIPLE for each in self.widths):
            raise SettingError(
                f"widths is {self.widths}; it must hold multiples of 8, at least one."
            )
        if len(self.blocks) != len(self.widths) or min(self.blocks) < 1:
            raise SettingError(
                f"blocks is {self.blocks}; it must hold {len(self.widths)} numbers from 1, "
                "one for each of widths."
            )

    def placed(self, device: Device, precision: Precision) -> "Flow":
        return replace(self, device=device, precision=precision)

    def fit(self, real: ImageSet, *, seed: int, artifact: Artifact, progress: Progress) -> None:
        """Fit Gaussians, then the network; the averaged weights become a part of `artifact`."""
        from synthmix.generators.flow._fit import fit

        fit(self, real, seed=seed, artifact=artifact, progress=progress)

    def generate(
        self,
        requests: Sequence[Request],
        *,
        class_names: tuple[str, ...],
        image_size: int,
        fitted: Path | None = None,
    ) -> Iterator[Pixels]:
        """Yield one uint8 image `[image_size, image_size, 3]` per request, in order."""
        from synthmix.generators.flow._draw import draw

        assert fitted is not None, "a flow is fitted before it draws"
        yield from draw(self, requests, len(class_names), image_size, fitted)
