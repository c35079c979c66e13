"""Image sets decoded once into a memory-mapped cache, whatever source they come from."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL
from numpy.lib import format as npy

from synthmix.cached import ensure
from synthmix.errors import DataError
from synthmix.images import Resize, content_fingerprint, per_class_rows, resized, take
from synthmix.store import Artifact, cache_folder
from synthmix.types import ImageSet, Labels, Pixels, Progress, no_progress

if TYPE_CHECKING:  # sources are called here, never known: `data` is above this module
    from synthmix.data import ImageSource, Listing, Split

REVISION = 1
"""Raised by hand when the same source decodes to other pixels."""

_PIXELS = "pixels.npy"
_LABELS = "labels.npy"
_STEP = 256  # images between two reports of progress


def open_images(
    source: "ImageSource",
    split: "Split",
    *,
    image_size: int | None,
    resize: Resize = "lanczos",
    cache: Path | None = None,
    progress: Progress = no_progress,
    where: str = "real",
) -> ImageSet:
    """Return a split of the source as square images, decoded once into the `cache` folder.

    `image_size` None keeps the source's own size; `where` is the study's name for the source.
    Only the training split is cut down to the source's `per_class`. Raises DataError where a
    class has no image, or where images differ in size and no `image_size` is given.
    """
    with _naming(where):
        listing = source.list(split)
        _check_names(listing.class_names)
        key = _key(source, split, listing, image_size, resize)
        artifact = Artifact((cache or cache_folder()) / "decoded", _name(source, split), key)

        def make() -> None:
            images = _fitted(source.read(split), image_size, resize)
            _decode(artifact, listing, images, progress)

        ensure(artifact, make)
    opened = _opened(artifact)
    if split == "test" or source.per_class is None:
        return opened
    labels, names = opened.labels, opened.class_names
    return take(opened, per_class_rows(labels, names, source.per_class, source.seed, where=where))


@contextmanager
def _naming(where: str) -> Iterator[None]:
    try:
        yield
    except DataError as error:
        raise DataError(f"{where}: {error}") from error


def _name(source: "ImageSource", split: "Split") -> str:
    return f"{type(source).__name__.lower()}-{split}"


def _key(
    source: "ImageSource",
    split: "Split",
    listing: "Listing",
    image_size: int | None,
    resize: Resize,
) -> dict[str, Any]:
    """Return everything the decoded pixels depend on; subsets are drawn later."""
    settings = source.settings()
    return {
        "source": f"{type(source).__module__}.{type(source).__qualname__}",
        "settings": {name: settings[name] for name in settings.keys() - {"per_class", "seed"}},
        "revisions": [REVISION, source.output_revision],
        "content": [listing.class_names, listing.num_images, listing.content],
        "split": split,
        "image_size": image_size,
        "resize": resize,
    }


def _opened(artifact: Artifact) -> ImageSet:
    facts = artifact.manifest()
    pixels: Pixels = np.load(artifact.path / _PIXELS, mmap_mode="r", allow_pickle=False)
    labels: Labels = np.load(artifact.path / _LABELS, allow_pickle=False)
    return ImageSet(pixels, labels, tuple(facts["class_names"]), facts["content_fingerprint"])


def _decode(
    artifact: Artifact,
    listing: "Listing",
    images: Iterator[tuple[Pixels, int]],
    progress: Progress,
) -> None:
    """Fill and seal the artifact."""
    with artifact.part(_PIXELS) as path:
        labels = _write(path, images, listing.num_images, progress)
        _check_classes(labels, listing.class_names)
        mark = content_fingerprint(np.load(path, mmap_mode="r"), labels, listing.class_names)
    with artifact.part(_LABELS) as path, path.open("wb") as file:
        np.save(file, labels)
    artifact.seal(class_names=listing.class_names, content_fingerprint=mark, pillow=PIL.__version__)


def _write(
    path: Path, images: Iterator[tuple[Pixels, int]], total: int, progress: Progress
) -> Labels:
    """Write `total` images of one size as an `.npy` file; return their labels.

    Through a file, not a memory map: on a full disk a map kills the process without a word.
    """
    labels: list[int] = []
    with path.open("wb") as file:
        for image, label in images:
            if not labels:
                header = {"descr": "|u1", "fortran_order": False, "shape": (total, *image.shape)}
                npy.write_array_header_1_0(file, header)
            file.write(image.tobytes())
            labels.append(label)
            if len(labels) % _STEP == 0:
                progress(min(len(labels), total), total)
    if not labels and not total:
        raise DataError("the split has no image.")
    if len(labels) != total:
        raise DataError(f"it listed {total} images and then held {len(labels)}.")
    progress(total, total)
    return np.array(labels, dtype=np.int64)


def _fitted(
    images: Iterator[tuple[Pixels, int]], image_size: int | None, resize: Resize
) -> Iterator[tuple[Pixels, int]]:
    """Bring images to one size; without `image_size` they must be square and alike already."""
    first: tuple[int, ...] | None = None
    for image, label in images:
        if image_size is not None:
            yield resized(image, image_size, resize), label
            continue
        height, width = image.shape[:2]
        first = first or (height, width)
        if (height, width) != first:
            other = f"{first[1]}x{first[0]} and {width}x{height}"
            raise DataError(f"its images differ in size ({other} pixels): set image_size.")
        if height != width:
            raise DataError(f"its images are not square ({width}x{height} pixels): set image_size.")
        yield image, label


def _check_names(names: tuple[str, ...]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise DataError(f"two classes are called '{name}'; classes are matched by name.")
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(f"the class name {name!a} is not valid UTF-8; rename it.") from None


def _check_classes(labels: Labels, class_names: tuple[str, ...]) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    for name, count in zip(class_names, counts, strict=True):
        if count == 0:
            raise DataError(f"class '{name}' has no image.")
