"""A text-to-image pipeline as a data factory, against the bare network and the usual script.

A small SDXL with random weights, scaled so that an image takes some 50 ms. Three sides draw the
same prompts in turns, round after round: the bare UNet and VAE at the best batch, on embeddings
that are there; the package, from prompts to finished shards; and the usual script, one prompt at a
time through the pipeline, PIL, one PNG file each. The script saves what the pipeline returns, as
scripts do; a fourth side is the same script that resizes before it saves.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from _record import ratio, record, spread
from _run import CORES, ROOT, options

from synthmix.generators.diffusers import Diffusers
from synthmix.generators.diffusers._drawing import Runner, runner_of
from synthmix.images import resized
from synthmix.shards import Form, requests, write_set
from synthmix.store import Artifact
from synthmix.types import Prompt, Request

sys.path.insert(0, str(ROOT))
from tests.generators.diffusers import pipelines

NAMES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BARE, OURS = "bare UNet and VAE", "ours, prompts to shards"
USUAL, RESIZING = "usual script", "usual script, resizing first"
SIDE = 112
BATCHES = (1, 2, 4, 8)
SIZE = 32

Side = Callable[[], int]
"""Draws images and returns how many."""


def prompts() -> list[Prompt]:
    """Return a prompt for each class, as class labels give."""
    return [Prompt(label, 0, f"a photo of a {name}", "bench") for label, name in enumerate(NAMES)]


def bare(runner: Runner, batch: int, images: int) -> Side:
    """Return UNet and VAE forward passes of `images` images, on embeddings made before."""
    pipeline = runner.pipeline
    found = runner.embeddings.get("a photo of a cat", runner._encode)
    text = found["prompt_embeds"].expand(batch, -1, -1)
    pooled = found["pooled_prompt_embeds"].expand(batch, -1)
    ids = torch.tensor([[SIDE, SIDE, 0, 0, SIDE, SIDE]] * batch, dtype=text.dtype)
    latents = torch.randn(batch, 4, SIDE // 4, SIDE // 4, dtype=runner.dtype)
    added = {"text_embeds": pooled, "time_ids": ids}

    def run() -> int:
        for _ in range(images // batch):
            noise = pipeline.unet(latents, 999, text, added_cond_kwargs=added).sample
            pipeline.vae.decode(latents - noise)
        return images // batch * batch

    return run


def ours(generator: Diffusers, wanted: list[Request]) -> Side:
    """Return a set from prompts to its manifest: checked, resized, encoded, written."""

    def run() -> int:
        with tempfile.TemporaryDirectory() as folder:
            artifact = Artifact(Path(folder), "set", {})
            write_set(
                artifact,
                wanted,
                lambda part: generator.generate(part, class_names=NAMES, image_size=SIZE),
                class_names=NAMES,
                shard_size=1000,
                card="",
                form=Form(SIZE),
            )
        return len(wanted)

    return run


def usual(model: Path, wanted: list[Request], size: int) -> Side:
    """Return the loop of the usual script; it saves images of `size` pixels."""
    import diffusers

    with pipelines.quiet():
        pipeline = diffusers.AutoPipelineForText2Image.from_pretrained(
            model, use_safetensors=True, add_watermarker=False
        )
    pipeline.set_progress_bar_config(disable=True)

    def run() -> int:
        with tempfile.TemporaryDirectory() as folder, pipelines.quiet():
            for number, request in enumerate(wanted):
                image = pipeline(
                    prompt=request.prompt,
                    num_inference_steps=1,
                    guidance_scale=0.0,
                    height=SIDE,
                    width=SIDE,
                ).images[0]
                if size != SIDE:
                    image = image.resize((size, size))
                image.save(Path(folder) / f"{number}.png")
        return len(wanted)

    return run


def rate(side: Side) -> float:
    """Return images/s of one call."""
    started = time.perf_counter()
    return side() / (time.perf_counter() - started)


def best_batch(runner: Runner, images: int) -> int:
    """Return the batch at which the bare passes are fastest."""
    sides = {batch: bare(runner, batch, images) for batch in BATCHES}
    for side in sides.values():
        side()
    rates = {batch: max(rate(side) for _ in range(2)) for batch, side in sides.items()}
    return max(rates, key=rates.__getitem__)


class Contest:
    """All sides in turns, the bare passes and the package at one precision.

    The usual script is as it is written: float32.
    """

    def __init__(self, model: Path, precision: str, per_class: int, rounds: int) -> None:
        settings: dict[str, Any] = {"model": str(model), "height": SIDE, "width": SIDE}
        settings |= {"precision": precision, "device": "cpu"}
        wanted = requests(NAMES, per_class, 0, prompts())
        self.runner = runner_of(Diffusers(**settings, batch_size=1))
        self.batch = best_batch(self.runner, max(BATCHES))
        sides = {
            BARE: bare(self.runner, self.batch, len(wanted)),
            OURS: ours(Diffusers(**settings, batch_size=self.batch), wanted),
            USUAL: usual(model, wanted, SIDE),
            RESIZING: usual(model, wanted, SIZE),
        }
        for side in sides.values():
            side()
        self.rates: dict[str, list[float]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                self.rates[name].append(rate(side))
        self.pieces = parts(self.runner, wanted, self.batch)

    def told(self) -> dict[str, Any]:
        """Return what was measured."""
        return {
            "images/s": {name: spread(each) for name, each in self.rates.items()},
            "batch": self.batch,
            "precision": str(self.runner.dtype),
            "milliseconds an image": self.pieces,
        }


def measure(asked: argparse.Namespace) -> None:
    """Measure in float32, then at what `precision: auto` is here."""
    shape: dict[str, Any] = {"unet": (64, 128), "vae": (32, 64, 64), "hidden": 256}
    per_class = 4
    if asked.quick:
        shape, per_class = {}, 1
    with tempfile.TemporaryDirectory() as folder:
        model = pipelines.sdxl(Path(folder), **shape)
        float32 = Contest(model, "float32", per_class, asked.rounds)
        auto = Contest(model, "auto", per_class, asked.rounds)
    ratios = {
        "ours/bare": ratio(float32.rates[OURS], float32.rates[BARE], at_least=0.9),
        "ours/usual script": ratio(float32.rates[OURS], float32.rates[USUAL], at_least=1.5),
        "ours/usual script, resizing first": ratio(float32.rates[OURS], float32.rates[RESIZING]),
        "auto: ours/bare": ratio(auto.rates[OURS], auto.rates[BARE]),
        "auto: ours/usual script": ratio(auto.rates[OURS], auto.rates[USUAL], at_least=1.5),
    }
    raw = {
        "float32": float32.told(),
        "auto": auto.told(),
        "images a round": per_class * len(NAMES),
    }
    record("diffusers", asked, n=asked.rounds, raw=raw, ratios=ratios)


def parts(runner: Runner, wanted: list[Request], batch: int) -> dict[str, float]:
    """Return what the pieces of an image cost by themselves."""
    image = runner.draw({0: wanted[0]}, batch, None)[0]

    def milliseconds(work: Callable[[], object], times: int) -> float:
        started = time.perf_counter()
        for _ in range(times):
            work()
        return round((time.perf_counter() - started) / times * 1000, 3)

    return {
        "text encoders, one prompt": milliseconds(lambda: runner._encode("a photo of a dog"), 3),
        "resizing to the set's size": milliseconds(lambda: resized(image, SIZE), 50),
    }


def main() -> None:
    """Measure with all cores."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    asked = parser.parse_args()
    asked.rounds = 2 if asked.quick else asked.rounds
    torch.set_num_threads(CORES)
    with torch.inference_mode():
        measure(asked)


if __name__ == "__main__":
    main()
