"""Which object names are of a class: WordNet's noun senses under it, and hand-made lists for traps.

Ten classes (those of CIFAR-10) and the adjectives' attribute nouns come with the package, as an
extract of WordNet 3.0 (see data/WORDNET_LICENSE). Other classes need NLTK's WordNet.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from synthmix.errors import DataError, MissingPackage
from synthmix.extras import install_extra, run_module
from synthmix.prompts.clustered_attributes._texts import read_toml, words_of
from synthmix.prompts.spoken_names import spoken

_ANIMALS = frozenset({"bird", "cat", "deer", "dog", "frog", "horse"})


@dataclass(frozen=True)
class ClassSenses:
    """A class's lemmas, each with its synset under the class and that sense's rank, from 1."""

    lemmas: Mapping[str, tuple[str, int]]
    kind: str
    """"animal", "thing", or "" for what is neither."""


@dataclass(frozen=True)
class Match:
    """A name's synset under a class, or the reason why it is refused."""

    synset: str
    refused: str = ""


def senses_of(class_name: str) -> ClassSenses:
    """Return a class's senses; raises MissingPackage or DataError where WordNet is not there."""
    word = spoken(class_name).lower()
    if word in _extract()["classes"]:
        synsets = _extract()["classes"][word]
        found = ((s, lemma, rank) for s, lemmas in synsets.items() for lemma, rank, _ in lemmas)
        return ClassSenses(_best(found), "animal" if word in _ANIMALS else "thing")
    return _senses_from_nltk(word)


def match(name: str, class_name: str, senses: ClassSenses) -> Match | None:
    """Return what a normalised object name is to a class; None where it has nothing to do with it.

    The word's first sense has to be under the class: a shared lemma is not enough, so a kite is no
    bird. Of several words the last decides, unless one before makes it something else.
    """
    class_name = spoken(class_name).lower()
    whole = _match_words(name, class_name, senses)
    words = name.split()
    if whole is not None or len(words) < 2:
        return whole
    last = _match_words(words[-1], class_name, senses)
    if last is None or last.refused:
        return None
    before = f" {' '.join(words[:-1])} "
    changes = [each for each in _modifiers(class_name) if f" {each} " in before]
    if changes or "of" in words:
        return Match(last.synset, f"'{changes[0] if changes else 'of'}' makes it something else")
    return last


def attribute_nouns(adjective: str) -> list[str]:
    """Return the synsets of the attributes whose values an adjective names, likeliest sense first.

    A sense that is named after the adjective itself, with a low number, is the likelier one.
    """
    senses: list[tuple[str, list[str]]] = _extract()["adj_attribute"].get(adjective, [])

    def unlikeliness(synset: str) -> tuple[bool, str]:
        lemma, _, number = synset.split(".")
        return lemma.replace("_", " ") != adjective, number

    ordered = sorted(senses, key=lambda sense: unlikeliness(sense[0]))
    return list(dict.fromkeys(noun for _, nouns in ordered for noun in nouns))


def _match_words(name: str, class_name: str, senses: ClassSenses) -> Match | None:
    lists = read_toml("names.toml")
    allowed: dict[str, str] = lists["allow"].get(class_name, {})
    denied: dict[str, str] = lists["deny"].get(class_name, {})
    for form in _singulars(name):
        if form in denied:
            return Match(senses.lemmas.get(form, ("", 0))[0], denied[form])
        if form in allowed:
            return Match(allowed[form])
        if form in senses.lemmas:
            synset, rank = senses.lemmas[form]
            common = "" if rank == 1 else f"only sense {rank} of '{form}' is of the class"
            return Match(synset, common)
    return None


_IRREGULAR = {"geese": "goose", "mice": "mouse", "oxen": "ox", "men": "man", "calves": "calf"}


def _singulars(name: str) -> Iterator[str]:
    """Yield the name and what it may be the plural of."""
    yield name
    start, _, last = name.rpartition(" ")
    joined = f"{start} " if start else ""
    for ending, instead in (("ies", "y"), ("es", ""), ("s", "")):
        if last.endswith(ending) and len(last) > len(ending) + 1:
            yield joined + last.removesuffix(ending) + instead
    if last in _IRREGULAR:
        yield joined + _IRREGULAR[last]


@lru_cache(maxsize=64)
def _modifiers(class_name: str) -> tuple[str, ...]:
    lists = read_toml("names.toml")["modifiers"]
    return words_of(f"{lists['any']}, {lists.get(class_name, '')}")


@lru_cache(maxsize=1)
def _extract() -> dict[str, Any]:
    packed = files(__package__).joinpath("data", "wordnet.json.gz").read_bytes()
    found: dict[str, Any] = json.loads(gzip.decompress(packed))
    return found


def _best(found: Iterator[tuple[str, str, int]]) -> dict[str, tuple[str, int]]:
    """Return each lemma's most common sense among those found."""
    lemmas: dict[str, tuple[str, int]] = {}
    for synset, lemma, rank in found:
        lemma = lemma.replace("_", " ").lower()
        if lemma not in lemmas or rank < lemmas[lemma][1]:
            lemmas[lemma] = synset, rank
    return lemmas


def _senses_from_nltk(word: str) -> ClassSenses:
    wordnet = _nltk_wordnet(word)
    senses: Sequence[Any] = wordnet.synsets(word.replace(" ", "_"), pos="n")
    if not senses:
        raise DataError(f"class '{word}' is no noun of WordNet: name it otherwise by class_map.")
    top = senses[0]
    under = {top, *top.closure(lambda synset: synset.hyponyms())}
    ranks: dict[str, list[Any]] = {}

    def triples() -> Iterator[tuple[str, str, int]]:
        for synset in sorted(under, key=lambda each: each.name()):
            for lemma in synset.lemma_names():
                if lemma not in ranks:
                    ranks[lemma] = wordnet.synsets(lemma, pos="n")
                yield synset.name(), lemma, ranks[lemma].index(synset) + 1

    above = {synset.name() for synset in top.closure(lambda synset: synset.hypernyms())}
    kind = "animal" if "animal.n.01" in above else "thing" if "artifact.n.01" in above else ""
    return ClassSenses(_best(triples()), kind)


def _nltk_wordnet(word: str) -> Any:
    known = ", ".join(_extract()["classes"])
    get_it = f"{install_extra('attributes')} && {run_module('nltk.downloader wordnet')}"
    need = f"class '{word}' needs NLTK's WordNet (the package knows {known}): {get_it}"
    try:
        from nltk.corpus import wordnet
    except ModuleNotFoundError:
        raise MissingPackage(need) from None
    try:
        wordnet.ensure_loaded()
    except LookupError:
        raise MissingPackage(need) from None
    return wordnet
