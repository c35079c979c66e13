"""What a fitted flow is worth: digits trained on its images alone, against the real ones."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from synthmix.data.digits import Digits
from synthmix.decoded import open_images
from synthmix.generators.flow import Flow
from synthmix.images import content_fingerprint, stratified_rows, take
from synthmix.shards import requests
from synthmix.store import Artifact
from synthmix.training.loop import Trainer
from synthmix.training.recipe import Recipe
from synthmix.types import ImageSet, Mixture, no_progress

RECIPE = Recipe(steps=400, batch_size=64, flip=False, crop=1)
FLOW = Flow(
    flip=False, widths=(32, 48), blocks=(1, 1), rank=64, fit_steps=700, steps=4, batch_size=128
)


def accuracy(train: ImageSet, test: ImageSet) -> float:
    trainer = Trainer(RECIPE, Mixture("arm", 0.0, 0, np.arange(len(train))), train, {}, seed=0)
    for _ in trainer.steps():
        pass
    return float((trainer.predict(test.pixels).argmax(axis=1) == test.labels).mean())


@pytest.mark.slow
def test_synthetic_digits_alone_come_within_three_points(tmp_path: Path) -> None:
    source = Digits()
    everything = open_images(source, "train", image_size=None)
    test = open_images(source, "test", image_size=None)
    real = take(everything, stratified_rows(everything.labels, 10, 600, 0, "pool"))
    artifact = Artifact(tmp_path, "flow", dataclasses.asdict(FLOW))
    FLOW.fit(real, seed=0, artifact=artifact, progress=no_progress)
    wanted = requests(real.class_names, 300, seed=0)
    drawn = FLOW.generate(wanted, class_names=real.class_names, image_size=8, fitted=artifact.path)
    pixels = np.stack(list(drawn))
    labels = np.array([each.label for each in wanted], dtype=np.int64)
    mark = content_fingerprint(pixels, labels, real.class_names)
    synthetic = ImageSet(pixels, labels, real.class_names, mark)
    assert accuracy(real, test) > 0.95
    assert accuracy(synthetic, test) >= accuracy(real, test) - 0.03
