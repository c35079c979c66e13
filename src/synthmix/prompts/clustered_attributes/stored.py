"""The files that hold attributes: what `extract` and `group` write, and every form that is read."""

import codecs
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from synthmix.cached import ensure
from synthmix.errors import DataError, SettingError, suggestion
from synthmix.files import misfit
from synthmix.prompts.clustered_attributes.classes import ClassAttributes, group, plain
from synthmix.prompts.clustered_attributes.visual_genome import (
    Attributes,
    Counts,
    Progress,
    extract,
    silent,
)
from synthmix.store import Artifact, cache_folder, replacing, sha256
from synthmix.types import Json

_ATTRIBUTES = "synthmix attributes 1"
_CLASSES = "synthmix attribute classes 1"
_LARGE = 1 << 20
_KEPT = "attributes.json"


def write_attributes(path: Path, attributes: Attributes, source: str) -> None:
    """Write counts by name, one name a line, the most frequent attribute first."""
    head: Json = {"source": source, "images": attributes.images, "objects": attributes.objects}
    if attributes.passed_over:
        head["passed_over"] = attributes.passed_over
    _write(path, {"format": _ATTRIBUTES, **head}, "names", _sorted(attributes))


def write_lists(path: Path, attributes: Attributes) -> None:
    """Write `{name: [attribute]}`, the original study's shape, the most frequent first."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write("{")
        for number, (name, counts) in enumerate(_sorted(attributes)):
            file.write(f"{',' if number else ''}\n{_line(name)}: {_line(list(counts))}")
        file.write("\n}\n")


def write_classes(path: Path, classes: Mapping[str, ClassAttributes], source: str) -> None:
    """Write every class's names, groups and what was dropped, one class after the other."""
    written: Json = {"format": _CLASSES, "source": source, "classes": {}}
    for name, found in classes.items():
        written["classes"][name] = asdict(found)
    with replacing(path) as temporary:
        text = json.dumps(written, indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def read_attributes(path: Path, progress: Progress = silent) -> Attributes:
    """Return the counts in Visual Genome's file, or in what `extract` wrote."""
    stored = _stored(path)
    if stored is None:
        return extract(path, progress)
    if stored.get("format") == _CLASSES:
        raise DataError(f"{path}: it is grouped by class already.")
    return _attributes(stored, path)


def read_classes(path: Path, class_names: Sequence[str]) -> dict[str, ClassAttributes]:
    """Return the classes' attributes from any of the files: Visual Genome's, extracted, grouped.

    What is extracted from a large file is kept in the cache, under the file's sha256.
    """
    if why := misfit(path):
        raise SettingError(f"visual_genome is '{path}', which {why}.")
    stat = path.stat()
    return dict(_read_classes(path, tuple(class_names), (stat.st_mtime_ns, stat.st_size)))


@lru_cache(maxsize=4)
def _read_classes(
    path: Path, class_names: tuple[str, ...], version: tuple[int, int]
) -> dict[str, ClassAttributes]:
    stored = _stored(path)
    if stored is None:
        return group(_extracted(path), class_names)
    if stored.get("format") != _CLASSES:
        return group(_attributes(stored, path), class_names)
    classes = stored.get("classes")
    if not isinstance(classes, dict):
        raise DataError(f"{path}: it must be what `synthmix attributes group` writes.")
    found = {plain(name): _class(value, path) for name, value in classes.items()}
    for name in class_names:
        if plain(name) not in found:
            hint = suggestion(plain(name), found)
            raise DataError(f"{path}: it has no class '{name}'. {hint}")
    return {name: found[plain(name)] for name in class_names}


def _extracted(path: Path) -> Attributes:
    if path.stat().st_size < _LARGE:
        return extract(path)
    artifact = Artifact(cache_folder() / "attributes", "extracted", {"sha256": sha256(path)})

    def make() -> None:
        with artifact.part(_KEPT) as temporary:
            write_attributes(temporary, extract(path), path.name)
        artifact.seal()

    ensure(artifact, make)
    kept = artifact.path / _KEPT
    return _attributes(_stored(kept) or {}, kept)


def _stored(path: Path) -> dict[str, Any] | None:
    """Return what is in a JSON object, or None where the file is something else."""
    if why := misfit(path):
        raise SettingError(f"{path} {why}.")
    with path.open("rb") as file:
        if file.read(64).removeprefix(codecs.BOM_UTF8).lstrip()[:1] != b"{":
            return None
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON ({error}).") from None
    return found


def _attributes(stored: dict[str, Any], path: Path) -> Attributes:
    """Return the counts of what `extract` wrote; lists without counts mention everything once."""
    try:
        if stored.get("format") == _ATTRIBUTES:
            names = {name: _counts(counts) for name, counts in stored["names"].items()}
            odd = stored.get("passed_over", {})
            return Attributes(names, stored["images"], stored["objects"], odd)
        return Attributes({name: _once(texts) for name, texts in stored.items()})
    except (KeyError, TypeError, AttributeError):
        raise DataError(
            f"{path}: it must be Visual Genome's attributes.json, what "
            "`synthmix attributes` wrote, or {name: [attribute]}."
        ) from None


def _counts(counts: Any) -> Counts:
    if not all(isinstance(count, int) for count in counts.values()):
        raise TypeError
    return dict(counts)


def _once(texts: Any) -> Counts:
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise TypeError
    return dict.fromkeys(texts, 1)


def _class(value: dict[str, Any], path: Path) -> ClassAttributes:
    try:
        groups = {
            g: {t: int(n) for t, n in counts.items()} for g, counts in value["groups"].items()
        }
        names = {name: (synset, count) for name, (synset, count) in value["names"].items()}
        return ClassAttributes(names=names, groups=groups)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise DataError(
            f"{path}: its classes are not as `synthmix attributes group` writes them."
        ) from None


def _sorted(attributes: Attributes) -> Iterator[tuple[str, Counts]]:
    for name in sorted(attributes.names):
        counts = attributes.names[name]
        yield name, dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))


def _write(path: Path, head: Json, key: str, entries: Iterator[tuple[str, Counts]]) -> None:
    """Write a JSON object whose last value has one entry a line, without holding its text."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        lines = [f"{_line(name)}: {_line(value)}," for name, value in head.items()]
        file.write("\n".join(["{", *lines, f"{_line(key)}: {{"]))
        for number, (name, counts) in enumerate(entries):
            file.write(f"{',' if number else ''}\n{_line(name)}: {_line(counts)}")
        file.write("\n}}\n")


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
