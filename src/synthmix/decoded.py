"""Image sets decoded once into a memory-mapped cache, whatever source they come from."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import PIL
from numpy.lib import format as npy

from synthmix.cached import ensure
from synthmix.errors import DataError, MissingPackage, SettingError, counted, shown
from synthmix.fitting import Fitting, Priced, accepted, priced
from synthmix.images import Resize, content_fingerprint, per_class_rows, take
from synthmix.names import alike, distinct
from synthmix.noticed import noticing
from synthmix.store import Artifact, cache_folder
from synthmix.types import ImageSet, Labels, Pixels, Progress, no_progress

if TYPE_CHECKING:  # sources are called here, never known: `data` is above this module
    from synthmix.data import ImageSource, Listing, PassedOver, Split

REVISION = 3
"""Raised by hand when the same source decodes to other pixels."""

_PIXELS = "pixels.npy"
_LABELS = "labels.npy"
_STEP = 256  # images between two reports of progress


@dataclass(frozen=True)
class Inventory:
    """What a source took of a split, what it passed over, and what stands out.

    `where` is the study's name for the source; `per_class` counts the images of each class in
    `class_names`; `concerns` are what is probably not meant, `notes` what is good to know.
    """

    where: str
    split: "Split"
    class_names: tuple[str, ...]
    per_class: tuple[int, ...]
    passed_over: tuple["PassedOver", ...]
    notes: tuple[str, ...]
    concerns: tuple[str, ...]
    fingerprint: str
    """Stands for the decoded pixels, labels and class names."""


def _unasked(inventory: Inventory) -> None:
    """Tell nobody."""


def open_images(
    source: "ImageSource",
    split: "Split",
    *,
    image_size: int | None,
    resize: Resize = "lanczos",
    cache: Path | None = None,
    progress: Progress = no_progress,
    where: str = "real",
    price: Priced = accepted,
    tell: Callable[[Inventory], None] = _unasked,
) -> ImageSet:
    """Return a split of the source as square images, decoded once into the `cache` folder.

    `image_size` None keeps the source's own size; `where` is the study's name for the source.
    What is not decoded yet is priced first; `tell` hears what was taken and what was not. Only the
    training split is cut down to the source's `per_class`. Raises DataError where a class has no
    image, or where images differ in size and no `image_size` is given, SettingError where the
    cache has no room.
    """
    with _naming(where):
        try:
            listing = source.list(split)
        except SettingError as error:
            raise SettingError(f"{where}: {error}") from error
        listing = dataclasses.replace(listing, class_names=distinct(listing.class_names))
        _check_names(listing.class_names)
        key = _key(source, split, listing, image_size, resize)
        artifact = Artifact((cache or cache_folder()) / "decoded", _name(source, split), key)

        def make() -> None:
            fitting = Fitting(image_size, resize)
            images = fitting.fitted(source.read(split))
            images = priced(images, listing.num_images, artifact.parent, where, price)
            _decode(artifact, listing, images, fitting, progress)

        ensure(artifact, make)
    opened = _opened(artifact)
    tell(_inventory(where, split, listing, opened, artifact))
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
    except MissingPackage as error:
        raise MissingPackage(f"{where}: {error}") from error


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


def _inventory(
    where: str, split: "Split", listing: "Listing", images: ImageSet, artifact: Artifact
) -> Inventory:
    told = artifact.manifest()["told"]
    alike = [f"classes differ in capital letters alone: {each}" for each in _alike(images)]
    return Inventory(
        where=where,
        split=split,
        class_names=images.class_names,
        per_class=tuple(images.per_class()),
        passed_over=listing.passed_over,
        notes=tuple(told["notes"]),
        concerns=(*(note.rstrip(".") for note in listing.notes), *alike, *told["concerns"]),
        fingerprint=images.fingerprint,
    )


def _alike(images: ImageSet) -> list[str]:
    known: dict[str, list[str]] = {}
    for name in images.class_names:
        known.setdefault(name.casefold(), []).append(f"'{name}'")
    return [" and ".join(each) for each in known.values() if len(each) > 1]


def _decode(
    artifact: Artifact,
    listing: "Listing",
    images: Iterator[tuple[Pixels, int]],
    fitting: Fitting,
    progress: Progress,
) -> None:
    """Fill and seal the artifact."""
    with noticing() as noticed, artifact.part(_PIXELS) as path:
        labels = _write(path, images, listing.num_images, progress)
        _check_classes(labels, listing.class_names, artifact.settings["split"])
        mark = content_fingerprint(np.load(path, mmap_mode="r"), labels, listing.class_names)
    with artifact.part(_LABELS) as path, path.open("wb") as file:
        np.save(file, labels)
    artifact.seal(
        class_names=listing.class_names,
        content_fingerprint=mark,
        pillow=PIL.__version__,
        told=fitting.facts(noticed),
    )


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
        raise DataError(f"it listed {counted(total, 'images')} and then held {len(labels)}.")
    progress(total, total)
    return np.array(labels, dtype=np.int64)


def _check_names(names: tuple[str, ...]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise DataError(f"two classes are called {shown(name)}; classes are matched by name.")
        try:
            name.encode()
        except UnicodeEncodeError:
            raise DataError(f"the class name {name!a} is not valid UTF-8; rename it.") from None


def _check_classes(labels: Labels, class_names: tuple[str, ...], split: str) -> None:
    counts = np.bincount(labels, minlength=len(class_names))
    absent = next((name for name, n in zip(class_names, counts, strict=True) if not n), None)
    if absent is None:
        return
    twins = next((each for each in alike(class_names) if absent in each), ())
    others = " and ".join(shown(name) for name in twins if name != absent)
    hint = (
        f"; {others} looks like it: give both one name where they are one class" if others else ""
    )
    raise DataError(f"class {shown(absent)} has no image in the {split} split{hint}.")
