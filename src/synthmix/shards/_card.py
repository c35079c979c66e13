"""The front matter of a set's card: what the Hub and `datasets` read of it."""

import yaml

from synthmix.shards._parquet import VALUES
from synthmix.types import Json

_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}


def front_matter(
    class_names: tuple[str, ...], num_images: int, num_bytes: int, *, has_originals: bool = False
) -> str:
    """Return the YAML block with which `README.md` begins."""
    front = {
        # the terms are those of weights, prompts and real data, which the text lists
        "license": "other",
        "task_categories": ["image-classification"],
        "tags": ["synthetic"],
        "size_categories": [_size(num_images)],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": "data/*.parquet"}]}
        ],
        "dataset_info": {
            "features": _features(class_names, has_originals=has_originals),
            "splits": [{"name": "train", "num_bytes": num_bytes, "num_examples": num_images}],
            "download_size": num_bytes,
            "dataset_size": num_bytes,
        },
    }
    return f"---\n{yaml.safe_dump(front, sort_keys=False, allow_unicode=True)}---\n\n"


def _features(class_names: tuple[str, ...], *, has_originals: bool) -> list[Json]:
    names = {str(label): name for label, name in enumerate(class_names)}
    return [
        {"name": "image", "dtype": "image"},
        {"name": "label", "dtype": {"class_label": {"names": names}}},
        *([{"name": "original", "dtype": "image"}] if has_originals else []),
        *({"name": name, "dtype": kind} for name, kind in VALUES.items()),
    ]


def _size(num_images: int) -> str:
    return next((name for limit, name in _SIZES.items() if num_images < limit), "n>1M")
