"""What a StyleGAN-XL generator is built from: one specification a layer.

A file's own layers decide; its top-level arguments do not determine them.
"""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Annotated, Any

from annotated_types import Ge, Gt, Le

from synthmix.generators.stylegan_xl._filters import Band

Count = Annotated[int, Ge(1), Le(2**16)]
Side = Annotated[int, Ge(1), Le(2048)]
Rate = Annotated[float, Gt(0), Le(2**16)]
Gain = Annotated[float, Gt(0), Le(2**16)]

# a file's header must not claim memory that its weights would not; published networks have 1024
# pixels, resample by 8 and filter with 48 taps
LARGEST_FACTOR = 64
LARGEST_TAPS = 512
LARGEST_SIDE = 8192
"""At the rate in between, where a layer is at its largest."""

MOST_LAYERS = 64
_LAYER_NAME = re.compile(r"L\d{1,4}_\d{1,5}_\d{1,5}")


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One synthesis layer: modulated convolution, upsampling, leaky ReLU, downsampling."""

    name: str
    is_torgb: bool
    is_critically_sampled: bool
    in_channels: Count
    out_channels: Count
    in_size: Side
    out_size: Side
    in_sampling_rate: Rate
    out_sampling_rate: Rate
    in_cutoff: Rate
    out_cutoff: Rate
    in_half_width: Rate
    out_half_width: Rate
    conv_kernel: Annotated[int, Ge(1), Le(15)] = 3
    conv_clamp: Gain | None = 256
    filter_size: Annotated[int, Ge(1), Le(64)] = 6
    lrelu_upsampling: Annotated[int, Ge(1), Le(16)] = 2
    use_radial_filters: bool = False

    def __post_init__(self) -> None:
        for factor in (self.up, self.down):
            if not 1 <= factor <= LARGEST_FACTOR:
                raise ValueError(f"layer {self.name[:40]} resamples by {factor}")
        if not _LAYER_NAME.fullmatch(self.name):
            raise ValueError(f"a layer is called {self.name[:40]!r}, not like L0_36_512")
        if max(self.up_taps, self.down_taps) > LARGEST_TAPS:
            raise ValueError(f"layer {self.name} has more than {LARGEST_TAPS} taps in a filter")
        if self.conv_size * self.up > LARGEST_SIDE:
            raise ValueError(f"layer {self.name} is more than {LARGEST_SIDE} places wide")
        if self.is_torgb and (self.up, self.down, self.conv_size) != (1, 1, self.out_size):
            raise ValueError(f"layer {self.name} gives the image, but changes its size")

    @property
    def tmp_sampling_rate(self) -> float:
        """Rate at which the nonlinearity is applied."""
        gain = 1 if self.is_torgb else self.lrelu_upsampling
        return max(self.in_sampling_rate, self.out_sampling_rate) * gain

    @property
    def up(self) -> int:
        """Factor from the input's rate to the temporary one."""
        return round(self.tmp_sampling_rate / self.in_sampling_rate)

    @property
    def down(self) -> int:
        """Factor from the temporary rate to the output's."""
        return round(self.tmp_sampling_rate / self.out_sampling_rate)

    @property
    def is_radial(self) -> bool:
        """Whether the downsampling filter is two-dimensional."""
        return self.use_radial_filters and not self.is_critically_sampled and self.down_taps > 1

    @property
    def up_taps(self) -> int:
        """Length of the upsampling filter; 1 for none."""
        return self.filter_size * self.up if self.up > 1 and not self.is_torgb else 1

    @property
    def down_taps(self) -> int:
        """Length of the downsampling filter; 1 for none."""
        return self.filter_size * self.down if self.down > 1 and not self.is_torgb else 1

    @property
    def up_band(self) -> Band:
        """Specification of the upsampling filter."""
        return Band(self.up_taps, self.in_cutoff, self.in_half_width, self.tmp_sampling_rate)

    @property
    def down_band(self) -> Band:
        """Specification of the downsampling filter."""
        return Band(self.down_taps, self.out_cutoff, self.out_half_width, self.tmp_sampling_rate)

    @property
    def conv_size(self) -> int:
        """Side of the convolution's output, which is padded on all sides."""
        return self.in_size + self.conv_kernel - 1

    @property
    def padding(self) -> tuple[int, int]:
        """Places before and after at the temporary rate; negative ones crop."""
        wanted = (self.out_size - 1) * self.down + 1 + self.up_taps + self.down_taps - 2
        total = wanted - self.conv_size * self.up
        lower = (total + self.up) // 2
        return lower, total - lower


@dataclass(frozen=True, kw_only=True)
class Fourier:
    """The input: `channels` sine waves on a grid of `size` places a side."""

    channels: Count
    size: Side
    sampling_rate: Rate
    bandwidth: Rate


@dataclass(frozen=True, kw_only=True)
class Mapping:
    """From latents and classes to styles; `c_dim` is 0 for an unconditional network."""

    z_dim: Count
    c_dim: Annotated[int, Ge(0), Le(2**16)]
    w_dim: Count
    num_layers: Annotated[int, Ge(1), Le(64)] = 2
    lr_multiplier: Gain = 0.01
    num_embeddings: Count = 1000
    embedding_dim: Count = 320


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """A whole generator."""

    img_resolution: Side
    img_channels: Annotated[int, Ge(1), Le(4)]
    output_scale: Gain
    mapping: Mapping
    fourier: Fourier
    layers: tuple[Layer, ...]

    def __post_init__(self) -> None:
        names = {layer.name for layer in self.layers}
        if not 1 <= len(names) == len(self.layers) <= MOST_LAYERS:
            raise ValueError(f"it has no layers, equal ones, or more than {MOST_LAYERS}")
        before: Fourier | Layer = self.fourier
        for layer in self.layers:
            channels, size = _output(before)
            if (layer.in_channels, layer.in_size) != (channels, size):
                raise ValueError(
                    f"layer {layer.name} takes {layer.in_channels} channels of side "
                    f"{layer.in_size}, but gets {channels} of side {size}"
                )
            before = layer
        if _output(before) != (self.img_channels, self.img_resolution):
            raise ValueError("the last layer does not give the image")

    @property
    def num_ws(self) -> int:
        """Styles of one image: one for the input and one for each layer."""
        return 1 + len(self.layers)

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return asdict(self)


def architecture(values: Any) -> Architecture:
    """Return the architecture these JSON values describe; raises ValueError with the reason."""
    from pydantic import TypeAdapter

    return TypeAdapter(Architecture).validate_python(values)


def module_names(spec: Architecture) -> Iterator[str]:
    """Yield the names of all modules that hold weights, the whole generator's empty one first."""
    yield from (
        "",
        "mapping",
        "mapping.embed",
        *(["mapping.embed_proj"] * bool(spec.mapping.c_dim)),
    )
    yield from (f"mapping.fc{number}" for number in range(spec.mapping.num_layers))
    for name in ("input", *(layer.name for layer in spec.layers)):
        yield from (f"synthesis.{name}", f"synthesis.{name}.affine")


def _output(before: Fourier | Layer) -> tuple[int, int]:
    if isinstance(before, Fourier):
        return before.channels, before.size
    return before.out_channels, before.out_size
