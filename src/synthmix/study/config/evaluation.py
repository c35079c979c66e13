"""The key `evaluation`: which images, besides the test set, the finished runs predict."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from pydantic import BaseModel, Discriminator, Field, Tag

from synthmix.data import ImageSource
from synthmix.errors import SettingError
from synthmix.evaluation.corruptions import Corruption
from synthmix.registry import Component, Registry
from synthmix.study.config.groups import STRICT, Name, Settings, check_keys
from synthmix.types import Json

CORRUPTIONS: Registry[Corruption] = Registry("synthmix.evaluation.corruptions", "Corruption")

IMAGES = 500
"""Test images that are corrupted: six kinds at five severities are 15,000 predictions a run."""

MIRRORED = 1000
"""Synthetic images of each set that a seed's real-only classifier predicts."""

Builder = Callable[[Any, Settings, str], Any]
"""Makes a component: its registry, its settings, and the key they stand under."""


class _Strict(BaseModel):
    model_config = STRICT


class Corrupted(_Strict):
    """Corruptions of the study's own test set."""

    kinds: tuple[str | Settings, ...] | None = None
    """Kinds of corruption, by name or as `use` and settings; all where not given."""

    num_images: Annotated[int, Field(ge=1, le=100_000_000)] = IMAGES
    """Test images that are corrupted, a stratified subset."""


class Asked(_Strict):
    """The keys under `evaluation`."""

    test_sets: dict[Name, Settings] = {}
    """More test sets, by names of your own: data sources, as under `real`."""

    corruptions: Annotated[
        Annotated[bool | None, Tag("[flag]")] | Annotated[Corrupted, Tag("[keys]")],
        Discriminator(lambda given: "[flag]" if isinstance(given, bool | None) else "[keys]"),
    ] = None
    """Whether test images are also predicted corrupted; {kinds: [NAME], num_images: N} for some."""

    mirror: Annotated[int, Field(ge=0, le=100_000_000)] = MIRRORED
    """Synthetic images of each set that real-only classifiers predict; 0 for none."""


@dataclass(frozen=True)
class Evaluation:
    """What finished runs predict besides the test set."""

    test_sets: Mapping[str, ImageSource] = field(default_factory=dict)
    corruptions: Mapping[str, Corruption] = field(default_factory=dict)
    """The kinds by name; none where the test set is left as it is."""

    num_images: int = IMAGES
    """Test images that are corrupted, a stratified subset; all where there are fewer."""

    mirror: int = MIRRORED
    """Synthetic images a set and seed that the real-only classifier predicts; 0 for none."""

    def settings(self, of: Callable[[Component], Json]) -> dict[str, Json]:
        """Return all settings as JSON; `of` gives those of a component."""
        return {
            "test_sets": {name: of(source) for name, source in self.test_sets.items()},
            "corruptions": {name: of(kind) for name, kind in self.corruptions.items()},
            "num_images": self.num_images,
            "mirror": self.mirror,
        }


def check(asked: Any) -> None:
    """Raise SettingError, with the nearest key, for one that `evaluation` does not have."""
    corrupted = asked.get("corruptions") if isinstance(asked, dict) else None
    if not isinstance(corrupted, bool | dict | None):
        raise SettingError(
            "evaluation.corruptions must be true, false, or {kinds: [NAME], num_images: N}, "
            f"got {corrupted!r}."
        )
    for where, group, model in _groups(asked):
        check_keys(where, group, model)


def _groups(asked: Any) -> list[tuple[str, Any, type[_Strict]]]:
    inner = asked.get("corruptions") if isinstance(asked, dict) else None
    return [("evaluation", asked, Asked), ("evaluation.corruptions", inner, Corrupted)]


def resolved(asked: Asked, build: Builder, registry: Registry[ImageSource]) -> Evaluation:
    """Return what these keys ask for; corruptions are made unless test sets are given."""
    sets = {
        name: build(registry, settings, f"evaluation.test_sets.{name}")
        for name, settings in asked.test_sets.items()
    }
    wanted = asked.corruptions
    if wanted is None:
        wanted = not sets
    if isinstance(wanted, bool):
        kinds = _kinds(Corrupted(), build) if wanted else {}
        return Evaluation(sets, kinds, IMAGES, asked.mirror)
    return Evaluation(sets, _kinds(wanted, build), wanted.num_images, asked.mirror)


def _kinds(asked: Corrupted, build: Builder) -> dict[str, Corruption]:
    found: dict[str, Corruption] = {}
    where = "evaluation.corruptions.kinds"
    for each in CORRUPTIONS.names() if asked.kinds is None else asked.kinds:
        settings = {"use": each} if isinstance(each, str) else each
        kind = build(CORRUPTIONS, settings, where)
        if settings["use"] in found:
            raise SettingError(f"{where} names '{settings['use']}' twice; name each kind once.")
        found[settings["use"]] = kind
    if not found:
        raise SettingError(f"{where} is empty; name some kinds, or say `corruptions: false`.")
    return found
