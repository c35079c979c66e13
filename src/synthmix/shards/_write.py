"""A set from its requests: what is missing is made, what is there is kept."""

from collections.abc import Mapping, Sequence

from synthmix.shards._card import front_matter
from synthmix.shards._gate import Draw, Gate
from synthmix.shards._plan import Shard, plan, settle
from synthmix.shards._writer import Form, ShardWriter
from synthmix.store import Artifact
from synthmix.types import Json, Progress, Request, no_progress

AS_DRAWN = Form()
ATTEMPTS = 3


def write_set(
    artifact: Artifact,
    requests: Sequence[Request],
    images: Draw,
    *,
    class_names: tuple[str, ...],
    shard_size: int,
    card: str,
    form: Form = AS_DRAWN,
    attempts: int = ATTEMPTS,
    facts: Mapping[str, Json] | None = None,
    progress: Progress = no_progress,
) -> None:
    """Make the shards that are missing, then the card, then the manifest.

    A sealed set that has as many images already is left as it is; one that has fewer grows. `form`
    is the form in which images are kept; one that is black, constant or not finite is drawn again
    up to `attempts` times. `card` is the text of `README.md` after its front matter; `facts` join
    the manifest. The caller holds `artifact.locked()`. Raises DataError where an image fails its
    check to the last, and ArtifactError where a shard that is there cannot be read or belongs to
    other requests.
    """
    assert requests, "a set has at least one image"
    if artifact.is_complete:
        if artifact.manifest().get("num_images", 0) >= len(requests):
            return
        artifact.reopen()
    shards = plan(requests, shard_size)
    finished = settle(artifact, shards, shard_size)
    with ShardWriter(artifact, requests, class_names, form) as writer:
        _fill(writer, shards, finished, Gate(images, attempts), progress)
    _write_card(artifact, shards, class_names, card, has_originals=form.keep_original)
    artifact.seal(
        **(facts or {}),
        num_images=len(requests),
        per_class=len(requests) // len(class_names),
        class_names=list(class_names),
        shard_size=shard_size,
        pixels=writer.fingerprint,
        flagged=writer.flagged,
    )


def _fill(
    writer: ShardWriter,
    shards: Sequence[Shard],
    finished: set[str],
    gate: Gate,
    progress: Progress,
) -> None:
    total = sum(len(shard.requests) for shard in shards)
    completed = sum(len(shard.requests) for shard in shards if shard.part in finished)
    progress(completed, total)
    for shard in shards:
        if shard.part in finished:
            writer.keep(shard.part, shard.requests)
            continue
        for request, (image, faults) in zip(shard.requests, gate(shard.requests), strict=True):
            writer.add(request, image, faults)
            completed += 1
            progress(completed, total)
        writer.finish(shard.part)


def _write_card(
    artifact: Artifact,
    shards: Sequence[Shard],
    class_names: tuple[str, ...],
    text: str,
    *,
    has_originals: bool,
) -> None:
    num_images = sum(len(shard.requests) for shard in shards)
    num_bytes = sum((artifact.path / shard.part).stat().st_size for shard in shards)
    with artifact.part("README.md") as path:
        front = front_matter(class_names, num_images, num_bytes, has_originals=has_originals)
        path.write_text(front + text, encoding="utf-8")


def repair(artifact: Artifact) -> list[str]:
    """Set damaged parts aside and return their names; `write_set` then redoes them alone.

    Ask `write_set` for as many images as before: shards of a larger set that is not finished are
    set aside too.
    """
    found: list[str] = []
    # without a damaged manifest, parts in progress are looked at by their own records
    while damaged := artifact.damaged():
        for part in damaged:
            artifact.set_aside(part)
        found += damaged
    artifact.found_damaged += found
    return found
