"""What a study's class_map says of classes: what cannot be meant, what may not be, what it does."""

from collections.abc import Iterator, Sequence
from difflib import get_close_matches

from synthmix.errors import SettingError, shown, suggestion
from synthmix.images import class_map_line
from synthmix.names import alike, matched
from synthmix.study.inputs.workspace import Workspace

_SHOWN = 3


def check(workspace: Workspace) -> None:
    """Raise SettingError for an entry that names no class, a circle, or two classes of one name."""
    names = workspace.class_names
    for old, new in workspace.study.class_map.items():
        # of a class it says how it is spoken
        if matched(new, names) not in names and matched(old, names) not in names:
            hint = suggestion(new, names)
            raise SettingError(
                f"class_map: {shown(old)} becomes {shown(new)}, no class of the study. {hint}"
            )
    _check_circles(workspace)
    _check_spoken_alike(workspace)


def warnings(workspace: Workspace) -> Iterator[str]:
    """Yield what is probably not meant, once every source was opened."""
    names = workspace.class_names
    has_prompts = any(each.prompts is not None for each in workspace.study.synthetic)
    for ours, said in workspace.said_of_classes.items():
        near = _slip_of(said, [name for name in names if name != ours])
        if near is not None:
            yield (
                f"class_map: '{ours}' is spoken {shown(said)}, which is nearly the class "
                f"'{near}'; where it is meant, write {class_map_line(ours, near)}."
            )
        elif not has_prompts:
            yield (
                f"class_map: '{ours}' is spoken {shown(said)}, but no prompts are written here; "
                f"what another source calls it stands first, as in {class_map_line(said, ours)}."
            )
    theirs = {
        name for each in workspace.inventories if each.where != "real" for name in each.class_names
    }
    for old, new in workspace.class_map.items():
        if matched(old, theirs) not in theirs:
            yield (
                f"class_map: no other source has a class {shown(old)}, so "
                f"{class_map_line(old, new)} changes nothing; mend it or leave it out."
            )
        elif matched(old, names) in names and matched(old, names) != matched(new, names):
            yield (
                f"class_map: {shown(old)} is a class of the study, and what other sources call so "
                f"is taken for {shown(new)}; leave {class_map_line(old, new)} out where their "
                f"{shown(old)} is yours."
            )


def notes(workspace: Workspace) -> list[str]:
    """Return how classes are spoken where class_map says so and prompts are written."""
    said = [f"'{ours}' is spoken {shown(name)}" for ours, name in workspace.said_of_classes.items()]
    if not said or not any(each.prompts is not None for each in workspace.study.synthetic):
        return []
    more = f", and {len(said) - _SHOWN} more" if len(said) > _SHOWN else ""
    return [f"class_map: {', '.join(said[:_SHOWN])}{more}."]


def _check_circles(workspace: Workspace) -> None:
    names = workspace.class_names
    becomes = {matched(old, names): matched(new, names) for old, new in workspace.class_map.items()}
    for start in becomes:
        path = [start]
        while (following := becomes.get(path[-1])) is not None and following not in path:
            path.append(following)
        if following == start and len(path) > 1:
            circle = " and ".join(f"{shown(name)} becomes {shown(becomes[name])}" for name in path)
            raise SettingError(
                f"class_map: {circle}, a circle that would exchange the labels of every other "
                "source; leave it out, and rename the folders of a source whose names are "
                "exchanged."
            )


def _check_spoken_alike(workspace: Workspace) -> None:
    said = workspace.said_of_classes
    spoken = dict(zip(workspace.class_names, workspace.spoken_names, strict=True))
    for group in alike(spoken.values()):
        ours = [name for name, as_ in spoken.items() if as_ in group]
        if said.keys() & ours:
            first = next(name for name in ours if name in said)
            raise SettingError(
                f"class_map: the classes {' and '.join(map(shown, ours))} would both be spoken "
                f"{shown(said[first])}; give each a name of its own, as in "
                f"{class_map_line(first, f'{said[first]} 1')}. Classes of the study are merged in "
                "its images, not here."
            )


def _slip_of(said: str, names: Sequence[str]) -> str | None:
    """Return the name that a slip of the pen made `said` of, if any."""
    slips = [name for name in names if _is_slip(said.casefold(), name.casefold())]
    close = get_close_matches(said, names, n=1, cutoff=0.8)
    return next(iter(slips + close), None)


def _is_slip(one: str, other: str) -> bool:
    """Whether one letter was changed, left out or added, or two neighbours exchanged."""
    if min(len(one), len(other)) < 3:
        return False
    while one and other and one[0] == other[0]:
        one, other = one[1:], other[1:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])
