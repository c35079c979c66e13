"""StyleGAN-XL on a processor: the package's network, a direct one, and the convolutions alone.

Random weights in the shape the CIFAR-10 file most likely has: 24.8 million parameters, 16 pixels
doubled to 32, 75 GFLOP of convolutions an image. All three run in turns, round after round, each
at the batch and layout at which a first pass found it fastest. The floor is the same convolutions,
with their own weights, one after another, and nothing else.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from _direct import synthesis
from _record import ratio, record, spread
from _run import CORES, child, options
from torch.nn import functional

from synthmix.generators.stylegan_xl._architecture import Architecture, Mapping
from synthmix.generators.stylegan_xl._network import Generator
from synthmix.generators.stylegan_xl._schedule import Schedule, stem, superres

BATCHES = (1, 2, 4, 8)
TORGB_GAIN = 1.6
"""Widens the output of random weights to some 30 grey levels of standard deviation."""

Draw = Callable[[], object]


def most_likely() -> Architecture:
    """Return config T with 7 and 4 layers, 512 channels: 24.8 million parameters."""
    schedule = Schedule(num_layers=7)
    mapping = Mapping(z_dim=64, c_dim=10, w_dim=512)
    return superres(
        stem(mapping, schedule, img_resolution=16), schedule, head_layers=4, up_factor=2
    )


def tiny() -> Architecture:
    """Return a network that only shows that the benchmark works."""
    schedule = Schedule(num_layers=4, channel_base=128, channel_max=8)
    mapping = Mapping(z_dim=8, c_dim=10, w_dim=16, num_embeddings=10, embedding_dim=8)
    return superres(
        stem(mapping, schedule, img_resolution=16), schedule, head_layers=4, up_factor=2
    )


def random_network(spec: Architecture) -> Generator:
    """Return random weights whose images span the grey levels."""
    torch.manual_seed(0)
    network = Generator(spec)
    *_, torgb = network.synthesis.layers()
    with torch.no_grad():
        torgb.weight.mul_(TORGB_GAIN)
    return network


def floor(spec: Architecture, dtype: torch.dtype, batch: int, layout: torch.memory_format) -> Draw:
    """Return the convolutions of `batch` images, with a weight of its own for each layer."""
    kernels, inputs = [], []
    for layer in spec.layers:
        shape = (layer.out_channels, layer.in_channels, layer.conv_kernel, layer.conv_kernel)
        kernels.append(torch.randn(shape).to(dtype).contiguous(memory_format=layout))
        size = (batch, layer.in_channels, layer.in_size, layer.in_size)
        inputs.append(torch.randn(size).to(dtype).contiguous(memory_format=layout))

    def run() -> None:
        for image, kernel in zip(inputs, kernels, strict=True):
            functional.conv2d(image, kernel, padding=kernel.shape[-1] - 1)

    return run


def gflop(spec: Architecture) -> float:
    """Return the arithmetic of the convolutions of one image."""
    return sum(
        2e-9 * each.in_channels * each.out_channels * each.conv_kernel**2 * each.conv_size**2
        for each in spec.layers
    )


def rate(draw: Draw, batch: int) -> float:
    """Return images/s of one call."""
    started = time.perf_counter()
    draw()
    return batch / (time.perf_counter() - started)


def fastest(candidates: dict[Any, tuple[Draw, int]]) -> Any:
    """Return the key of the fastest candidate, by the median of three calls after a first."""
    rates = {}
    for key, (draw, batch) in candidates.items():
        draw()
        rates[key] = statistics.median(rate(draw, batch) for _ in range(3))
    return max(rates, key=rates.__getitem__)


class Contest:
    """The candidates of one precision, and the one of each kind that is fastest."""

    def __init__(self, spec: Architecture, dtype: torch.dtype, batches: tuple[int, ...]) -> None:
        network = random_network(spec)
        self.weights = {name: each.clone() for name, each in network.state_dict().items()}
        self.network = copy.deepcopy(network).prepare(dtype)
        self.spec = spec
        latents = torch.randn(max(batches), spec.mapping.z_dim)
        labels = torch.arange(max(batches)) % spec.mapping.c_dim
        self.styles = self.network.mapping(latents, labels)
        layouts = {"NCHW": torch.contiguous_format, "channels-last": torch.channels_last}
        floors = {
            (batch, name): (floor(spec, dtype, batch, layout), batch)
            for batch in batches
            for name, layout in layouts.items()
        }
        self.floor_at = fastest(floors)
        self.floor = floors[self.floor_at]
        ours = {batch: (self.drawing(batch), batch) for batch in batches}
        self.ours_at = fastest(ours)
        self.ours = ours[self.ours_at]

    def drawing(self, batch: int) -> Draw:
        return lambda: self.network.synthesis(self.styles[:batch])

    def direct(self, batches: tuple[int, ...]) -> tuple[int, Draw]:
        def drawing(batch: int) -> Draw:
            return lambda: synthesis(self.weights, self.spec, self.styles[:batch])

        candidates = {batch: (drawing(batch), batch) for batch in batches}
        at = fastest(candidates)
        return at, candidates[at][0]


def images_alike(float32: Contest, bfloat16: Contest, count: int) -> dict[str, float]:
    """Return the spread of the images, and how far apart the implementations are."""
    styles = float32.styles[:count]
    images = float32.network.synthesis(styles)
    formulas = torch.cat(
        [synthesis(float32.weights, float32.spec, each) for each in styles.split(1)]
    )
    narrow = bfloat16.network.synthesis(styles)
    error = (narrow - images).square().mean().sqrt()
    return {
        "standard deviation, grey levels": float(images.std() * 127.5),
        "largest difference from the direct one": float((images - formulas).abs().max()),
        "bfloat16, root mean square error / standard deviation": float(error / images.std()),
    }


def convolutions_of_direct(float32: Contest, batch: int) -> float:
    """Return images/s of the direct implementation's own, grouped convolutions."""
    spec = float32.spec
    shapes = [
        (each.in_channels, each.out_channels, each.in_size, each.conv_kernel)
        for each in spec.layers
    ]
    inputs = [torch.randn(1, batch * i, side, side) for i, _, side, _ in shapes]
    kernels = [torch.randn(batch * o, i, k, k) for i, o, _, k in shapes]

    def run() -> None:
        for image, kernel in zip(inputs, kernels, strict=True):
            padding = kernel.shape[-1] - 1
            functional.conv2d(image, kernel, padding=padding, groups=batch)

    run()
    return statistics.median(rate(run, batch) for _ in range(3))


def measure(asked: argparse.Namespace) -> None:
    """Choose every side's best batch, then run all sides in turns."""
    spec = tiny() if asked.quick else most_likely()
    batches = (1, 2) if asked.quick else BATCHES
    float32 = Contest(spec, torch.float32, batches)
    bfloat16 = Contest(spec, torch.bfloat16, batches[: asked.bfloat16_batches])
    direct_at, direct = float32.direct(batches)
    sides = {
        "floor, float32": float32.floor,
        "ours, float32": float32.ours,
        "direct, float32": (direct, direct_at),
        "floor, bfloat16": bfloat16.floor,
        "ours, bfloat16": bfloat16.ours,
    }
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(asked.rounds):
        for name, (draw, batch) in sides.items():
            rates[name].append(rate(draw, batch))
    ratios = {
        "float32, ours/floor": ratio(
            rates["ours, float32"], rates["floor, float32"], at_least=0.75
        ),
        "float32, ours/direct": ratio(rates["ours, float32"], rates["direct, float32"], at_least=2),
        "bfloat16, ours/floor": ratio(
            rates["ours, bfloat16"], rates["floor, bfloat16"], at_least=0.3
        ),
        "bfloat16/float32, ours": ratio(
            rates["ours, bfloat16"], rates["ours, float32"], at_least=2.5
        ),
    }
    alike = images_alike(float32, bfloat16, min(2, max(batches)))
    quick = ["--quick"] if asked.quick else []
    own = convolutions_of_direct(float32, direct_at)
    raw = {
        "images/s": {name: spread(each) for name, each in rates.items()},
        "chosen": {
            "floor, float32": list(float32.floor_at),
            "ours, float32": float32.ours_at,
            "direct, float32": direct_at,
            "floor, bfloat16": list(bfloat16.floor_at),
            "ours, bfloat16": bfloat16.ours_at,
        },
        "convolutions, GFLOP an image": gflop(spec),
        "convolutions, GFLOP/s of the float32 floor": gflop(spec)
        * spread(rates["floor, float32"])["median"],
        "direct, its own convolutions / floor": own / spread(rates["floor, float32"])["median"],
        "parameters": sum(each.numel() for each in float32.network.parameters()),
        "images": alike,
        "peak memory of drawing alone, MB": child(__file__, *quick, "--peak"),
    }
    record("stylegan_xl", asked, n=asked.rounds, raw=raw, ratios=ratios)


def peak(asked: argparse.Namespace) -> None:
    """Print the megabytes of a process that only draws, torch and all."""
    network = random_network(tiny() if asked.quick else most_likely()).prepare()
    batch = max(BATCHES)
    spec = network.spec.mapping
    network.synthesis(network.mapping(torch.randn(batch, spec.z_dim), torch.arange(batch) % 10))
    # not getrusage, which counts the parent's memory before this program was loaded
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(status.partition("VmHWM:")[2].split()[0]) * 1024 / 1e6)


def main() -> None:
    """Measure with all cores."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument(
        "--bfloat16-batches", type=int, default=len(BATCHES), help="how many batch sizes to try"
    )
    parser.add_argument("--peak", action="store_true", help="print the memory of drawing alone")
    asked = parser.parse_args()
    asked.rounds = 2 if asked.quick else asked.rounds
    torch.set_num_threads(CORES)
    with torch.inference_mode():
        (peak if asked.peak else measure)(asked)


if __name__ == "__main__":
    main()
