"""Seeds added where they may change a verdict, and nowhere else (`seeds: auto`).

Arms are judged at a few numbers of seeds, the looks. Each look may spend a share of the level,

    weight[k] = (n[k] / n[K])^2 - (n[k - 1] / n[K])^2      with n[0] = 0

so the shares add up to one and most is kept for the largest number of seeds (the spending function
of Kim & DeMets 1987 with exponent 2). The shares are added by the union bound, whatever the
dependence of the looks: seeds share their test images, so the increments that sharper boundaries
assume are not independent here. An arm whose verdict is open goes on, with what it is compared
with; the others stop and keep the verdict, the evidence and the weight of the look at which they
did. An arm is open while its gain is not credited and it is shown neither to hurt nor to be
equivalent: a lead over a control that is not shown yet may be later.

Keeping a verdict is safe although the other arms' p-values go on to change: the smallest weighted
p-value over an arm's looks is itself a p-value (Bonferroni), each look's p-values are no smaller,
and what Holm rejects at larger p-values it rejects at smaller ones.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Le

from synthmix.errors import SettingError
from synthmix.registry import AS_WRITTEN
from synthmix.types import Verdict


@dataclass(frozen=True)
class Looks:
    """At which numbers of seeds arms are judged: `first`, then `step` more until `most`."""

    first: int = 3
    step: int = 2
    most: int = 9

    def __post_init__(self) -> None:
        if self.first < 2 or self.step < 1 or self.most < self.first:
            raise SettingError(
                f"seeds are to go from {self.first} in steps of {self.step} to {self.most}: at "
                "least 2 at first, steps of at least 1, and not fewer in the end."
            )

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of seeds, ascending; the last one is `most`."""
        return tuple(sorted({*range(self.first, self.most, self.step), self.most}))

    def weight(self, num_seeds: int) -> float:
        """Return the share of the level that the look at this many seeds may spend."""
        numbers = self.numbers
        if num_seeds not in numbers:
            raise SettingError(f"{num_seeds} seeds are no look; the looks are {numbers}.")
        place = numbers.index(num_seeds)
        before = numbers[place - 1] if place else 0
        return (num_seeds**2 - before**2) / self.most**2

    def following(self, num_seeds: int) -> int | None:
        """Return the next look's number of seeds, None after the last."""
        return next((number for number in self.numbers if number > num_seeds), None)


@dataclass(frozen=True, kw_only=True)
class Adaptive:
    """Seeds that are added to arms whose verdict is open, and to no others."""

    __pydantic_config__ = AS_WRITTEN

    first: Annotated[int, Ge(2), Le(1000)] = 3
    """Seeds of every arm at the first look."""

    step: Annotated[int, Ge(1), Le(1000)] = 2
    """Seeds that an open arm has more at the next look."""

    most: Annotated[int, Ge(2), Le(1000)] = 9
    """Seeds at the last look."""

    budget: Annotated[int, Ge(0), Le(1_000_000)] | None = None
    """Training runs that may be added after the first look; as many as `most` allows if not given.
    """

    def __post_init__(self) -> None:
        assert self.looks.numbers

    @property
    def looks(self) -> Looks:
        """At which numbers of seeds arms are judged."""
        return Looks(self.first, self.step, self.most)


@dataclass(frozen=True)
class Course:
    """How far a study has come: the numbers of seeds of all arms at each look so far.

    `verdicts` are those of the arms at the look that decided them, else at the last one judged;
    `spent` counts the runs added after the first look. `is_settled` tells whether nothing is left
    to be done; else runs of the last look are missing.
    """

    looks: tuple[Mapping[str, int], ...]
    verdicts: Mapping[str, Verdict]
    spent: int
    is_settled: bool

    @property
    def seeds(self) -> Mapping[str, int]:
        """The numbers of seeds of all arms at the last look."""
        return self.looks[-1]


Judged = Callable[[Mapping[str, int]], Sequence[Verdict] | None]
"""The verdicts at these numbers of seeds; None where a run is not there yet."""


def follow(
    judged: Judged,
    seeds: Mapping[str, int],
    needs: Mapping[str, Sequence[str]],
    looks: Looks,
    budget_runs: int | None = None,
) -> Course:
    """Return the course from the first look, whose numbers of seeds are given, as far as runs go.

    `budget_runs` is how many runs may be added in all; None leaves it to `looks.most`.
    """
    passed, verdicts, spent = [dict(seeds)], dict[str, Verdict](), 0
    while (found := judged(passed[-1])) is not None:
        verdicts = kept(verdicts, found)
        left = sum(looks.most for _ in seeds) if budget_runs is None else budget_runs - spent
        more = extended(verdicts, passed[-1], needs, looks, left)
        if not more:
            return Course(tuple(passed), verdicts, spent, is_settled=True)
        spent += sum(number - passed[-1][arm] for arm, number in more.items())
        passed.append(passed[-1] | more)
    return Course(tuple(passed), verdicts, spent, is_settled=False)


def kept(before: Mapping[str, Verdict], now: Sequence[Verdict]) -> dict[str, Verdict]:
    """Return each arm's verdict of the look that decided it, else that of this look."""
    decided = {arm: verdict for arm, verdict in before.items() if not verdict.is_open}
    return {each.arm: decided.get(each.arm, each) for each in now}


def extended(
    verdicts: Mapping[str, Verdict],
    seeds: Mapping[str, int],
    needs: Mapping[str, Sequence[str]],
    looks: Looks,
    budget_runs: int,
) -> dict[str, int]:
    """Return the numbers of seeds of the next look; empty where nothing is left to be done.

    `seeds` has the present number of every arm, comparators and controls included; `needs` names
    what each judged arm is compared with. `budget_runs` is how many runs may still be added: open
    arms are taken in the order given, each only as a whole.
    """
    found: dict[str, int] = {}
    left = budget_runs
    for arm, verdict in verdicts.items():
        wanted = looks.following(seeds[arm])
        if wanted is None or not verdict.is_open:
            continue
        names = [arm, *needs.get(arm, ())]
        grown = {each: max(wanted, found.get(each, 0), seeds[each]) for each in names}
        cost = sum(number - found.get(each, seeds[each]) for each, number in grown.items())
        if cost <= left:
            found |= grown
            left -= cost
    return {each: number for each, number in found.items() if number > seeds[each]}
