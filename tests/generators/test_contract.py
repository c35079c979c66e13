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
from synthmix.types import ImageSet, Pixels, Request, no_progress

GENERATORS: Registry[Generator] = Registry("synthmix.generators", "Generator")
TINY: dict[str, dict[str, Any]] = {
    "flow": {"fit_steps": 2, "widths": (16,), "blocks": (1,), "rank": 4, "steps": 1}
}
"""Settings that make a generator fast enough for these tests; its defaults where not given."""

Draw = Callable[[Sequence[Request]], list[Pixels]]


@pytest.fixture(params=GENERATORS.names())
def draw(
    request: pytest.FixtureRequest, tmp_path: Path, make_images: Callable[..., ImageSet]
) -> Draw:
    settings = {**TINY.get(request.param, {}), "batch_size": 4}
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


WANTED = requests(("class0", "class1", "class2"), 3, seed=0)


def test_one_uint8_image_per_request(draw: Draw) -> None:
    images = draw(WANTED)
    assert len(images) == len(WANTED)
    assert {(image.shape, image.dtype) for image in images} == {((8, 8, 3), np.dtype(np.uint8))}


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
