"""StyleGAN-XL's synthesis written down as its formulas read: zeros inserted, every tap convolved.

What a straightforward implementation costs, and an independent check of the package's own: it
shares the stored weights and the layers' numbers with it, and no code. The modulated convolution
is one grouped convolution, as for a single image it runs at the full rate.
"""

import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional


def synthesis(weights: dict[str, Tensor], spec: Any, w_NLD: Tensor) -> Tensor:
    """Return images `[N, C, H, W]` of styles `[N, num_ws, w_dim]`; float32."""
    x = fourier(weights, spec.fourier, w_NLD[:, 0])
    for number, layer in enumerate(spec.layers, 1):
        x = synthesis_layer(weights, layer, x, w_NLD[:, number])
    return x * spec.output_scale


def affine(weights: dict[str, Tensor], name: str, w_ND: Tensor) -> Tensor:
    """Return a fully connected layer without activation."""
    weight, bias = weights[f"{name}.affine.weight"], weights[f"{name}.affine.bias"]
    return w_ND @ (weight / math.sqrt(weight.shape[1])).T + bias


def fourier(weights: dict[str, Tensor], spec: Any, w_ND: Tensor) -> Tensor:
    """Return the waves of the input, image by image."""
    images = []
    for r_c, r_s, t_x, t_y in affine(weights, "synthesis.input", w_ND):
        length = torch.sqrt(r_c**2 + r_s**2)
        c, s, x, y = (each / length for each in (r_c, r_s, t_x, t_y))
        turn = torch.tensor([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
        shift = torch.tensor([[1.0, 0.0, -x], [0.0, 1.0, -y], [0.0, 0.0, 1.0]])
        moved = turn @ shift @ weights["synthesis.input.transform"]
        freqs = weights["synthesis.input.freqs"]
        phases = weights["synthesis.input.phases"] + freqs @ moved[:2, 2]
        freqs = freqs @ moved[:2, :2]
        rest = spec.sampling_rate / 2 - spec.bandwidth
        amplitudes = (1 - (freqs.norm(dim=1) - spec.bandwidth) / rest).clamp(0, 1)
        grid = (torch.arange(spec.size) - (spec.size - 1) / 2) / spec.sampling_rate
        y_PP, x_PP = torch.meshgrid(grid, grid, indexing="ij")
        cycles = torch.tensordot(freqs, torch.stack([x_PP, y_PP]), 1) + phases[:, None, None]
        waves = torch.sin(2 * math.pi * cycles) * amplitudes[:, None, None]
        mixing = weights["synthesis.input.weight"] / math.sqrt(spec.channels)
        images.append(torch.tensordot(mixing, waves, 1))
    return torch.stack(images)


def synthesis_layer(weights: dict[str, Tensor], spec: Any, x: Tensor, w_ND: Tensor) -> Tensor:
    """Return one layer's output `[N, O, H, W]`."""
    name = f"synthesis.{spec.name}"
    x = modulated_convolution(weights, spec, x, affine(weights, name, w_ND))
    x = x + weights[f"{name}.bias"][:, None, None]
    if not spec.is_torgb:
        x = upsampled(x, weights.get(f"{name}.up_filter"), spec.up, spec.padding)
        x = functional.leaky_relu(x, 0.2) * math.sqrt(2)
    if spec.conv_clamp is not None:
        x = x.clamp(-spec.conv_clamp, spec.conv_clamp)
    return x if spec.is_torgb else downsampled(x, weights.get(f"{name}.down_filter"), spec.down)


def modulated_convolution(
    weights: dict[str, Tensor], spec: Any, x: Tensor, styles_NI: Tensor
) -> Tensor:
    """Return a convolution with a kernel of its own for every image."""
    name = f"synthesis.{spec.name}"
    kernel = weights[f"{name}.weight"]
    if spec.is_torgb:
        styles_NI = styles_NI / math.sqrt(kernel[0].numel())
    else:
        kernel = kernel / kernel.square().mean((1, 2, 3), keepdim=True).sqrt()
        styles_NI = styles_NI / styles_NI.square().mean().sqrt()
    kernels = kernel[None] * styles_NI[:, None, :, None, None]
    if not spec.is_torgb:
        kernels = kernels / (kernels.square().sum((2, 3, 4), keepdim=True) + 1e-8).sqrt()
    kernels = kernels / weights[f"{name}.magnitude_ema"].sqrt()
    number, outputs, inputs = kernels.shape[:3]
    grouped = functional.conv2d(
        x.reshape(1, number * inputs, *x.shape[2:]),
        kernels.flatten(0, 1),
        padding=kernel.shape[-1] - 1,
        groups=number,
    )
    return grouped.view(number, outputs, *grouped.shape[2:])


def upsampled(x: Tensor, taps: Tensor | None, up: int, padding: tuple[int, int]) -> Tensor:
    """Return zeros inserted, padded or cropped, and every tap summed."""
    number, channels, height, width = x.shape
    spaced = x.new_zeros(number, channels, height, up, width, up)
    spaced[:, :, :, 0, :, 0] = x
    spaced = spaced.view(number, channels, height * up, width * up)
    return filtered(functional.pad(spaced, [*padding, *padding]), taps, gain=up)


def downsampled(x: Tensor, taps: Tensor | None, down: int) -> Tensor:
    """Return every tap summed, then every `down`-th place."""
    return filtered(x, taps)[:, :, ::down, ::down]


def filtered(x: Tensor, taps: Tensor | None, gain: float = 1) -> Tensor:
    """Return both axes filtered by `taps`, or the plane where they are two-dimensional."""
    channels = x.shape[1]
    if taps is None:
        return x
    if taps.ndim == 2:
        return functional.conv2d(x, taps.expand(channels, 1, -1, -1), groups=channels)
    kernel = (taps * gain).expand(channels, 1, 1, -1)
    across = functional.conv2d(x, kernel, groups=channels)
    return functional.conv2d(across, kernel.transpose(2, 3), groups=channels)
