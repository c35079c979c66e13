"""What a user should know beside the numbers: settings, prompts and images that stand out."""

from collections import Counter
from collections.abc import Mapping, Sequence

from synthmix.decoded import Inventory
from synthmix.errors import DataError, counted, shown
from synthmix.names import alike
from synthmix.prompts.lint import Finding, lint
from synthmix.study.config.file import Study, SyntheticSet
from synthmix.study.inputs.extra_images import named_test_set
from synthmix.study.inputs.workspace import Workspace
from synthmix.types import Json, Prompt

_SHOWN = 3


def inventories(workspace: Workspace) -> list[Inventory]:
    """Return what each of the user's own sources took, opening those that are not open yet."""
    assert len(workspace.train)
    assert len(workspace.test)
    for each in workspace.study.synthetic:
        if each.images is not None:
            workspace.synthetic(each.name, 0)
    for name in workspace.study.evaluation.test_sets:
        named_test_set(workspace, name)
    return workspace.inventories


def of_sources(taken: Sequence[Inventory]) -> list[str]:
    """Return what is probably not meant in what sources took of their files."""
    said = [f"{each.where} ({each.split}): {text}" for each in taken for text in each.concerns]
    return [text if text.endswith("?") else f"{text}." for text in said]


def of_mirroring(study: Study) -> list[str]:
    """Return where images of digits or letters would be mirrored, which makes others of them."""
    if not study.real.shows_characters:
        return []
    flips = {"training": study.recipe.flip}
    for each in study.synthetic:
        if each.generator is not None:
            where = f"synthetic.{each.name}.generator"
            flips[where] = bool(each.generator.settings().get("flip"))
    return [
        f"{where}.flip is true: half of these digits or letters are mirrored, a 2 to what is no 2; "
        f"set {where}.flip to false."
        for where, is_mirrored in flips.items()
        if is_mirrored
    ]


def of_class_names(names: Sequence[str]) -> list[str]:
    """Return which classes are told apart by something that a reader hardly sees."""
    return [
        f"real: the classes {' and '.join(map(shown, group))} look alike and are trained as "
        "classes of their own; rename them, or merge what is one."
        for group in alike(names)
    ]


def of_subjects(sets: Sequence[SyntheticSet]) -> list[str]:
    """Return where a set starts from the texts of one with fewer or more of each class."""
    counts = {each.name: each.per_class for each in sets}
    found = []
    for each in sets:
        other = each.prompts.subjects_from if each.prompts is not None else None
        wanted, there = each.per_class, counts.get(other or "")
        if wanted is None or there is None or wanted == there:
            continue
        what = (
            f"each text is started from {wanted / there:.3g} times on average"
            if wanted > there
            else f"{counted(there - wanted, 'texts')} of each class "
            f"{'is' if there - wanted == 1 else 'are'} started from by none"
        )
        found.append(
            f"synthetic.{each.name}.prompts.from: '{other}' has {counted(there, 'texts')} of "
            "each class and "
            f"'{each.name}' takes {wanted:,}: {what}."
        )
    return found


def of_settings(each: SyntheticSet) -> list[str]:
    """Return what a generator says of its own settings."""
    if each.generator is None:
        return []
    return [f"synthetic.{each.name}.generator: {text}" for text in each.generator.warnings()]


def of_prompts(each: SyntheticSet, names: Sequence[str], prompts: Sequence[Prompt]) -> list[str]:
    """Return warnings about a set's prompts, a line a kind; raises DataError for what is wrong."""
    found = findings(each, names, prompts)
    wrong = [finding for finding in found if finding.level == "error"]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        raise DataError(
            f"synthetic.{each.name}.prompts: class '{wrong[0].class_name}', prompt "
            f"{wrong[0].index}: {wrong[0].message}{more}."
        )
    return [_line(each, kind, found) for kind in counts(found)]


def findings(each: SyntheticSet, names: Sequence[str], prompts: Sequence[Prompt]) -> list[Finding]:
    """Return what the linter finds in a set's distinct prompts."""
    distinct = {(prompt.label, prompt.text): prompt for prompt in reversed(prompts)}
    encoders = each.generator.text_encoders() if each.generator is not None else ()
    ordered = sorted(distinct.values(), key=lambda prompt: (prompt.label, prompt.index))
    return lint(ordered, names, encoders)


def counts(found: Sequence[Finding]) -> dict[str, int]:
    """Return how many findings there are of each kind, the most frequent first."""
    return dict(Counter(finding.kind for finding in found).most_common())


def _line(each: SyntheticSet, kind: str, found: Sequence[Finding]) -> str:
    some = [finding for finding in found if finding.kind == kind]
    examples = "; ".join(f"{f.class_name} {f.index}: {f.message}" for f in some[:_SHOWN])
    more = "" if len(some) <= _SHOWN else f"; and {len(some) - _SHOWN} more"
    return f"synthetic.{each.name}.prompts: {kind} ({len(some)}): {examples}{more}"


def of_images(workspace: Workspace, sets: Mapping[str, int]) -> list[str]:
    """Return what was found in finished sets: images drawn again, near-duplicates, cut prompts.

    `sets` is the number of run seeds of each set.
    """
    found = []
    for each in workspace.study.synthetic:
        if each.generator is None:
            continue
        artifacts = [workspace.synthetic_artifact(each, run) for run in range(sets[each.name])]
        manifests = [artifact.manifest() for artifact in artifacts]
        total = sum(manifest["num_images"] for manifest in manifests)
        told = _summed(manifest.get("flagged", {}) for manifest in manifests)
        told += _summed(manifest.get("prompts_with", {}) for manifest in manifests)
        if told:
            listed = ", ".join(f"{count} {kind}" for kind, count in sorted(told.items()))
            found.append(
                f"'{each.name}', {counted(total, 'images')}: {listed} (see its flags and prompts)."
            )
    return found


def _summed(many: Json) -> Counter[str]:
    total: Counter[str] = Counter()
    for one in many:
        total.update(one)
    return total
