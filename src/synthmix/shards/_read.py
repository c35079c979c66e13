"""A finished set as an `ImageSet`."""

from collections.abc import Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import ArtifactError, DataError, counted
from synthmix.images import content_fingerprint
from synthmix.shards._parquet import ShardFile
from synthmix.shards._plan import shard_name
from synthmix.store import Artifact, read_json, sha256
from synthmix.types import ImageSet, Pixels

_COLUMNS = ("prompt", "seed", "index")


def read_set(source: Artifact | Path, *, per_class: int | None = None) -> ImageSet:
    """Return the first `per_class` images of each class (all where not given), decoded into memory.

    `columns` has prompt, seed and index. Raises ArtifactError where shards are missing or cannot be
    read, DataError where the set holds fewer images.
    """
    folder = source.path if isinstance(source, Artifact) else Path(source)
    shards = _all_shards(folder)
    class_names = shards[0].class_names
    available = sum(len(shard) for shard in shards)
    wanted = available if per_class is None else per_class * len(class_names)
    if wanted > available:
        raise DataError(
            f"per_class is {per_class}, but {folder} has "
            f"{counted(available // len(class_names), 'images')} "
            "of each class."
        )
    pixels = _pixels(shards, wanted)
    columns = _columns(shards, wanted)
    labels = np.array(columns.pop("label"), dtype=np.int64)
    mark = content_fingerprint(pixels, labels, class_names)
    _compare(folder)
    return ImageSet(pixels, labels, class_names, mark, columns)


def _compare(folder: Path) -> None:
    """Raise ArtifactError where what decodes is not what a sealed set's manifest tells of."""
    path = folder / "manifest.json"
    if not path.exists():
        return
    manifest = read_json(path)
    parts = manifest.get("parts") if isinstance(manifest, dict) else None
    for shard in sorted((folder / "data").glob("train-*.parquet")):
        name = f"data/{shard.name}"
        record = parts.get(name) if isinstance(parts, dict) else None
        if not isinstance(record, dict) or record.get("sha256") != sha256(shard):
            raise ArtifactError(
                f"{folder} does not hold the images that its manifest tells of: {name} has other "
                "bytes. The command that made it sets damaged shards aside and makes them anew."
            )


def _all_shards(folder: Path) -> list[ShardFile]:
    paths = sorted((folder / "data").glob("train-*.parquet"))
    total = len(paths)
    if not paths or [path.name for path in paths] != [shard_name(n, total) for n in range(total)]:
        raise ArtifactError(
            f"{folder} does not hold a complete set: it has {counted(total, 'shards')}, "
            f"{', '.join(path.name for path in paths[:3]) or 'none'}; run the same command again."
        )
    return [ShardFile(path) for path in paths]


def _pixels(shards: Sequence[ShardFile], wanted: int) -> Pixels:
    images = islice(chain.from_iterable(shard.images() for shard in shards), wanted)
    first = next(images)
    pixels = np.empty((wanted, *first.shape), dtype=np.uint8)
    for row, image in enumerate(chain([first], images)):
        pixels[row] = image
    return pixels


def _columns(shards: Sequence[ShardFile], wanted: int) -> dict[str, list[Any]]:
    parts = [shard.columns("label", *_COLUMNS) for shard in shards]
    return {name: [v for part in parts for v in part[name]][:wanted] for name in parts[0]}
