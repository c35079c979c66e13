"""From the evidence of each arm to a verdict, by rule.

`judge` takes the evidence of all arms of a study at once, because each of its tests is corrected
for their number (Holm). An arm

1. is `invalid` where the baseline is too weak, or the evidence could not be made;
2. has a *gain* where it beats its comparator, at a two-sided level of 5 %. The gain is
   `not attributable to labels` if the deranged arm beats its comparator too, or if the arm does not
   gain more than it. It is credited, `helps`, if the arm also gains more than
   every control; if it does not, and that control has a gain of its own, the verdict is
   `helps, but so does more augmentation`. `substitutes` is a credited gain that is, besides, not
   worse than all n real images by more than the margin;
3. `hurts` where it is below its comparator;
4. is `equivalent` where two one-sided tests show it within the margin;
5. else leaves `no evidence`, and the verdict says what could have been seen.

An arm without real images has no comparator of its own: it can substitute, hurt, be equivalent or
leave no evidence. Demanding that all of several comparisons succeed needs no further correction
(intersection-union test: Berger 1982).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from synthmix.evaluation import phrases
from synthmix.evaluation.crossed import MARGIN, Difference, equivalence
from synthmix.evaluation.detectable import components, detectable
from synthmix.evaluation.statistics import holm
from synthmix.types import Labels, Verdict, VerdictLabel

DERANGED = "deranged labels"


@dataclass(frozen=True)
class Control:
    """What an arm's gain must exceed to be credited to synthetic images.

    `lead` is the arm's gain minus the control's (see `crossed.lead`: the control may have been run
    at another share), `gain` the control minus its own comparator.
    """

    name: str
    lead: Difference
    gain: Difference | None = None


@dataclass(frozen=True)
class Evidence:
    """All that is known of one arm.

    `gain` is the arm minus its comparator, which `comparator` names: its own real images alone
    (replace), all real images (add, batch-ratio). `full` is the arm minus all real images (replace
    only). `deranged` is the deranged arm of the same source minus its own comparator. `missing`
    names controls that were left out, see `phrases.UNCLAIMED`. `look_weight` is the share of the
    level which this look at the data may spend (adaptive seeds).
    """

    arm: str
    comparator: str
    gain: Difference | None
    full: Difference | None = None
    controls: tuple[Control, ...] = ()
    deranged: Difference | None = None
    missing: tuple[str, ...] = ()
    invalid: str = ""
    look_weight: float = 1.0

    @property
    def shown(self) -> Difference | None:
        """The difference the verdict speaks of."""
        return self.full if self.gain is None else self.gain


@dataclass(frozen=True)
class Gate:
    """The least accuracy of real images alone at which differences are worth judging.

    `required` is None for content whose accuracy under a sound recipe is not known. `by_chance` is
    an accuracy that always naming one class may reach, see `chance`.
    """

    required: float | None
    reached: float
    reduced_budget: bool = False
    by_chance: float = 0.0

    @property
    def state(self) -> Literal["passed", "failed", "waived", "not available"]:
        """Whether the baseline is strong enough; `waived` where a reduced budget is declared."""
        if self.required is None:
            return "not available"
        if self.reached >= self.required:
            return "passed"
        return "waived" if self.reduced_budget else "failed"

    @property
    def sentence(self) -> str:
        """What the gate says, for the report."""
        told = phrases.gate(self.state, self.required, self.reached)
        learned = self.reached > self.by_chance
        return told if learned else f"{told} {phrases.nothing_learned(self.reached)}"


@dataclass(frozen=True)
class Rule:
    """The levels of the rule: of its tests, its equivalence margin, its detectable effect."""

    level: float = 0.05
    margin: float = MARGIN
    power: float = 0.8


@dataclass(frozen=True)
class Tests:
    """P-values of one arm, adjusted over the arms; 1 where a test does not apply."""

    gain: float
    credit: float
    substitution: float
    loss: float
    equivalence: float


DEFAULT = Rule()


def chance(labels: Labels) -> float:
    """Return the accuracy, as a share of 1, that always naming the largest class may reach.

    Two standard errors above that class's share: what is not above has not been seen to learn.
    """
    share = float(np.bincount(labels).max()) / len(labels)
    return share + 2 * float(np.sqrt(share * (1 - share) / len(labels)))


def judge(
    evidence: Sequence[Evidence], gate: Gate | None = None, rule: Rule = DEFAULT
) -> list[Verdict]:
    """Return the verdicts of all arms of a study, in their order."""
    sound = [each for each in evidence if not each.invalid and each.shown is not None]
    tests = dict(zip((each.arm for each in sound), _tests(sound, rule), strict=True))
    found = []
    for each in evidence:
        if gate is not None and gate.state == "failed":
            found.append(_invalid(each, phrases.WEAK))
        elif each.arm not in tests:
            found.append(_invalid(each, each.invalid or phrases.NO_COMPARATOR))
        else:
            found.append(_verdict(each, tests[each.arm], sound, rule))
    return found


def summarize(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of the whole study: the best that any arm earned.

    `hurts` and `equivalent` are the study's only where no arm says otherwise. It is open while one
    of its arms is.
    """
    is_open = any(each.is_open for each in verdicts)
    for label in _ORDER:
        some = [each for each in verdicts if each.label == label]
        if not some or (label in _UNANIMOUS and len(some) < len(verdicts)):
            continue
        rest = [each for each in verdicts if each.label != label]
        sentence = phrases.study(label, some, rest)
        unclaimed = tuple(dict.fromkeys(claim for each in some for claim in each.unclaimed))
        seen = [each.detectable for each in some if each.detectable is not None]
        return Verdict(
            "study",
            label,
            sentence,
            unclaimed,
            max(seen, default=None),
            min((each.p_adjusted for each in some if each.p_adjusted is not None), default=None),
            some[0].reason,
            is_open,
        )
    sentence = phrases.study("no evidence", [], verdicts)
    seen = [each.detectable for each in verdicts if each.detectable is not None]
    return Verdict("study", "no evidence", sentence, (), max(seen, default=None), is_open=is_open)


_ORDER: tuple[VerdictLabel, ...] = (
    "substitutes",
    "helps",
    "helps, but so does more augmentation",
    "not attributable to labels",
    "invalid",
    "hurts",
    "equivalent",
    "no evidence",
)
_UNANIMOUS = {"invalid", "hurts", "equivalent"}


def differences(evidence: Sequence[Evidence]) -> list[Difference]:
    """Return all differences from which a study's spread is estimated, those of controls too."""
    gains = [each.shown for each in evidence if each.shown is not None]
    controls = [control for each in evidence for control in each.controls]
    leads = [control.lead for control in controls]
    return gains + leads + [control.gain for control in controls if control.gain is not None]


def better_budget(full: Sequence[float], half: Sequence[float]) -> Literal["full", "half"]:
    """Return at which steps real images alone do better on validation, over seeds; a tie is full.

    The better one is the comparator, so that a small real arm is not punished by extra epochs.
    """
    return "half" if np.mean(half) > np.mean(full) else "full"


def _tests(evidence: Sequence[Evidence], rule: Rule) -> list[Tests]:
    """Return each arm's adjusted p-values; each kind of test is a family over the arms."""
    families = [
        _family(evidence, lambda each: _p_gain(each)),
        _family(evidence, lambda each: _p_credit(each)),
        _family(evidence, lambda each: _p_substitution(each, rule.margin)),
        _family(evidence, lambda each: 2 * each.shown.p_below() if each.shown else 1.0),
        _family(evidence, lambda each: equivalence(each.shown, rule.margin) if each.shown else 1.0),
    ]
    return [Tests(*each) for each in zip(*families, strict=True)]


def _family(evidence: Sequence[Evidence], p: Callable[[Evidence], float]) -> list[float]:
    return holm([min(1.0, p(each) / each.look_weight) for each in evidence])


def _p_gain(each: Evidence) -> float:
    return 1.0 if each.gain is None else 2 * each.gain.p_above()


def _p_credit(each: Evidence) -> float:
    return max([_p_gain(each), *(2 * control.lead.p_above() for control in each.controls)])


def _p_substitution(each: Evidence, margin: float) -> float:
    """Not worse than all real images, and a credited gain where there is something to gain on."""
    if each.full is None:
        return 1.0
    not_worse = 2 * each.full.p_above(-margin)
    return not_worse if each.gain is None else max(not_worse, _p_credit(each))


def _verdict(each: Evidence, tests: Tests, sound: Sequence[Evidence], rule: Rule) -> Verdict:
    assert each.shown is not None
    label, p = _label(each, tests, rule)
    known = components(differences(sound))
    seen = detectable(
        known,
        each.shown.squares.num_seeds,
        each.shown.squares.num_images,
        len(sound),
        len(each.controls),
        power=rule.power,
        level=rule.level * each.look_weight,
    )
    sentence = _sentence(each, label, tests, seen, rule)
    claims = tuple(phrases.UNCLAIMED[name] for name in each.missing)
    is_open = _is_open(label, tests, rule)
    return Verdict(each.arm, label, sentence, claims, seen, p, is_open=is_open)


def _is_open(label: VerdictLabel, tests: Tests, rule: Rule) -> bool:
    """Whether a gain is neither credited nor excluded; a lead that is not shown may be yet."""
    if label in ("hurts", "equivalent", "substitutes"):
        return False
    return tests.credit > rule.level


def _label(each: Evidence, tests: Tests, rule: Rule) -> tuple[VerdictLabel, float]:
    """Return the verdict and the adjusted p-value that it rests on."""
    if tests.gain <= rule.level:
        return _of_gain(each, tests, rule)
    if each.gain is None and tests.substitution <= rule.level:
        return "substitutes", tests.substitution
    if tests.loss <= rule.level:
        return "hurts", tests.loss
    if tests.equivalence <= rule.level:
        return "equivalent", tests.equivalence
    return "no evidence", tests.credit


def _of_gain(each: Evidence, tests: Tests, rule: Rule) -> tuple[VerdictLabel, float]:
    if each.deranged is not None and 2 * each.deranged.p_above() <= rule.level:
        return "not attributable to labels", tests.gain
    if tests.credit > rule.level:
        unbeaten = _unbeaten(each, rule)
        if any(control.name == DERANGED for control in unbeaten):
            return "not attributable to labels", tests.gain
        if any(_gains(control, rule) for control in unbeaten):
            return "helps, but so does more augmentation", tests.gain
        return "no evidence", tests.credit
    if tests.substitution <= rule.level:
        return "substitutes", tests.substitution
    return "helps", tests.credit


def _unbeaten(each: Evidence, rule: Rule) -> list[Control]:
    """Return the controls that an arm does not beat by itself, or else the one it beats least.

    None where it has no controls: then its credit differs from its gain in the correction for the
    number of arms alone, which is made among the other arms' credits.
    """
    some = [c for c in each.controls if 2 * c.lead.p_above() / each.look_weight > rule.level]
    by_lead = sorted(each.controls, key=lambda control: -control.lead.p_above())
    return some or by_lead[:1]


def _gains(control: Control, rule: Rule) -> bool:
    return control.gain is not None and 2 * control.gain.p_above() <= rule.level


def _invalid(each: Evidence, reason: str) -> Verdict:
    return Verdict(each.arm, "invalid", f"{each.arm}: {reason}.", reason=reason)


def _sentence(each: Evidence, label: VerdictLabel, tests: Tests, seen: float, rule: Rule) -> str:
    assert each.shown is not None
    comparator = each.comparator if each.gain is not None else "all real images"
    if label == "not attributable to labels":
        reason = phrases.deranged(each.deranged)
    elif tests.gain <= rule.level < tests.credit and not each.controls:
        reason = phrases.UNCREDITED
    elif tests.gain <= rule.level < tests.credit:
        control = max(_unbeaten(each, rule), key=lambda one: _gains(one, rule))
        reason = phrases.control(control.name, control.lead, control.gain)
    else:
        reason = phrases.REASONS[label].format(
            seen=phrases.visible(seen), margin=phrases.plain(rule.margin)
        )
    told = phrases.compared(each.arm, each.shown, comparator)
    if label in ("helps", "substitutes") and each.gain is not None and each.full is not None:
        reason += phrases.against_all(each.full)
    return f"{told}: {reason}."
