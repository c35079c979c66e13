"""Styles to images in plain PyTorch: Fourier input, alias-free layers, the whole generator.

Karras et al., "Alias-Free Generative Adversarial Networks" (2021). Inference only. Suffixes:
N batch, C or I or O channels, H and W sides, D features, L styles.
"""

import math
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from synthmix.generators.stylegan_xl._architecture import Architecture, Fourier, Layer
from synthmix.generators.stylegan_xl._filters import (
    AxisFilter,
    downsampling_matrix,
    radial,
    separable,
    upsampling_matrix,
)
from synthmix.generators.stylegan_xl._mapping import (
    EPSILON,
    SLOPE,
    FullyConnected,
    MappingNetwork,
    each_by,
)
from synthmix.hardware import memory_format

CHANNELS = 256
"""Channels of which a processor resamples all at once."""


class FourierInput(nn.Module):
    """Sine waves, moved and turned by the style, mixed by a trained matrix."""

    freqs: Tensor
    phases: Tensor
    transform: Tensor

    def __init__(self, spec: Fourier, w_dim: int) -> None:
        super().__init__()
        self.spec = spec
        self.affine = FullyConnected(w_dim, 4)
        nn.init.zeros_(self.affine.weight)
        with torch.no_grad():
            self.affine.bias[0] = 1
        self.weight = nn.Parameter(torch.randn(spec.channels, spec.channels))
        normal = torch.randn(spec.channels, 2)
        length = normal.norm(dim=1, keepdim=True)
        bandwidth = spec.bandwidth
        self.register_buffer("freqs", normal / (length * length.square().exp() ** 0.25) * bandwidth)
        self.register_buffer("phases", torch.rand(spec.channels) - 0.5)
        self.register_buffer("transform", torch.eye(3))

    def forward(self, w_ND: Tensor) -> Tensor:
        t = self.affine(w_ND)
        t = t / t[:, :2].norm(dim=1, keepdim=True)
        m = self._moved(t) @ self.transform
        phases_NC = self.phases + each_by(self.freqs, m[:, :2, 2:]).squeeze(2)
        freqs_NC2 = each_by(self.freqs, m[:, :2, :2])
        spec = self.spec
        fading = (freqs_NC2.norm(dim=2) - spec.bandwidth) / (
            spec.sampling_rate / 2 - spec.bandwidth
        )
        amplitudes_NC = (1 - fading).clamp(0, 1)
        places = torch.arange(spec.size, device=w_ND.device) - (spec.size - 1) / 2
        grid = places / spec.sampling_rate
        x_NC1W = freqs_NC2[:, :, None, None, 0] * grid
        y_NCH1 = freqs_NC2[:, :, None, None, 1] * grid[:, None]
        cycles_NCHW = x_NC1W + y_NCH1 + phases_NC[:, :, None, None]
        waves_NCHW = (2 * math.pi * cycles_NCHW).sin() * amplitudes_NC[:, :, None, None]
        mixing = self.weight / math.sqrt(spec.channels)
        return each_by(mixing, waves_NCHW.flatten(2)).view(waves_NCHW.shape)

    @staticmethod
    def _moved(t_N4: Tensor) -> Tensor:
        cosine, sine, x, y = t_N4.unbind(1)
        zero, one = torch.zeros_like(x), torch.ones_like(x)
        turn = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], 1)
        shift = torch.stack([one, zero, -x, zero, one, -y, zero, zero, one], 1)
        moved: Tensor = turn.view(-1, 3, 3) @ shift.view(-1, 3, 3)
        return moved


class SynthesisLayer(nn.Module):
    """Modulated convolution, then a leaky ReLU at a higher rate between two low-pass filters."""

    up_filter: Tensor
    down_filter: Tensor
    magnitude_ema: Tensor
    resampling: nn.ModuleList
    places: slice
    """Rows, and columns, of the padded convolution that are made."""
    up_gain: float
    """By how much upsampling raises the largest value at most."""

    def __init__(self, spec: Layer, w_dim: int) -> None:
        super().__init__()
        self.spec = spec
        kernel = spec.conv_kernel
        self.affine = FullyConnected(w_dim, spec.in_channels)
        nn.init.ones_(self.affine.bias)
        weight = torch.randn(spec.out_channels, spec.in_channels, kernel, kernel)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(spec.out_channels))
        self.register_buffer("magnitude_ema", torch.ones(()))
        if spec.up_taps > 1:
            self.register_buffer("up_filter", torch.from_numpy(separable(spec.up_band)))
        if spec.down_taps > 1:
            design = radial if spec.is_radial else separable
            self.register_buffer("down_filter", torch.from_numpy(design(spec.down_band)))

    @torch.no_grad()
    def prepare(self, dtype: torch.dtype) -> None:
        """Derive what every image shares from the loaded weights; call once, before running."""
        spec = self.spec
        weight = self.weight.float()
        if spec.is_torgb:
            weight = weight / math.sqrt(weight[0].numel())
        else:
            weight = weight * weight.square().mean((1, 2, 3), keepdim=True).rsqrt()
            self.register_buffer("energy_OI", weight.square().sum((2, 3)), persistent=False)
        shared = _laid_out(weight.to(dtype), dtype)
        self.register_buffer("shared_OIkk", shared, persistent=False)
        self.places = slice(0, spec.conv_size)
        if not spec.is_torgb:
            up = self.up_filter.cpu() if spec.up_taps > 1 else torch.ones(1)
            up_MI = upsampling_matrix(up, spec.up, spec.padding, spec.conv_size)
            self.places = self._reached(up_MI)
            # squared for two axes, and a little more for their rounding
            self.up_gain = 1.001 * float(up_MI.abs().sum(1).max()) ** 2
            filters = self._filters(up_MI[:, self.places])
            self.resampling = nn.ModuleList(filters).to(weight.device)

    def _reached(self, up_MI: Tensor) -> slice:
        """Return the places that upsampling does not crop, or all where those reach the border.

        In a head's last layer a third of all places is cropped.
        """
        (used,) = up_MI.any(0).nonzero(as_tuple=True)
        first, end = int(used[0]), int(used[-1]) + 1
        is_inside = first >= self.spec.conv_kernel - 1 and end <= self.spec.in_size
        return slice(first, end) if is_inside else self.places

    def _filters(self, up_MI: Tensor) -> list[nn.Module]:
        spec = self.spec
        # the gain of the leaky ReLU, a factor of sqrt(2), is moved behind it into the filter
        if spec.is_radial:
            taps = self.down_filter.cpu() * math.sqrt(2)
            return [AxisFilter(up_MI), _RadialDown(taps, spec.down)]
        taps = self.down_filter.cpu() if spec.down_taps > 1 else torch.ones(1)
        down_OM = downsampling_matrix(taps, spec.down, len(up_MI)) * 2**0.25
        return [AxisFilter(up_MI), AxisFilter(down_OM)]

    def styles(self, w_ND: Tensor) -> Tensor:
        """Return what each input channel is multiplied by, `[N, I]`."""
        styles_NI: Tensor = self.affine(w_ND)
        if self.spec.is_torgb:
            return styles_NI
        # over the channels of one image, not of the batch: it cancels up to epsilon
        return styles_NI * styles_NI.square().mean(1, keepdim=True).rsqrt()

    def convolve(self, scaled_NIHW: Tensor, styles_NI: Tensor) -> tuple[Tensor, Tensor]:
        """Return a convolution of scaled channels with one shared kernel, and the gains it lacks.

        Their product, `[N, O, H, W]` by `[N, O]`, is the modulated and demodulated convolution at
        `places`, before the bias.
        """
        shared = self.get_buffer("shared_OIkk")
        gains_NO = self.magnitude_ema.rsqrt().expand(len(styles_NI), self.spec.out_channels)
        if not self.spec.is_torgb:
            energy_NO = each_by(self.get_buffer("energy_OI"), styles_NI.square()[:, :, None])
            gains_NO = gains_NO * (energy_NO.squeeze(2) + EPSILON).rsqrt()
        reach = self.spec.conv_kernel - 1
        first = max(self.places.start - reach, 0)
        read = slice(first, self.places.stop)
        padding = reach - (self.places.start - first)
        return functional.conv2d(scaled_NIHW[:, :, read, read], shared, padding=padding), gains_NO

    def scaled(self, x_NIHW: Tensor, styles_NI: Tensor) -> Tensor:
        """Return the input of `convolve`, at the precision of the convolution."""
        return (x_NIHW * styles_NI[:, :, None, None]).to(self.get_buffer("shared_OIkk").dtype)

    def forward(
        self, scaled_NIHW: Tensor, styles_NI: Tensor, next_NO: Tensor | None = None
    ) -> Tensor:
        """Return the layer's output, or with the styles of the next layer, that one's input."""
        y_NOHW, gains_NO = self.convolve(scaled_NIHW, styles_NI)
        y_NHWO = y_NOHW.permute(0, 2, 3, 1)
        if y_NHWO.device.type == "cpu":
            # the rate in between is the widest place: a part of it stays in the cache
            return self._in_parts(y_NHWO, gains_NO, next_NO).permute(0, 3, 1, 2)
        z_NHWO = self._resampled(y_NHWO.float(), gains_NO[:, None, None], self.bias)
        z_NOHW = z_NHWO.permute(0, 3, 1, 2)
        return z_NOHW if next_NO is None else self.scaled(z_NOHW, next_NO)

    def _in_parts(self, y_NHWO: Tensor, gains_NO: Tensor, next_NO: Tensor | None) -> Tensor:
        size = self.spec.out_size
        dtype = torch.float32 if next_NO is None else y_NHWO.dtype
        whole = y_NHWO.new_empty(len(y_NHWO), size, size, y_NHWO.shape[3], dtype=dtype)
        for start in range(0, y_NHWO.shape[3], CHANNELS):
            part = slice(start, start + CHANNELS)
            for n, y_HWO in enumerate(y_NHWO[..., part]):
                gains_O, bias_O = gains_NO[n, part], self.bias[part]
                z_HWO = self._resampled(y_HWO[None].float(), gains_O, bias_O)[0]
                if next_NO is None:
                    whole[n, :, :, part] = z_HWO
                else:
                    # scaled, rounded and put into place in one go
                    torch.mul(z_HWO, next_NO[n, part], out=whole[n, :, :, part])
        return whole

    def _resampled(self, y_NHWO: Tensor, gains: Tensor, bias_O: Tensor) -> Tensor:
        y_NHWO = torch.addcmul(bias_O, y_NHWO, gains)
        clamp = self.spec.conv_clamp
        if self.spec.is_torgb:
            return y_NHWO if clamp is None else y_NHWO.clamp_(-clamp, clamp)
        up, down = self.resampling
        assert isinstance(up, AxisFilter)
        may_clip = clamp is not None and not self._bound(y_NHWO) < clamp / math.sqrt(2)
        # the larger of both products along the rows, which are the faster ones
        y_NHWO = functional.leaky_relu_(up.rows(up.columns(y_NHWO)), SLOPE)
        if clamp is not None and may_clip:
            y_NHWO.clamp_(-clamp / math.sqrt(2), clamp / math.sqrt(2))
        if isinstance(down, AxisFilter):
            return down.columns(down.rows(y_NHWO))
        return cast(Tensor, down(y_NHWO))

    def _bound(self, y_NHWO: Tensor) -> float:
        """Return what no value after upsampling exceeds; a device that runs ahead is not asked."""
        if y_NHWO.device.type != "cpu":
            return math.inf
        smallest, largest = (float(each) for each in (y_NHWO.amin(), y_NHWO.amax()))
        return self.up_gain * max(-smallest, largest)


class _RadialDown(nn.Module):
    """A two-dimensional filter on every channel, then every `down`-th place."""

    taps: Tensor

    def __init__(self, taps: Tensor, down: int) -> None:
        super().__init__()
        self.down = down
        self.register_buffer("taps", taps, persistent=False)

    def forward(self, x_NHWC: Tensor) -> Tensor:
        x_NCHW = x_NHWC.permute(0, 3, 1, 2)
        kernel = self.taps.expand(x_NCHW.shape[1], 1, -1, -1)
        y_NCHW = functional.conv2d(x_NCHW, kernel, stride=self.down, groups=x_NCHW.shape[1])
        return y_NCHW.permute(0, 2, 3, 1)


class SynthesisNetwork(nn.Module):
    """Styles `[N, num_ws, w_dim]` to images `[N, C, H, W]`, nominally in [-1, 1]."""

    def __init__(self, spec: Architecture) -> None:
        super().__init__()
        self.output_scale = spec.output_scale
        self.names = [layer.name for layer in spec.layers]
        self.input = FourierInput(spec.fourier, spec.mapping.w_dim)
        for layer in spec.layers:
            self.add_module(layer.name, SynthesisLayer(layer, spec.mapping.w_dim))

    def layers(self) -> Iterator[SynthesisLayer]:
        """Yield the layers in the order in which they run."""
        for name in self.names:
            layer = self.get_submodule(name)
            assert isinstance(layer, SynthesisLayer)
            yield layer

    def forward(self, w_NLD: Tensor) -> Tensor:
        layers = list(self.layers())
        styles = [layer.styles(w_NLD[:, number]) for number, layer in enumerate(layers, 1)]
        x: Tensor = self.input(w_NLD[:, 0])
        x = _laid_out(x, layers[0].get_buffer("shared_OIkk").dtype)
        x = layers[0].scaled(x, styles[0])
        for layer, own, following in zip(layers, styles, [*styles[1:], None], strict=True):
            x = layer(x, own, following)
        return x * self.output_scale


def _laid_out(images_NCHW: Tensor, dtype: torch.dtype) -> Tensor:
    """Return images or filters as convolutions of this precision should find them in memory."""
    layout = memory_format(images_NCHW.device.type, str(dtype).removeprefix("torch."))
    return images_NCHW.contiguous(memory_format=layout)


class Generator(nn.Module):
    """The whole network, with the parameter names of the published files."""

    def __init__(self, spec: Architecture) -> None:
        super().__init__()
        self.spec = spec
        self.mapping = MappingNetwork(spec.mapping, spec.num_ws)
        self.synthesis = SynthesisNetwork(spec)

    def prepare(self, dtype: torch.dtype = torch.float32) -> "Generator":
        """Get ready to run at this precision of convolutions and filters; returns itself."""
        for layer in self.synthesis.layers():
            layer.prepare(dtype)
        return self.eval().requires_grad_(False)
