"""The thread that checks, encodes, hashes and writes while the next images are generated."""

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Queue
from threading import Thread
from types import TracebackType
from typing import Self

import numpy as np

from synthmix.errors import ArtifactError, DataError
from synthmix.images import Resize, resized
from synthmix.shards._parquet import Row, ShardFile, row, write
from synthmix.shards._similar import Similar
from synthmix.store import Artifact
from synthmix.types import Pixels, Request

_QUEUED = 256  # images that may wait for the thread, so that a fast generator fits in memory


@dataclass(frozen=True)
class Form:
    """In which form images are kept: their side, by which kernel, and the image as it was drawn."""

    image_size: int | None = None
    resize: Resize = "lanczos"
    keep_original: bool = False


class ShardWriter:
    """Takes images in order; what goes wrong in its thread is raised by the next call.

    Nothing is written after an error; shards that were finished before it stay.
    """

    def __init__(
        self,
        artifact: Artifact,
        requests: Sequence[Request],
        class_names: tuple[str, ...],
        form: Form,
    ) -> None:
        self._artifact = artifact
        self._class_names = class_names
        self._form = form
        self._similar = Similar()
        self._flagged: Counter[str] = Counter()
        self._content = _Content(requests, class_names)
        self._rows: list[Row] = []
        self._tasks: Queue[Callable[[], None] | None] = Queue(_QUEUED)
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, name="synthmix-shards")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._tasks.put(None)
        self._thread.join()
        if error is None and self._error is not None:
            raise self._error

    @property
    def fingerprint(self) -> str:
        """Fingerprint of all pixels, labels and class names; known once the writer is closed."""
        return self._content.fingerprint

    @property
    def flagged(self) -> dict[str, int]:
        """How many images have a flag, by its kind; known once the writer is closed."""
        return dict(sorted(self._flagged.items()))

    def add(self, request: Request, image: Pixels, faults: Sequence[str] = ()) -> None:
        """Take the next image of the current shard; its array may be used again afterwards.

        `faults` are those of images that were drawn for this request before and refused.
        """
        copied = np.array(image)
        self._submit(lambda: self._encode(request, copied, list(faults)))

    def finish(self, part: str) -> None:
        """Write the images added since the last shard."""
        self._submit(lambda: self._write(part))

    def keep(self, part: str, requests: Sequence[Request]) -> None:
        """Count a shard in that is on disk already."""
        self._submit(lambda: self._read(part, requests))

    def _submit(self, task: Callable[[], None]) -> None:
        if self._error is not None:
            raise self._error
        self._tasks.put(task)

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            if self._error is None:
                try:
                    task()
                except BaseException as error:
                    self._error = error

    def _encode(self, request: Request, image: Pixels, faults: list[str]) -> None:
        _check(request, image)
        size = self._form.image_size
        small = image if size is None else resized(image, size, self._form.resize)
        self._content.update(small)
        flags = [f"drawn again: {reason}" for reason in faults]
        earlier = self._similar.earlier(request.label, small)
        if earlier is not None:
            flags.append(f"near-duplicate: {earlier}")
        self._count(flags)
        original = image if self._form.keep_original else None
        self._rows.append(row(request, small, flags=flags, original=original))

    def _count(self, flags: Sequence[str]) -> None:
        self._flagged.update({flag.partition(":")[0] for flag in flags})

    def _write(self, part: str) -> None:
        rows, self._rows = self._rows, []
        with self._artifact.part(part) as path:
            write(path, rows, self._class_names)

    def _read(self, part: str, requests: Sequence[Request]) -> None:
        shard = ShardFile(self._artifact.path / part)
        made_from = shard.columns("label", "seed", "prompt")
        asked = {name: [getattr(each, name) for each in requests] for name in made_from}
        for name, values in made_from.items():
            if values != asked[name]:
                raise ArtifactError(
                    f"{shard.path} was made with another {name} than is asked for now; "
                    "a set keeps the classes, seeds and prompts it was begun with."
                )
        found = shard.columns("flags", "cut")
        for request, flags, image in zip(requests, found["flags"], shard.images(), strict=True):
            self._content.update(image)
            self._similar.earlier(request.label, image)
            self._count(flags.split("; ") if flags else [])


def _check(request: Request, image: Pixels) -> None:
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise DataError(
            f"Class '{request.class_name}', image {request.index} (seed {request.seed}) cannot be "
            f"used: it is {image.dtype} {list(image.shape)}, not uint8 [height, width, 3]."
        )


class _Content:
    """`images.content_fingerprint`, fed image by image: a set may be larger than memory."""

    def __init__(self, requests: Sequence[Request], class_names: tuple[str, ...]) -> None:
        self._labels = np.array([request.label for request in requests], dtype="<i8")
        self._class_names = class_names
        self._shape: tuple[int, ...] | None = None
        self._digest = hashlib.sha256()

    def update(self, image: Pixels) -> None:
        if self._shape is None:
            self._begin(image.shape)
        if image.shape != self._shape:
            raise DataError(
                f"The images of a set must share one shape, got {self._shape} and {image.shape}."
            )
        self._digest.update(np.ascontiguousarray(image).data)

    def _begin(self, shape: tuple[int, ...]) -> None:
        self._shape = shape
        self._digest.update(repr(((len(self._labels), *shape), self._class_names)).encode())
        self._digest.update(self._labels.tobytes())

    @property
    def fingerprint(self) -> str:
        return self._digest.hexdigest()[:16]
