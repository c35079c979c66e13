"""What is done to image sets whatever they came from: size, classes by name, subsets, splits."""

import hashlib
import json
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from synthmix.errors import DataError, counted, shown
from synthmix.names import keyed, matched
from synthmix.seeding import generator
from synthmix.types import ImageSet, Indices, Labels, Pixels

Resize = Literal["lanczos", "bicubic", "box"]
"""Antialiased kernels; the same one serves every source of a study."""

_SHOWN = 10  # names of a message

_KERNELS = {
    "lanczos": Image.Resampling.LANCZOS,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
}


def to_rgb(image: Image.Image) -> Pixels:
    """Return any PIL image as uint8 `[H, W, 3]`; transparency is laid over white.

    Raises ValueError, with the mode, for more than 8 bits a channel and for what no rule turns
    into RGB.
    """
    if image.mode[0] in "IF":
        raise ValueError(f"mode {image.mode} holds more than 8 bits a channel")
    if image.mode in ("La", "RGBa"):  # multiplied by their transparency already
        image = image.convert(image.mode.upper())
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        image = Image.alpha_composite(white, rgba)
    return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))


def resized(image: Pixels, size: int, kernel: Resize = "lanczos") -> Pixels:
    """Return the image at `[size, size, 3]`: shorter side fitted, longer side centre-cropped."""
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    side = min(height, width)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side)
    picture = Image.fromarray(image).resize((size, size), _KERNELS[kernel], box=box)
    return np.asarray(picture)


def content_fingerprint(pixels: Pixels, labels: Labels, class_names: tuple[str, ...]) -> str:
    """Return 16 hexadecimal digits that stand for decoded pixels, labels and class names."""
    digest = hashlib.sha256(repr((pixels.shape, class_names)).encode())
    digest.update(np.ascontiguousarray(labels, dtype="<i8").tobytes())
    for start in range(0, len(pixels), 4096):
        digest.update(np.ascontiguousarray(pixels[start : start + 4096]).data)
    return digest.hexdigest()[:16]


def take(images: ImageSet, rows: Indices) -> ImageSet:
    """Return the images at these rows, copied, in this order, fingerprinted anew.

    Their column `row` says which row each was before any was taken.
    """
    pixels, labels = images.pixels[rows], images.labels[rows]
    there = {"row": range(len(images)), **images.columns}
    columns = {name: [values[row] for row in rows] for name, values in there.items()}
    mark = content_fingerprint(pixels, labels, images.class_names)
    return ImageSet(pixels, labels, images.class_names, mark, columns)


def mark(rows: Indices) -> str:
    """Return 16 hexadecimal digits that stand for these row numbers in this order."""
    return hashlib.sha256(np.ascontiguousarray(rows, dtype="<i8").tobytes()).hexdigest()[:16]


def match_classes(
    images: ImageSet, class_names: tuple[str, ...], class_map: Mapping[str, str], *, where: str
) -> ImageSet:
    """Return the set with its labels numbered as `class_names` numbers them, matched by name.

    `class_map` maps this source's names to the study's. Raises DataError, naming both sides, where
    a name is not among the study's classes.
    """
    mapped = keyed(class_map, images.class_names, where="class_map")
    renamed = [matched(mapped.get(name, name), class_names) for name in images.class_names]
    unknown = sorted(set(renamed) - set(class_names))
    missing = sorted(set(class_names) - set(renamed))
    if unknown or missing:
        raise DataError(f"{where}: {_mismatch(unknown, missing, class_names)}")
    if images.class_names == class_names:
        return images
    number = np.array([class_names.index(name) for name in renamed], dtype=np.int64)
    labels = number[images.labels]
    mark = content_fingerprint(images.pixels, labels, class_names)
    return ImageSet(images.pixels, labels, class_names, mark, images.columns)


def _mismatch(unknown: list[str], missing: list[str], class_names: tuple[str, ...]) -> str:
    """Say which names have no counterpart, with the line of `class_map` that would give one."""
    if unknown and not missing:
        line = class_map_line(unknown[0], _near(unknown[0], class_names) or class_names[0])
        what = "class {} is" if len(unknown) == 1 else "classes {} are"
        return (
            f"its {what.format(_names(unknown))} none of the study's: leave its images out, or "
            f"map it to one that is, as in {line}."
        )
    if not unknown:
        lacking = f"only in the study: {_names(missing)}"
        return f"its classes do not match the study's; {lacking}. It needs images of every class."
    sides = f"Only here: {_names(unknown)}; only in the study: {_names(missing)}."
    near = [(name, found) for name in unknown if (found := _near(name, missing))]
    if not near and (len(unknown) > 1 or len(missing) > 1):
        # an example of two names would be taken for an answer, and swap labels
        line = class_map_line(unknown[0], "CLASS")
        return (
            f"its classes do not match the study's. {sides} Rename the folders, or map each to "
            f"the class that it shows: {line}."
        )
    name, other = near[0] if near else (unknown[0], missing[0])
    asked = f" {shown(name)} here is {shown(other)} in the study?" if near else ""
    line = class_map_line(name, other)
    return (
        f"its classes do not match the study's. {sides}{asked} "
        f"Rename the folders or map them: {line}."
    )


def _near(name: str, names: Collection[str]) -> str | None:
    """Return the one of `names` that differs by case, separators or a few letters alone."""
    plain = {_letters(each): each for each in names}
    found = get_close_matches(_letters(name), plain, n=1, cutoff=0.6)
    return plain[found[0]] if found else None


def _letters(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum()) or name


def class_map_line(name: str, other: str) -> str:
    """Return the line of a study file that maps one name to another."""
    return f"class_map: {{{_yaml(name)}: {_yaml(other)}}}"


def _yaml(name: str) -> str:
    """Return a name as YAML reads it: in quotes where it is more than a word."""
    is_word = name.replace("_", "").isalnum() and not name[0].isdigit()
    is_word &= name.casefold() not in _NO_TEXT
    return name if is_word else json.dumps(name, ensure_ascii=False)


_NO_TEXT = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
"""Words that YAML reads as something else than text."""


def _names(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(map(shown, names[:_SHOWN])) or "none") + more


def largest_remainder(weights: NDArray[np.int64], total: int) -> NDArray[np.int64]:
    """Share `total` out in proportion to `weights`; ties go to the lower index."""
    counts, rest = np.divmod(total * weights, max(int(weights.sum()), 1))  # exact, hence true ties
    order = np.argsort(-rest, kind="stable")
    counts[order[: total - int(counts.sum())]] += 1
    return counts


def shuffled_by_class(labels: Labels, num_classes: int, seed: int, purpose: str) -> list[Indices]:
    """Return each class's rows in a random order of its own: prefixes are nested subsets."""
    return [
        generator(seed, purpose, label).permutation(np.flatnonzero(labels == label))
        for label in range(num_classes)
    ]


def stratified_rows(
    labels: Labels, num_classes: int, total: int, seed: int, purpose: str
) -> Indices:
    """Return `total` sorted rows that keep the class proportions."""
    counts = largest_remainder(np.bincount(labels, minlength=num_classes), total)
    orders = shuffled_by_class(labels, num_classes, seed, purpose)
    chosen = [rows[:count] for rows, count in zip(orders, counts, strict=True)]
    return np.sort(np.concatenate(chosen))


def per_class_rows(
    labels: Labels, class_names: tuple[str, ...], per_class: int, seed: int, *, where: str
) -> Indices:
    """Return sorted rows with `per_class` of each class; raises DataError where there are fewer."""
    orders = shuffled_by_class(labels, len(class_names), seed, "subset")
    for name, rows in zip(class_names, orders, strict=True):
        if len(rows) < per_class:
            raise DataError(
                f"{where}: per_class is {per_class}, but class '{name}' has "
                f"{counted(len(rows), 'images')}."
            )
    return np.sort(np.concatenate([rows[:per_class] for rows in orders]))
