"""YAML whose scalars stay the text that stands there: `no`, `007` and `1:30` are three texts."""

from collections.abc import Iterator
from typing import Any

import yaml

_DEPTH = 50

# libyaml's events are safe at any depth, its own composer ends the process at some thousands
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


def load(text: str) -> Any:
    """Return the document's mappings, lists and texts; of an empty one, an empty text.

    An alias is the object that it stands for, never a copy, so that time and memory follow the
    length of the text. Raises ValueError, in one line, where it is not YAML, holds a second
    document, a key twice, a key that is no text, or more than 50 levels.
    """
    try:
        events = iter(yaml.parse(text, Loader=_Loader))
        next(events)  # the stream begins
        if isinstance(next(events), yaml.StreamEndEvent):
            return ""
        found = _value(next(events), events, {}, 0)
        next(events)  # the document ends
        if not isinstance(next(events), yaml.StreamEndEvent):
            raise ValueError("a second document begins after '---'")
        return found
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ValueError(f"{line}{error.problem or error.context}") from None
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _value(event: Any, events: Iterator[Any], anchors: dict[str, Any], depth: int) -> Any:
    """Return the value that begins with this event; the events are read to its end."""
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:  # an anchor counts once its value has ended
            raise _fault(event, f"the alias '*{event.anchor}' stands for nothing that ended before")
        return anchors[event.anchor]
    if depth > _DEPTH:
        raise _fault(event, "it is nested too deeply")
    value: Any
    if isinstance(event, yaml.ScalarEvent):
        value = event.value
    elif isinstance(event, yaml.SequenceStartEvent):
        value = []
        while not isinstance(each := next(events), yaml.SequenceEndEvent):
            value.append(_value(each, events, anchors, depth + 1))
    else:
        value = _mapping(events, anchors, depth + 1)
    if event.anchor:
        anchors[event.anchor] = value
    return value


def _mapping(events: Iterator[Any], anchors: dict[str, Any], depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    while not isinstance(key := next(events), yaml.MappingEndEvent):
        if not isinstance(key, yaml.ScalarEvent):
            raise _fault(key, "a key is no text")
        if key.value in found:
            raise _fault(key, f"the key '{key.value}' is there twice")
        found[key.value] = _value(next(events), events, anchors, depth)
    return found


def _fault(event: Any, problem: str) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)
