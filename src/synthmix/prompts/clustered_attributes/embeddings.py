"""Groups for attributes that no rule knows, by the words of the lexicon nearest to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from synthmix.errors import MissingPackage, SettingError
from synthmix.extras import install_extra
from synthmix.prompts.clustered_attributes._texts import read_toml, words_of
from synthmix.prompts.clustered_attributes.groups import UNKNOWN, Placed, group_names, place

_NEIGHBOURS = 5
_LEAST = 0.55
"""Mean cosine to the neighbours below which an attribute stays without a group."""


@dataclass(frozen=True)
class Nearest:
    """Places an attribute where all but one of its five nearest words of the lexicon are."""

    model: str
    """A sentence-transformers model: a hub id or a folder."""

    def __call__(self, attributes: Sequence[str]) -> Mapping[str, Placed]:
        """Return the group of those attributes that have one; raises MissingPackage."""
        unknown = [each for each in attributes if place(each).why == UNKNOWN]
        if not unknown:
            return {}
        lists = read_toml("groups.toml")["groups"]
        words = [(word, name) for name in group_names() for word in words_of(lists[name])]
        vectors = self.vectors([*unknown, *(word for word, _ in words)])
        cosines = vectors[: len(unknown)] @ vectors[len(unknown) :].T
        found = {}
        for attribute, row in zip(unknown, cosines, strict=True):
            near = np.argsort(-row, kind="stable")[:_NEIGHBOURS]
            groups = [words[i][1] for i in near]
            best = max(groups, key=groups.count)
            if row[near].mean() >= _LEAST and groups.count(best) >= _NEIGHBOURS - 1:
                found[attribute] = Placed(best, f"embedding near '{words[near[0]][0]}'")
        return found

    def vectors(self, texts: list[str]) -> NDArray[np.float32]:
        """Return unit vectors `[N, D]` of texts."""
        try:
            from sentence_transformers import SentenceTransformer
        except ModuleNotFoundError:
            raise MissingPackage(
                f"--embeddings needs more packages: {install_extra('embeddings')}"
            ) from None
        try:
            model = SentenceTransformer(self.model, device="cpu")
        except (OSError, ValueError) as error:
            reason = str(error).partition("\n")[0]
            raise SettingError(
                f"--embeddings {self.model}: no such model here ({reason})."
            ) from None
        vectors: NDArray[np.float32] = model.encode(
            texts, normalize_embeddings=True, show_progress_bar=False
        )
        return vectors
