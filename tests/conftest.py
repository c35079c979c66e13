"""Fixtures every test may use; caches never leave the test's own folder."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

from synthmix.images import content_fingerprint
from synthmix.types import ImageSet

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("MPLBACKEND", "Agg")

# the same examples every time, and no clock: shared machines are slow now and then
settings.register_profile("synthmix", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("synthmix")

SHARED = Path(__file__).parents[2] / "shared"


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNTHMIX_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "hf"))


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def make_images() -> Callable[..., ImageSet]:
    """Return a maker of small image sets whose classes differ in brightness."""

    def make(per_class: int = 10, num_classes: int = 3, size: int = 8, seed: int = 0) -> ImageSet:
        random = np.random.default_rng(seed)
        labels = np.tile(np.arange(num_classes, dtype=np.int64), per_class)
        levels = 40 + 160 * labels[:, None, None, None] / num_classes
        noise = random.normal(0, 25, (len(labels), size, size, 3))
        pixels = (levels + noise).clip(0, 255).astype(np.uint8)
        names = tuple(f"class{k}" for k in range(num_classes))
        return ImageSet(pixels, labels, names, content_fingerprint(pixels, labels, names))

    return make
