"""Phrases from attributes: one of each of some groups, in English order, never a contradiction."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import accumulate, product
from typing import Literal

from synthmix.prompts.clustered_attributes._texts import read_toml, words_of
from synthmix.prompts.clustered_attributes.groups import group_names
from synthmix.prompts.clustered_attributes.visual_genome import Counts
from synthmix.seeding import generator

Sample = Literal["frequency", "uniform"]
Chosen = dict[str, str]
"""One attribute by group."""

_TRIES = 20
"""Draws for a text that the class does not have yet, before all are gone through."""

_FOLLOWS = {
    *("with", "without", "wearing", "in", "on", "at", "under", "behind", "near", "beside", "by"),
    *("next", "above", "below", "against", "along", "among", "across", "inside", "outside", "over"),
    *("around", "between", "beneath", "through", "from", "covered"),
}
"""First words of phrases that stand after the noun, in whatever group they are."""

_AFTER = {
    *("outdoors", "indoors", "underwater", "overhead", "ashore", "offshore", "nearby", "alone"),
    *("airborne", "alive", "backlit", "surrounded", "silhouetted", "far away", "close up"),
}
_MOTIONLESS = frozenset({"still", "motionless", "mobile"})


class Composer:
    """Draws one class's texts, each once until all are used."""

    def __init__(
        self, class_name: str, groups: Mapping[str, Counts], sample: Sample, seed: int
    ) -> None:
        self.class_name = class_name
        self.groups = groups
        self.sample = sample
        self.seed = seed
        self._seen: set[frozenset[str]] = set()
        self._rest = self._all()
        self._is_used_up = False

    def draw(self, index: int) -> Chosen:
        """Return the attributes of prompt `index`; prompts are drawn in order, from 0."""
        for attempt in range(0 if self._is_used_up else _TRIES):
            chosen = self._random(index, attempt)
            if self._is_new(chosen):
                return chosen
        # nearly all are used: take the first that is left, and repeat where none is
        left = next(filter(self._is_new, self._rest), None)
        self._is_used_up = left is None
        return left or self._random(index, _TRIES)

    def _is_new(self, chosen: Chosen) -> bool:
        words = frozenset(chosen.values())
        is_new = words not in self._seen
        self._seen.add(words)
        return is_new

    def _random(self, index: int, attempt: int) -> Chosen:
        random = generator(self.seed, "clustered attributes", self.class_name, index, attempt)
        chosen: Chosen = {}
        places = random.random(len(self.groups)).tolist()
        for place, (group, counts) in zip(places, self.groups.items(), strict=True):
            fitting = [each for each in counts if not clashes(each, chosen.values())]
            if fitting:
                chosen[group] = self._at(place, fitting, counts)
        return chosen

    def _at(self, place: float, texts: list[str], counts: Counts) -> str:
        """Return the text at a place in [0, 1) where each takes room by its weight."""
        if self.sample == "uniform":
            return texts[int(place * len(texts))]
        ends = list(accumulate(counts[each] for each in texts))
        return texts[bisect_right(ends, place * ends[-1])]

    def _all(self) -> Iterator[Chosen]:
        """Yield every combination without a contradiction, frequent attributes first."""
        for texts in product(*self.groups.values()):
            if not any(clashes(each, texts[:i]) for i, each in enumerate(texts)):
                yield dict(zip(self.groups, texts, strict=True))


def largest(groups: Mapping[str, Counts], clusters: int, at_least: int) -> dict[str, Counts]:
    """Return the `clusters` groups with most mentions, attributes with few mentions left out."""
    kept = {
        name: {text: count for text, count in counts.items() if count >= at_least}
        for name, counts in groups.items()
    }
    order = sorted((name for name in kept if kept[name]), key=lambda n: (-sum(kept[n].values()), n))
    return {name: kept[name] for name in order[:clusters]}


def phrase(name: str, chosen: Chosen) -> str:
    """Return a name with its attributes in English order, those that are phrases after it."""
    order = group_names()
    before, after = [], []
    for group in sorted(chosen, key=order.index):
        text = chosen[group]
        if _follows(group, text):
            after.append(text)
        else:
            before.append(text.replace(" ", "-") if group == "parts" else text)
    return " ".join([*before, name, *after])


def _follows(group: str, text: str) -> bool:
    if text.partition(" ")[0] in _FOLLOWS or text in _AFTER:
        return True
    return group == "pose" and text not in _MOTIONLESS


def clashes(text: str, chosen: Iterable[str]) -> bool:
    """Whether an attribute cannot be true beside one of those that are chosen."""
    against = _clashing().get(text)
    return against is not None and any(each in against for each in chosen)


@lru_cache(maxsize=1)
def _clashing() -> dict[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for pair in read_toml("classes.toml")["clashes"].values():
        one, other = (frozenset(words_of(text)) for text in pair)
        for mine, theirs in ((one, other), (other, one)):
            for word in mine:
                found[word] = found.get(word, frozenset()) | theirs
    return found
