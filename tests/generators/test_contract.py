"""What every generator promises, over each file of the family."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synthmix.generators import Generator
from synthmix.registry import Registry
from synthmix.shards import requests
from synthmix.store import Artifact
from synthmix.types import ImageSet, Pixels, Prompt, Request, no_progress
from tests.generators.diffusers import pipelines
from tests.generators.stylegan_xl import published

GENERATORS: Registry[Generator] = Registry("synthmix.generators", "Generator")
TINY: dict[str, Callable[[Path], dict[str, Any]]] = {
    "flow": lambda _: {"fit_steps": 2, "widths": (16,), "blocks": (1,), "rank": 4, "steps": 1},
    "diffusers": lambda folder: {
        "model": str(pipelines.sdxl(folder)),
        "height": 32,
        "width": 32,
    },
    "stylegan-xl": lambda folder: {"checkpoint": published.write(folder / "network.pkl")},
}
"""Settings that make a generator small; files they need lie in the test's folder."""

Draw = Callable[[Sequence[Request]], list[Pixels]]


@pytest.fixture(params=GENERATORS.names())
def draw(
    request: pytest.FixtureRequest, tmp_path: Path, make_images: Callable[..., ImageSet]
) -> Draw:
    tiny = TINY[request.param](tmp_path) if request.param in TINY else {}
    settings = {**tiny, "batch_size": 4}
    generator = GENERATORS.build(request.param, settings)
    real = make_images(per_class=8)
    artifact = Artifact(tmp_path, "fitted", generator.settings())
    if generator.needs_real:
        generator.fit(real, seed=0, artifact=artifact, progress=no_progress)
    fitted = artifact.path if generator.needs_real else None

    def of(wanted: Sequence[Request]) -> list[Pixels]:
        names = real.class_names
        return list(generator.generate(wanted, class_names=names, image_size=8, fitted=fitted))

    return of


NAMES = ("class0", "class1", "class2")
PROMPTS = [Prompt(label, 0, f"a photo of {name}", "test") for label, name in enumerate(NAMES)]
WANTED = requests(NAMES, 3, 0, PROMPTS)


def test_one_uint8_image_per_request(draw: Draw) -> None:
    images = draw(WANTED)
    assert len(images) == len(WANTED)
    (side,) = {image.shape[0] for image in images}
    assert side >= 8, "what is smaller than asked for cannot be resized without loss"
    assert {(image.shape, image.dtype) for image in images} == {((side, side, 3), np.dtype("u1"))}


def test_an_image_depends_on_its_request_alone(draw: Draw) -> None:
    together = draw(WANTED)
    order = np.random.default_rng(0).permutation(len(WANTED))
    shuffled = draw([WANTED[place] for place in order])
    for number, place in enumerate(order):
        assert np.array_equal(shuffled[number], together[place])
    assert np.array_equal(draw([WANTED[4]])[0], together[4])


def test_seeds_make_different_images(draw: Draw) -> None:
    assert len({image.tobytes() for image in draw(WANTED)}) == len(WANTED)


def test_nothing_asked_for_is_nothing_made(draw: Draw) -> None:
    assert draw([]) == []
