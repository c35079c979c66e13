"""From the labels of several files to the classes of one data set: names decide, not positions.

A number means what its own file calls it. Only where no file names its numbers do they count as
positions in the names that are given.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from synthmix.errors import DataError, counted, shown
from synthmix.names import distinct, matched
from synthmix.types import Json

Names = tuple[str, ...]


def declared(feature: Json, where: str) -> Names | None:
    """Return the names that a feature gives to its numbers, None where it gives none.

    Raises DataError, with `where`, for a name that is empty, there twice or no text.
    """
    listed: Any = (feature or {}).get("names")
    try:
        if isinstance(listed, dict):  # {'0': airplane, '1': automobile, ...}
            numbers = sorted(listed, key=int)
            if [int(each) for each in numbers] != list(range(len(numbers))):
                raise ValueError("its numbers are not 0, 1, 2, ... without a gap")
            listed = [listed[each] for each in numbers]
        if not listed:
            return None
        names = distinct(_text(each) for each in listed)
        _check_once(names)
        if feature.get("num_classes", len(names)) != len(names):
            raise ValueError(
                f"it has {counted(feature['num_classes'], 'classes')} and "
                f"{counted(len(names), 'names')}"
            )
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{where} does not describe columns as the hub does, in its class names ({error})."
        ) from error
    return names


def _text(name: Json) -> str:
    if not isinstance(name, str):
        # never the value itself: one of aliases may be longer than memory
        raise ValueError(f"a name is {type(name).__name__}, not text")
    if not name.strip():
        raise ValueError("a name is empty")
    return name


def _check_once(names: Names) -> None:
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise ValueError(f"two classes are called {shown(name)}")


def joined(of_files: Iterable[Names]) -> Names:
    """Return the names of several files, each once, in the order in which they come."""
    return tuple(dict.fromkeys(name for names in of_files for name in names))


def numbering(own: Names, given: Names) -> dict[str, int]:
    """Return which of the `given` classes a name stands for, one of them or one of the `own`.

    Where as many are given, and every name of both has one place, the others are new names of
    what stands there. Else names are found by name alone, and own ones that are not given have
    no number.
    """
    given = distinct(given)
    try:
        _check_once(given)
    except ValueError as error:
        raise DataError(f"class_names: {error}; classes are matched by name.") from None
    places = {name: number for number, name in enumerate(given)}
    found = [matched(name, places) for name in own]
    if len(own) == len(given) and all(places.get(name, k) == k for k, name in enumerate(found)):
        places.update({name: number for number, name in enumerate(own)})
    return places


@dataclass(frozen=True)
class Meaning:
    """What the labels of one file stand for."""

    names: Names | None
    """The classes of its numbers; None where they are numbers of the data set's classes."""

    number_of: Mapping[str, int]
    """The number of each class in the data set."""

    def number(self, label: Any, where: str) -> int:
        """Return the class of a label; raises DataError, with `where`, where it has none."""
        if label is None or label == "":
            raise DataError(f"{where}: a label is missing.")
        if isinstance(label, str):
            name = label
        else:
            count = len(self.names or set(self.number_of.values()))
            if not 0 <= label < count:
                unlabelled = "; -1 marks images without a label" if label == -1 else ""
                raise DataError(
                    f"{where} has the label {label}, but the {counted(count, 'class names')} "
                    "allow 0 to "
                    f"{count - 1}{unlabelled}."
                )
            if self.names is None:
                return int(label)
            name = self.names[label]
        known = matched(name, self.number_of)
        if known not in self.number_of:
            raise DataError(f"{where}: class {shown(name)} is not among class_names.")
        return self.number_of[known]
