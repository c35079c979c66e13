"""Synthetic sets on disk: Hugging Face dataset folders that grow and resume shard by shard.

Requests are numbered index-major (image 0 of every class, then image 1 of every class, ...), so
1,000 images per class are a prefix of 2,000 and a set that grows keeps its full shards.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.errors import ArtifactError, DataError
from synthmix.images import content_fingerprint
from synthmix.seeding import derive
from synthmix.shards._card import front_matter
from synthmix.shards._parquet import ShardFile
from synthmix.shards._plan import Shard, plan, settle, shard_name
from synthmix.shards._writer import ShardWriter
from synthmix.store import Artifact
from synthmix.types import ImageSet, Json, Pixels, Progress, Prompt, Request, no_progress

__all__ = ["Draw", "ShardWriter", "read_set", "repair", "requests", "write_set"]

Draw = Callable[[Sequence[Request]], Iterator[Pixels]]
"""Yields one image per request, in order."""

_COLUMNS = ("prompt", "seed", "index")


def requests(
    class_names: tuple[str, ...],
    per_class: int,
    seed: int,
    prompts: Sequence[Prompt] | None = None,
) -> list[Request]:
    """Return `per_class` requests of each class, index-major, each with a seed of its own.

    An image takes its class's prompt of the same index; where there are fewer prompts than images
    they are cycled. Raises DataError where a class has no prompt or an index is left out.
    """
    texts = None if prompts is None else _texts(class_names, prompts)
    return [
        Request(
            label=label,
            class_name=name,
            index=index,
            seed=derive(seed, "image", name, index),
            prompt=texts[label][index % len(texts[label])] if texts else None,
        )
        for index in range(per_class)
        for label, name in enumerate(class_names)
    ]


def _texts(class_names: tuple[str, ...], prompts: Sequence[Prompt]) -> list[list[str]]:
    by_class: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for prompt in prompts:
        by_class[prompt.label][prompt.index] = prompt.text
    for label, name in enumerate(class_names):
        if set(by_class[label]) != set(range(max(1, len(by_class[label])))):
            raise DataError(
                f"The prompts of class '{name}' must have the indices 0, 1, 2, ... "
                f"without a gap, got {sorted(by_class[label])[:5] or 'none'}."
            )
    return [
        [text for _, text in sorted(by_class[label].items())] for label in range(len(class_names))
    ]


def write_set(
    artifact: Artifact,
    requests: Sequence[Request],
    images: Draw,
    *,
    class_names: tuple[str, ...],
    shard_size: int,
    card: str,
    facts: Mapping[str, Json] | None = None,
    progress: Progress = no_progress,
) -> None:
    """Make the shards that are missing, then the card, then the manifest.

    A sealed set that has as many images already is left as it is; one that has fewer grows. `card`
    is the text of `README.md` after its front matter; `facts` join the manifest. The caller holds
    `artifact.locked()`. Raises DataError where an image fails its check, and ArtifactError where a
    shard that is there cannot be read or belongs to other requests.
    """
    assert requests, "a set has at least one image"
    if artifact.is_complete:
        if artifact.manifest()["num_images"] >= len(requests):
            return
        artifact.reopen()
    shards = plan(requests, shard_size)
    finished = settle(artifact, shards, shard_size)
    with ShardWriter(artifact, requests, class_names) as writer:
        _fill(writer, shards, finished, images, progress)
    _write_card(artifact, shards, class_names, card)
    artifact.seal(
        **(facts or {}),
        num_images=len(requests),
        per_class=len(requests) // len(class_names),
        class_names=list(class_names),
        shard_size=shard_size,
        pixels=writer.fingerprint,
    )


def _fill(
    writer: ShardWriter,
    shards: Sequence[Shard],
    finished: set[str],
    images: Draw,
    progress: Progress,
) -> None:
    total = sum(len(shard.requests) for shard in shards)
    completed = sum(len(shard.requests) for shard in shards if shard.part in finished)
    progress(completed, total)
    for shard in shards:
        if shard.part in finished:
            writer.keep(shard.part, shard.requests)
            continue
        for request, image in zip(shard.requests, images(shard.requests), strict=True):
            writer.add(request, image)
            completed += 1
            progress(completed, total)
        writer.finish(shard.part)


def _write_card(
    artifact: Artifact, shards: Sequence[Shard], class_names: tuple[str, ...], text: str
) -> None:
    num_images = sum(len(shard.requests) for shard in shards)
    num_bytes = sum((artifact.path / shard.part).stat().st_size for shard in shards)
    with artifact.part("README.md") as path:
        path.write_text(front_matter(class_names, num_images, num_bytes) + text, encoding="utf-8")


def repair(artifact: Artifact) -> list[str]:
    """Set damaged parts aside and name them; `write_set` with the same requests redoes them alone."""
    damaged = artifact.damaged()
    for part in damaged:
        artifact.set_aside(part)
    return damaged


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
            f"per_class is {per_class}, but {folder} has {available // len(class_names)} images "
            "of each class."
        )
    pixels = _pixels(shards, wanted)
    columns = _columns(shards, wanted)
    labels = np.array(columns.pop("label"), dtype=np.int64)
    mark = content_fingerprint(pixels, labels, class_names)
    return ImageSet(pixels, labels, class_names, mark, columns)


def _all_shards(folder: Path) -> list[ShardFile]:
    paths = sorted((folder / "data").glob("train-*.parquet"))
    total = len(paths)
    if not paths or [path.name for path in paths] != [shard_name(n, total) for n in range(total)]:
        raise ArtifactError(
            f"{folder} does not hold a complete set: it has {total} shards, "
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
