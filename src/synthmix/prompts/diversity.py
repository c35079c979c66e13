"""How much the texts of a class differ, and what of them a text encoder reads.

Similarity is the cosine of TF-IDF vectors of words and word pairs, unless embeddings are given;
the Vendi score (Friedman and Dieng 2023) is the effective number of different texts: the
exponential of the entropy of the eigenvalues of their similarities.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from synthmix.prompts.clustered_attributes.groups import NUMBER, group_names, listed_in
from synthmix.types import Json, Prompt, TextEncoder

Vectors = NDArray[np.floating[Any]]
Embed = Callable[[Sequence[str]], Vectors]
"""Unit vectors `[N, D]` of N texts."""

MOST = 1000
"""Texts of a class that are compared with one another: the first ones."""

_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def diversity(
    prompts: Sequence[Prompt],
    class_names: Sequence[str],
    encoders: Sequence[TextEncoder] = (),
    embed: Embed | None = None,
) -> dict[str, dict[str, Json]]:
    """Return each class's numbers by name; classes without prompts are left out."""
    by_class: defaultdict[int, list[str]] = defaultdict(list)
    for each in prompts:
        by_class[each.label].append(each.text)
    return {
        class_names[label]: _of_class(texts, encoders, embed or tf_idf)
        for label, texts in sorted(by_class.items())
    }


def _of_class(
    texts: Sequence[str], encoders: Sequence[TextEncoder], embed: Embed
) -> dict[str, Json]:
    words = [[word.lower() for word in _WORD.findall(text)] for text in texts]
    similarity, vendi = _spread(embed(texts[:MOST]))
    named = [_attributes(each) for each in words]
    lengths = [len(each) for each in words]
    return {
        "prompts": len(texts),
        "distinct": len(set(texts)),
        "distinct_1": _rounded(_distinct(words, 1)),
        "distinct_2": _rounded(_distinct(words, 2)),
        "similarity": similarity,
        "vendi": _rounded(vendi),
        "attributes": len(set().union(*named)),
        "attribute_groups": _rounded(len({group for _, group in set().union(*named)}) / _groups()),
        "words": {"min": min(lengths), "mean": _rounded(np.mean(lengths)), "max": max(lengths)},
        "cut": {each.name: sum(each.cut(text) is not None for text in texts) for each in encoders},
    }


def _distinct(texts: Sequence[Sequence[str]], length: int) -> float:
    """Return the share of different n-grams among all of them (Li et al. 2016), 0 without any."""
    every = [
        tuple(words[at : at + length]) for words in texts for at in range(len(words) - length + 1)
    ]
    return len(set(every)) / max(len(every), 1)


def _spread(vectors: Vectors) -> tuple[float | None, float]:
    """Return the mean cosine of two texts, None where there is but one, and the Vendi score."""
    count = len(vectors)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, 1.0)
    pairs = count * (count - 1)
    mean = _rounded((cosines.sum() - count) / pairs) if pairs else None
    eigenvalues = np.linalg.eigvalsh(cosines / count)
    kept = eigenvalues[eigenvalues > 1e-12]
    return mean, float(np.exp(-(kept * np.log(kept)).sum()))


def tf_idf(texts: Sequence[str]) -> Vectors:
    """Return unit TF-IDF vectors of words and word pairs."""
    # imported here: it takes a second, and the linter's commands need it not
    from sklearn.feature_extraction.text import TfidfVectorizer

    if not any(character.isalnum() for text in texts for character in text):
        return np.zeros((len(texts), 1))  # texts without a word have none in common
    vectoriser = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"[^\W_]+")
    vectors: Vectors = vectoriser.fit_transform(texts).toarray()
    return vectors


def embedded(model: str) -> Embed:
    """Return what embeds texts with a sentence-transformers model; raises MissingPackage."""
    from synthmix.prompts.clustered_attributes.embeddings import Nearest

    def embed(texts: Sequence[str]) -> Vectors:
        return np.asarray(Nearest(model).vectors(list(texts)), np.float64)

    return embed


def _attributes(words: Sequence[str]) -> set[tuple[str, str]]:
    """Return the visual attributes of the lexicon that a text names, with their groups."""
    phrases = [*words, *(f"{one} {other}" for one, other in pairwise(words))]
    found = ((phrase, listed_in(phrase)) for phrase in phrases)
    return {(phrase, group) for phrase, group in found if group is not None and group != NUMBER}


def _groups() -> int:
    return len([name for name in group_names() if name != NUMBER])


def _rounded(value: Any) -> float:
    return round(float(value), 4)
