"""Image generators: requests in, uint8 images out.

A generator is a frozen dataclass whose fields are its settings. Three promises, held by the
contract tests over every file of this folder:

* one image per request, in order, uint8 `[side, side, 3]`; whoever stores it resizes it;
* an image depends on its request and the settings alone, bitwise, whatever its neighbours,
  order, shard or process (at equal batch size, thread count, precision and versions);
* importing this package imports no framework.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Self

from synthmix.registry import Component
from synthmix.store import Artifact
from synthmix.types import Device, ImageSet, Pixels, Precision, Progress, Request, TextEncoder


class Generator(Component, ABC):
    """Turns requests into images."""

    needs_real: ClassVar[bool] = False
    """Whether `fit` must run on real images before `generate`."""

    needs_prompts: ClassVar[bool] = False
    """Whether every request must carry a prompt."""

    terms: ClassVar[str] = "no weights from elsewhere"
    """Licence of the weights, as one sentence for the data card."""

    batch_size: int
    """Images drawn together; part of the fingerprint, since it may move the last bits."""

    def check(self, class_names: tuple[str, ...]) -> None:
        """Raise SettingError where a setting does not fit the study's classes; cheap."""

    def warnings(self) -> list[str]:
        """Return what of the settings is probably not meant, a sentence each."""
        return []

    def text_encoders(self) -> Sequence[TextEncoder]:
        """Return the limits of what reads the prompts; none where nothing is cut."""
        return ()

    def placed(self, device: Device, precision: Precision) -> Self:
        """Return this generator with the device and precision that name its images.

        The plan resolved them, perhaps on another machine than the one that draws. A generator
        that has no such settings stays as it is.
        """
        return self

    def settled(self, artifact: Artifact) -> Self:
        """Return this generator with nothing left open; what was found is a part of `artifact`."""
        return self

    @abstractmethod
    def generate(
        self,
        requests: Sequence[Request],
        *,
        class_names: tuple[str, ...],
        image_size: int,
        fitted: Path | None = None,
    ) -> Iterator[Pixels]:
        """Yield one uint8 image per request, in order: of `image_size`, or the model's own size.

        `fitted` is the folder of the sealed artifact that `fit` filled, else None.
        """

    def fit(self, real: ImageSet, *, seed: int, artifact: Artifact, progress: Progress) -> None:
        """Fit on real images and leave the weights as parts of `artifact`.

        Checkpoints go to `artifact.scratch(name)`; a killed fit, called again, goes on from there
        and ends with the same bytes as an undisturbed one. Called only where `needs_real`.
        """
        raise AssertionError(f"{type(self).__name__} is not fitted: needs_real is False")
