"""Which shards a set has, and how those that are there already fit in."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from synthmix.errors import ArtifactError, counted
from synthmix.shards._parquet import MADE_FROM, ShardFile
from synthmix.store import Artifact
from synthmix.types import Request

_NAME = re.compile(r"train-(\d+)-of-(\d+)\.parquet")


@dataclass(frozen=True)
class Shard:
    """One file to be and the images it holds."""

    part: str
    requests: Sequence[Request]


def shard_name(number: int, total: int) -> str:
    """Return the file's name as the Hub numbers shards."""
    return f"train-{number:05d}-of-{total:05d}.parquet"


def plan(requests: Sequence[Request], shard_size: int) -> list[Shard]:
    """Cut the requests into shards of `shard_size`; only the last may be smaller."""
    total = -(-len(requests) // shard_size)
    return [
        Shard(
            f"data/{shard_name(number, total)}",
            requests[number * shard_size : (number + 1) * shard_size],
        )
        for number in range(total)
    ]


def settle(artifact: Artifact, shards: Sequence[Shard], shard_size: int) -> set[str]:
    """Give the shards that are there the names of this plan and return the finished ones.

    A shard is known by its number whatever its total: a kill may have left any mixture of old and
    new names, records without files and files without records.
    """
    for leftover in (artifact.path / "data").glob(".*.tmp"):
        leftover.unlink()
    settled = {_settle_one(artifact, found, shards, shard_size) for found in _present(artifact)}
    return {part for part in settled if part is not None}


@dataclass(frozen=True)
class _Found:
    part: str
    number: int
    total: int


def _present(artifact: Artifact) -> Iterator[_Found]:
    files = {path.name for path in (artifact.path / "data").glob("train-*.parquet")}
    recorded = {part.removeprefix("data/") for part in artifact.records()}
    for match in map(_NAME.fullmatch, sorted(files | recorded)):
        if match:
            yield _Found(f"data/{match[0]}", int(match[1]), int(match[2]))


def _settle_one(
    artifact: Artifact, found: _Found, shards: Sequence[Shard], shard_size: int
) -> str | None:
    planned = shards[found.number] if found.number < len(shards) else None
    if not (artifact.path / found.part).is_file():
        artifact.drop(found.part)
        return None
    if not artifact.has(found.part):
        # its process was killed before it was recorded, or what recorded it was lost
        if planned is None or not _is_sound(artifact.path / found.part, planned.requests):
            artifact.set_aside(found.part)
            artifact.found_damaged.append(found.part)
            return None
        artifact.take_over(found.part)
    rows = _checked_rows(artifact, found, shard_size)
    if planned is None or rows > len(planned.requests):
        artifact.set_aside(found.part)  # of a larger set that was not finished: kept, not used
        return None
    if rows < len(planned.requests):
        artifact.drop(found.part)  # end of a smaller set: made anew with more after it
        return None
    if found.part != planned.part:
        artifact.rename_part(found.part, planned.part)
    return planned.part


def _is_sound(path: Path, requests: Sequence[Request]) -> bool:
    """Whether a shard by itself shows that it holds the images of these requests, in order."""
    try:
        shard = ShardFile(path)
        made_from = shard.columns(*MADE_FROM)
        rows = min(len(shard), len(requests))
        asked = {name: [getattr(each, name) for each in requests[:rows]] for name in MADE_FROM}
        shard.check_images()
    except ArtifactError:
        return False
    return {name: values[:rows] for name, values in made_from.items()} == asked


def _checked_rows(artifact: Artifact, found: _Found, shard_size: int) -> int:
    rows = len(ShardFile(artifact.path / found.part))
    is_last = found.number + 1 == found.total
    if rows > shard_size or (rows < shard_size and not is_last):
        raise ArtifactError(
            f"shard_size is {shard_size}, but {artifact.path / found.part} has "
            f"{counted(rows, 'images')}; "
            "a set keeps the shard_size it was begun with."
        )
    return rows
