"""Where a pipeline's weights lie, and whether they are of the variant that is asked for."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from synthmix import hub
from synthmix.errors import SettingError
from synthmix.model_files import INDEX, check_files, check_single

_PIPELINE = hub.Kind(INDEX, "diffusers", "diffusers", "stabilityai/sdxl-turbo")


@dataclass(frozen=True)
class Located:
    """A pipeline on this disk."""

    folder: Path
    revision: str
    """The hub's commit, or a fingerprint of a local folder's content."""

    index: dict[str, Any]
    """`model_index.json`: the pipeline's class and its components."""

    @property
    def pipeline(self) -> str:
        """Name of the pipeline's class."""
        return str(self.index.get("_class_name", ""))

    @property
    def components(self) -> list[str]:
        """Names of the components that the index gives a class."""
        named = (k for k, v in self.index.items() if isinstance(v, list) and v and v[0] is not None)
        return sorted(named)


def locate(
    model: str,
    revision: str | None,
    variant: str | None,
    *,
    index_name: str = INDEX,
    has_weights: bool = True,
) -> Located:
    """Return where a hub id or a folder lies; raises SettingError that says what is missing.

    `index_name` is the file that makes a folder a model: `config.json` for a single component.
    Without `has_weights` only settings and tokenizers are needed.
    """
    found = hub.find(model, revision, replace(_PIPELINE, index=index_name))
    if index_name != INDEX:
        check_single(found.folder, model)
    elif has_weights:
        check_files(found.folder, found.index, model, variant)
    return Located(found.folder, found.revision, found.index)


def locate_vae(model: str) -> Located:
    """Return where an autoencoder of its own lies."""
    located = locate(model, None, None, index_name="config.json")
    kind = located.index.get("_class_name")
    if kind != "AutoencoderTiny":
        raise SettingError(f"tiny_vae is '{model}', which holds a {kind}, not an AutoencoderTiny.")
    return located
