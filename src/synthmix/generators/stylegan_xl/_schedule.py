"""The schedules that give a new network its layers.

Karras et al. 2021 (section 3.2) and Sauer et al. 2022 (section 3.3).
"""

import math
from dataclasses import dataclass
from typing import Any

from synthmix.generators.stylegan_xl._architecture import Architecture, Fourier, Layer, Mapping

HEAD_CRITICAL = 2
"""Head layers over which the schedule of a super-resolution stage does not rise any more."""


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Arguments of a new network, with the names and defaults the field knows."""

    channel_base: int = 32768
    channel_max: int = 512
    num_layers: int = 14
    num_critical: int = 2
    first_cutoff: float = 2
    first_stopband: float = 2**2.1
    last_stopband_rel: float = 2**0.3
    margin_size: int = 10
    conv_kernel: int = 3
    use_radial_filters: bool = False
    conv_clamp: float | None = 256


@dataclass(frozen=True)
class _Stages:
    """Cutoffs, rates, half widths, sizes and channels, one of each a layer."""

    cutoffs: list[float]
    rates: list[float]
    half_widths: list[float]
    sizes: list[int]
    channels: list[int]

    def layers(self, first: int, num_critical: int, **kinds: Any) -> list[Layer]:
        last = len(self.cutoffs) - 1
        return [
            Layer(
                name=f"L{first + i}_{self.sizes[i]}_{self.channels[i]}",
                is_torgb=i == last,
                is_critically_sampled=i >= last - num_critical,
                in_channels=self.channels[max(i - 1, 0)],
                out_channels=self.channels[i],
                in_size=self.sizes[max(i - 1, 0)],
                out_size=self.sizes[i],
                in_sampling_rate=self.rates[max(i - 1, 0)],
                out_sampling_rate=self.rates[i],
                in_cutoff=self.cutoffs[max(i - 1, 0)],
                out_cutoff=self.cutoffs[i],
                in_half_width=self.half_widths[max(i - 1, 0)],
                out_half_width=self.half_widths[i],
                **{**kinds, "conv_kernel": 1 if i == last else kinds["conv_kernel"]},
            )
            for i in range(last + 1)
        ]


def _stages(
    schedule: Schedule,
    resolution: int,
    img_channels: int,
    exponents: list[float],
    start: tuple[float, float],
) -> _Stages:
    stop = (resolution / 2, resolution / 2 * schedule.last_stopband_rel)
    cutoffs, stopbands = (
        [first * (last / first) ** e for e in exponents]
        for first, last in zip(start, stop, strict=True)
    )
    rates = [2.0 ** math.ceil(math.log2(min(2 * each, resolution))) for each in stopbands]
    half_widths = [
        max(stopband, rate / 2) - cutoff
        for stopband, rate, cutoff in zip(stopbands, rates, cutoffs, strict=True)
    ]
    sizes = [int(rate) + 2 * schedule.margin_size for rate in rates]
    sizes[-2:] = [resolution] * 2
    channels = [
        round(min(schedule.channel_base / 2 / cutoff, schedule.channel_max)) for cutoff in cutoffs
    ]
    channels[-1] = img_channels
    return _Stages(cutoffs, rates, half_widths, sizes, channels)


def stem(
    mapping: Mapping, schedule: Schedule, *, img_resolution: int, img_channels: int = 3
) -> Architecture:
    """Return a plain generator (Karras et al. 2021, config T or, with radial filters, R)."""
    count = schedule.num_layers
    rising = count - schedule.num_critical
    exponents = [min(i / rising, 1) for i in range(count + 1)]
    start = (schedule.first_cutoff, schedule.first_stopband)
    stages = _stages(schedule, img_resolution, img_channels, exponents, start)
    return Architecture(
        img_resolution=img_resolution,
        img_channels=img_channels,
        output_scale=0.25,
        mapping=mapping,
        fourier=Fourier(
            channels=stages.channels[0],
            size=stages.sizes[0],
            sampling_rate=stages.rates[0],
            bandwidth=stages.cutoffs[0],
        ),
        layers=tuple(
            stages.layers(
                0,
                schedule.num_critical,
                conv_kernel=schedule.conv_kernel,
                use_radial_filters=schedule.use_radial_filters,
                conv_clamp=schedule.conv_clamp,
            )
        ),
    )


def superres(
    base: Architecture, schedule: Schedule, *, head_layers: int, up_factor: int
) -> Architecture:
    """Return `base` with its critically sampled layers replaced by a head of a finer resolution.

    `schedule` holds what `base` was made with. Heads can be stacked: `base` may have one.
    """
    kept = [layer for layer in base.layers if not layer.is_critically_sampled]
    resolution = base.img_resolution * up_factor
    last = kept[-1]
    exponents = [min(i / (head_layers - HEAD_CRITICAL), 1) for i in range(head_layers + 1)]
    start = (last.out_cutoff, last.out_cutoff + last.out_half_width)
    stages = _stages(schedule, resolution, base.img_channels, exponents, start)
    # the head goes on from where the stem ends, whatever the schedule says of its first layer
    stages.rates[0] = last.out_sampling_rate
    stages.half_widths[0] = max(start[1], stages.rates[0] / 2) - stages.cutoffs[0]
    stages.sizes[0] = int(stages.rates[0]) + 2 * schedule.margin_size
    stages.channels[0] = last.out_channels
    number = len(kept) + 1  # one index is left out, but only by the first head
    head = stages.layers(
        number,
        schedule.num_critical,
        conv_kernel=schedule.conv_kernel,
        use_radial_filters=schedule.use_radial_filters,
    )
    return Architecture(
        img_resolution=resolution,
        img_channels=base.img_channels,
        output_scale=base.output_scale,
        mapping=base.mapping,
        fourier=base.fourier,
        layers=(*kept, *head),
    )
