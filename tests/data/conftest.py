"""A small real fixture for each image source: three classes, a few random images a split."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthmix.data import ImageSource

NAMES = ("cat", "dog", "emu")
COUNTS = {"train": (4, 3, 5), "test": (2, 2, 2)}


def labels_of(split: str) -> np.ndarray:
    return np.repeat(np.arange(3), COUNTS[split])


def pixels_of(split: str, *shape: int) -> np.ndarray:
    total = sum(COUNTS[split])
    return np.random.default_rng(len(split)).integers(0, 256, (total, *shape), dtype=np.uint8)


def write_folder(root: Path) -> Path:
    for split in ("train", "test"):
        pairs = zip(pixels_of(split, 8, 8, 3), labels_of(split), strict=True)
        for number, (image, label) in enumerate(pairs):
            folder = root / split / NAMES[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image).save(folder / f"{number:02d}.png")
    return root


def write_npz(path: Path) -> Path:
    arrays = {f"x_{split}": pixels_of(split, 8, 8, 3) for split in COUNTS}
    arrays |= {f"y_{split}": labels_of(split) for split in COUNTS}
    np.savez(path, **arrays, class_names=np.array(NAMES))
    return path


def write_parquet(root: Path) -> Path:
    from datasets import ClassLabel, Dataset, Features
    from datasets import Image as ImageFeature

    features = Features(img=ImageFeature(), label=ClassLabel(names=list(NAMES)))
    (root / "data").mkdir(parents=True)
    for split in COUNTS:
        images = [Image.fromarray(image) for image in pixels_of(split, 8, 8, 3)]
        table = Dataset.from_dict({"img": images, "label": labels_of(split)}, features=features)
        for part in range(2):
            path = root / "data" / f"{split}-{part:05d}-of-00002.parquet"
            table.shard(2, part, contiguous=True).to_parquet(path, batch_size=2)
    return root


def write_idx(root: Path, num_classes: int = 10) -> Path:
    """Write MNIST's own four files, of `2 * num_classes` images each split."""
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for seed, split in enumerate(("train", "t10k")):
        labels = np.repeat(np.arange(num_classes, dtype=np.uint8), 2)
        shape = (len(labels), 28, 28)
        images = np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)
        head = struct.pack(">IIII", 0x0803, *shape)
        (raw / f"{split}-images-idx3-ubyte").write_bytes(head + images.tobytes())
        head = struct.pack(">II", 0x0801, len(labels))
        (raw / f"{split}-labels-idx1-ubyte").write_bytes(head + labels.tobytes())
    return root


SETTINGS: dict[str, Callable[[Path], dict[str, object]]] = {
    "array": lambda root: {"path": str(write_npz(root / "images.npz"))},
    "digits": lambda root: {},
    "folder": lambda root: {"path": str(write_folder(root / "folder"))},
    "huggingface": lambda root: {"path": str(write_parquet(root / "parquet"))},
    "torchvision": lambda root: {"dataset": "MNIST", "root": str(write_idx(root))},
}


@pytest.fixture(scope="session")
def settings_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, object]]:
    """Return the settings of a working source by its name; the files are written once."""
    written: dict[str, dict[str, object]] = {}

    def settings(name: str) -> dict[str, object]:
        assert name in SETTINGS, f"data/{name}.py has no fixture: add one to SETTINGS"
        if name not in written:
            written[name] = SETTINGS[name](tmp_path_factory.mktemp(name))
        return written[name]

    return settings


@pytest.fixture
def parquet_folder(settings_of: Callable[[str], dict[str, object]]) -> Path:
    return Path(str(settings_of("huggingface")["path"]))


def drain(source: ImageSource, split: str = "train") -> list[tuple[np.ndarray, int]]:
    return list(source.read(split))
