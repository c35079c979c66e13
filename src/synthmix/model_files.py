"""Which files of a model are needed and whether they are there: safetensors only, by variant."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from synthmix.errors import SettingError

INDEX = "model_index.json"
WEIGHTS = ".safetensors"
TEXTS = (".json", ".txt", ".model", ".md", ".jinja")
_PICKLES = (".bin", ".ckpt", ".pt", ".pth")
_SHARD = re.compile(r"-\d{5}-of-\d{5}")
_LEFT_OUT = ("safety_checker", "feature_extractor")
"""Parts that are not loaded unless asked for."""


@dataclass(frozen=True)
class Kinds:
    """The weights files of one folder, by name."""

    pickles: frozenset[str]
    plain: frozenset[str]
    variants: Mapping[str, frozenset[str]]

    def of(self, variant: str | None) -> frozenset[str]:
        """Return the files that are loaded: the variant's own, else the plain ones."""
        return self.variants.get(variant or "", self.plain)


def kinds(names: Iterable[str]) -> Kinds:
    """Sort weights files: `model.safetensors` is plain, `model.fp16.safetensors` a variant."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    names = set(names)
    for name in names:
        if name.endswith(WEIGHTS):
            middle = _SHARD.sub("", name)[: -len(WEIGHTS)].split(".")[1:]
            found[middle[0] if middle else ""].add(name)
    plain = frozenset(found.pop("", ()))
    pickles = frozenset(name for name in names if name.endswith(_PICKLES))
    return Kinds(pickles, plain, {key: frozenset(each) for key, each in found.items()})


def wanted(listed: Sequence[str], model: str, variant: str | None) -> list[str]:
    """Return the files to download: settings, and of each folder one kind of safetensors.

    Beside a pipeline's folders the hub often holds the same weights again, whole and as pickles.
    Raises SettingError where the kind that is asked for is not there.
    """
    folders: defaultdict[str, set[str]] = defaultdict(set)
    for path in map(PurePosixPath, listed):
        folders[str(path.parent)].add(path.name)
    is_pipeline = INDEX in folders["."]
    found, sorted_out = [], []
    for folder, names in folders.items():
        found += [str(PurePosixPath(folder, name)) for name in names if name.endswith(TEXTS)]
        if is_pipeline and folder == ".":
            continue
        of_folder = kinds(names)
        sorted_out.append((folder, of_folder))
        found += [str(PurePosixPath(folder, name)) for name in of_folder.of(variant)]
    _check_kinds(sorted_out, model, variant)
    return sorted(found)


def _check_kinds(folders: Sequence[tuple[str, Kinds]], model: str, variant: str | None) -> None:
    for folder, each in folders:
        where = f"'{model}'" if folder == "." else f"'{model}' ({folder})"
        if each.pickles and not each.plain and not each.variants:
            raise SettingError(
                f"model {where} has weights only as pickles ({min(each.pickles)}), which run code "
                "when they are loaded; only safetensors are used."
            )
        have = ", ".join(sorted(each.variants))
        if not each.of(variant) and each.variants:
            raise SettingError(
                f"variant is {_shown(variant)}, but model {where} has only the variant {have}: "
                f"set variant to {min(each.variants)}."
            )
    known = {name for _, each in folders for name in each.variants}
    if variant is not None and variant not in known and any(each.plain for _, each in folders):
        have = f"only {', '.join(sorted(known))}" if known else "no variant: leave it out"
        raise SettingError(f"variant is '{variant}', but model '{model}' has {have}.")


def _shown(variant: str | None) -> str:
    return "not given" if variant is None else f"'{variant}'"


def check_single(folder: Path, model: str) -> None:
    """Raise SettingError where a model that is no pipeline has no safetensors."""
    of_folder = kinds(path.name for path in folder.iterdir())
    _check_kinds([(".", of_folder)], model, None)
    if not of_folder.plain:
        raise SettingError(f"model '{model}' has no weights: {_again(model)}")


def check_files(folder: Path, index: Mapping[str, Any], model: str, variant: str | None) -> None:
    """Raise SettingError where a part that the index names, or one of its files, is not there."""
    parts = [
        name
        for name, kind in index.items()
        if isinstance(kind, list) and kind and kind[0] is not None and name not in _LEFT_OUT
        if not name.startswith("_")  # facts of the pipeline itself
    ]
    for name in parts:
        if [type(each) for each in index[name]] != [str, str]:
            raise SettingError(
                f"model '{model}': its {INDEX} gives '{name}' as {json.dumps(index[name])[:60]}, "
                "not as [library, class]."
            )
        if not (folder / name).is_dir():
            raise SettingError(
                f"model '{model}' has no folder '{name}', which its {INDEX} names: {_again(model)}"
            )
    named = {name: {path.name for path in (folder / name).iterdir()} for name in parts}
    found = {name: kinds(files) for name, files in named.items()}
    _check_kinds(list(found.items()), model, variant)
    for name, files in named.items():
        # schedulers and tokenizers have settings of other names, and no weights
        if "config.json" in files and not found[name].of(variant):
            raise SettingError(f"model '{model}' ({name}) has no weights: {_again(model)}")
        for shard in _shards(folder / name, variant):
            if shard not in files:
                raise SettingError(f"model '{model}' ({name}) lacks {shard}: {_again(model)}")


def _shards(folder: Path, variant: str | None) -> set[str]:
    """Return the files that the index of weights in several files names."""
    for path in sorted(folder.glob("*.safetensors.index*.json")):
        middle = path.name.partition(".safetensors.index")[2].removesuffix(".json").strip(".")
        if middle == (variant or ""):
            try:
                return set(json.loads(path.read_text(encoding="utf-8"))["weight_map"].values())
            except (ValueError, KeyError, TypeError, AttributeError):
                raise SettingError(f"{path} is damaged: fetch or copy the model again.") from None
    return set()


def _again(model: str) -> str:
    if Path(model).expanduser().exists():
        return "copy it anew."
    return f"fetch it anew: synthmix weights fetch {model}"
