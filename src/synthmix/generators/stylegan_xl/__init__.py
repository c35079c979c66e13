"""StyleGAN-XL: class-conditional images from published weights, in one pass of a network."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from annotated_types import Ge, Le

from synthmix.errors import DataError, SettingError, suggestion
from synthmix.generators import Generator
from synthmix.generators.stylegan_xl._checkpoint import checked_sha256
from synthmix.types import Device as DeviceName
from synthmix.types import Pixels, Precision, Request

Psi = Annotated[float, Ge(0), Le(2)]


@dataclass(frozen=True, kw_only=True)
class StyleganXl(Generator):
    """Draws images of a class from a trained StyleGAN-XL (Sauer et al. 2022).

    The checkpoint is a published pickle, read without running anything it holds, or the
    safetensors file that `synthmix weights convert` makes of it.
    """

    terms: ClassVar[str] = (
        "StyleGAN-XL's repository is under the MIT licence (its source files carry NVIDIA's own "
        "terms); weights are published without terms of their own, and the images they were "
        "trained on have theirs"
    )

    checkpoint: Path
    """The published pickle (such as `cifar10.pkl`) or its converted safetensors file."""

    sha256: str | None = None
    """What the checkpoint's sha256 must be; not checked where not given."""

    class_names: tuple[str, ...] = ()
    """The network's classes in its own order; the study's, in their order, where not given."""

    truncation_psi: Psi = 1.0
    """1 draws the whole variety; towards 0 all images near the mean image of their class."""

    class_truncation_psi: Mapping[str, Psi] = field(default_factory=dict)
    """Classes that take another `truncation_psi`, by name."""

    truncation_cutoff: Annotated[int, Ge(0), Le(1000)] | None = None
    """Layers, from the coarsest, that are truncated; all where not given."""

    centroids: Path | None = None
    """A `.npy` file `[K, w_dim]`: truncation goes towards the nearest of these styles instead."""

    seeds: Literal["synthmix", "original"] = "synthmix"
    """`original`: image i of every class has the latent of the image script's `--seeds i`."""

    conversion: Literal["round", "truncate"] = "round"
    """To whole grey levels: rounded, or cut off as the original's image script does."""

    batch_size: Annotated[int, Ge(1), Le(65_536)] = 4
    """Images drawn together; 4 suits a processor's cache, a GPU takes 64 and more."""

    precision: Precision = "auto"
    """Of the convolutions; `auto` is float32. bfloat16 errs by about 1 % of the pixels' spread."""

    device: DeviceName = "auto"
    """`auto` is CUDA, then MPS, then CPU."""

    def settings(self) -> dict[str, Any]:
        """Return every setting; files are named by their content, wherever they lie."""
        named = {"checkpoint": checked_sha256(self.checkpoint, self.sha256)}
        if self.centroids is not None:
            named["centroids"] = checked_sha256(self.centroids)
        return {**super().settings(), **named, "sha256": None}

    def placed(self, device: DeviceName, precision: Precision) -> "StyleganXl":
        # `auto` is float32 on every device
        return replace(self, device=device)

    def check(self, class_names: tuple[str, ...]) -> None:
        self._check_names(class_names)
        self.psi(class_names)

    def generate(
        self,
        requests: Sequence[Request],
        *,
        class_names: tuple[str, ...],
        image_size: int,
        fitted: Path | None = None,
    ) -> Iterator[Pixels]:
        """Yield one uint8 image per request, in order, at the network's own size."""
        if not requests:
            return
        from synthmix.generators.stylegan_xl._draw import draw

        _check_labels(requests, class_names)
        yield from draw(self, requests, class_names)

    def labels(self, class_names: tuple[str, ...], c_dim: int) -> list[int]:
        """Return the network's label of each class of the study."""
        if not c_dim:
            raise DataError(
                f"{self.checkpoint} is unconditional: it has no classes and cannot draw labelled "
                "images."
            )
        if self.class_names:
            return self._named_labels(class_names, c_dim)
        if len(class_names) != c_dim:
            raise DataError(
                f"{self.checkpoint} draws {c_dim} classes, but the study has {len(class_names)}; "
                f"name the network's {c_dim} in the setting class_names, in its order."
            )
        return list(range(c_dim))

    def _named_labels(self, class_names: tuple[str, ...], c_dim: int) -> list[int]:
        if len(self.class_names) != c_dim:
            raise SettingError(
                f"class_names holds {len(self.class_names)} names, but {self.checkpoint} draws "
                f"{c_dim} classes."
            )
        self._check_names(class_names)
        return [self.class_names.index(name) for name in class_names]

    def _check_names(self, class_names: tuple[str, ...]) -> None:
        for name in class_names if self.class_names else ():
            if name not in self.class_names:
                raise SettingError(
                    f"class_names has no '{name}', a class of the study. "
                    f"{suggestion(name, self.class_names)}"
                )

    def psi(self, class_names: tuple[str, ...]) -> list[float]:
        """Return the truncation of each class; raises SettingError for one that is none."""
        for name in self.class_truncation_psi:
            if name not in class_names:
                raise SettingError(
                    f"class_truncation_psi has '{name}', which is no class of the study. "
                    f"{suggestion(name, class_names)}"
                )
        return [self.class_truncation_psi.get(name, self.truncation_psi) for name in class_names]


def _check_labels(requests: Sequence[Request], class_names: tuple[str, ...]) -> None:
    for request in requests:
        if not 0 <= request.label < len(class_names):
            raise DataError(
                f"Image {request.index} asks for label {request.label}; the study has the labels "
                f"0 to {len(class_names) - 1}."
            )
