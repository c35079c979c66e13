"""Fixtures every test may use; caches never leave the test's own folder."""

import os
from collections.abc import Callable, Generator
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
def full_disk() -> None:
    """Let no file grow beyond a kilobyte while the test runs, as a full disk would not."""
    pytest.importorskip("resource")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    if "full_disk" not in getattr(item, "fixturenames", ()):
        return (yield)
    import resource

    # not in the fixture: the outcome is written before it ends, perhaps to a longer file
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, before[1]))
    try:
        return (yield)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


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


@pytest.fixture(scope="session")
def gemma(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the real Gemma 3 270M, put together once from the package that `dev` installs."""
    from synthmix.prompts.language_model import _gguf

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SYNTHMIX_CACHE", str(tmp_path_factory.mktemp("gemma")))
        return _gguf.model_path(_gguf.PACKAGE)
