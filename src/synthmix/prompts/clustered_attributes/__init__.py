"""Attributes that people saw on a class's objects, from Visual Genome, one of each visual group."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from synthmix.errors import DataError, SettingError
from synthmix.files import misfit
from synthmix.prompts import PromptStrategy
from synthmix.prompts._template import article, placeholders
from synthmix.prompts.clustered_attributes._compose import Chosen, Composer, Sample, largest, phrase
from synthmix.prompts.clustered_attributes.classes import ClassAttributes, fallback, plain
from synthmix.prompts.clustered_attributes.stored import read_classes
from synthmix.prompts.spoken_names import check_spoken
from synthmix.store import sha256
from synthmix.types import Json, Prompt

_KNOWN = ("article", "attributes", "name", "subject")


@dataclass(frozen=True, kw_only=True)
class ClusteredAttributes(PromptStrategy):
    """Describes each class by attributes of its objects: "a small brown dog lying down".

    Texts of a class differ as long as its attributes allow. A class that Visual Genome hardly has
    takes them from a lexicon of the package, where it has one (deer, frog); the card says so.
    """

    visual_genome: str
    """attributes.json (also .gz, .zip), or what `synthmix attributes extract` or `group` wrote."""

    clusters: Annotated[int, Ge(1), Le(10_000)] = 4
    """Groups of attributes, those with most mentions of the class; a text has one of each."""

    sample: Sample = "frequency"
    """Chance of an attribute within its group: by its mentions, or uniform."""

    template: str = "A photo of {article} {subject}"
    """Sentence with {subject}, the class with its attributes; or with {name} and {attributes}."""

    at_least: Annotated[int, Ge(1), Le(1_000_000)] = 2
    """Mentions that an attribute needs in its class."""

    fallback_below: Annotated[int, Ge(0), Le(1_000_000)] = 100
    """Mentions of a class below which the lexicon of the package takes over, if it knows it."""

    def __post_init__(self) -> None:
        names = set(placeholders(self.template, _KNOWN))
        if "subject" not in names and not {"name", "attributes"} <= names:
            raise SettingError(
                "template must contain {subject}, or {name} and {attributes}, else it leaves out "
                f"the class or what it looks like, got {self.template!r}."
            )

    def content(self) -> Json:
        if why := misfit(self._path):
            raise SettingError(f"visual_genome is '{self.visual_genome}', which {why}.")
        return sha256(self._path)

    def check(self, class_names: tuple[str, ...]) -> None:
        check_spoken(class_names)
        self._classes(class_names)

    def notes(self, class_names: tuple[str, ...]) -> list[str]:
        few = {
            name: found.mentions
            for name, found in read_classes(self._path, class_names).items()
            if self._falls_back(name, found)
        }
        told = [
            "Attributes of prompts: Visual Genome (Krishna et al. 2017, CC BY 4.0); classes are "
            "matched by WordNet 3.0 (Princeton University, WordNet licence)."
        ]
        if few:
            listed = ", ".join(f"{name} ({count} mentions)" for name, count in few.items())
            told.append(
                f"Attributes of {listed}: from a lexicon written for synthmix, because the file "
                f"has fewer than {self.fallback_below} usable mentions of them."
            )
        return told

    def write(self, class_names: tuple[str, ...], per_class: int, *, seed: int) -> Iterator[Prompt]:
        classes = self._classes(class_names)
        composers = [Composer(name, classes[name], self.sample, seed) for name in class_names]
        for index in range(per_class):
            for label, composer in enumerate(composers):
                chosen = composer.draw(index)
                text = self._text(plain(class_names[label]), chosen)
                yield Prompt(label, index, text, self.name, {"attributes": chosen})

    @property
    def _path(self) -> Path:
        return Path(self.visual_genome).expanduser()

    def _falls_back(self, name: str, found: ClassAttributes) -> bool:
        return found.mentions < self.fallback_below and fallback(name) is not None

    def _classes(self, class_names: tuple[str, ...]) -> dict[str, dict[str, dict[str, int]]]:
        """Return the attributes that texts draw on, by class and group."""
        drawn_on = {}
        for name, found in read_classes(self._path, class_names).items():
            written = fallback(name) if self._falls_back(name, found) else None
            groups, at_least = (
                (found.groups, self.at_least) if written is None else (written.groups, 1)
            )
            drawn_on[name] = largest(groups, self.clusters, at_least)
            if not drawn_on[name]:
                raise DataError(
                    f"{self.visual_genome}: class '{name}' has no attribute with at_least = "
                    f"{self.at_least} mentions ({found.mentions} in all); lower at_least."
                )
        return drawn_on

    def _text(self, name: str, chosen: Chosen) -> str:
        subject = phrase(name, chosen)
        described = subject if "{subject}" in self.template else name
        return self.template.format(
            article=article(described),
            attributes=", ".join(chosen.values()),
            name=name,
            subject=subject,
        )
