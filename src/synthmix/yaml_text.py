"""YAML 1.2 as people write it: plain values, one document, no key twice, no aliases that multiply.

A plain `no`, `1:30` or `2020-01-01` is text, `010` is ten, and a number keeps how it was written,
for where text is asked: a class may be called 007. PyYAML alone reads YAML 1.1, where these are
False, 90, a date, 8 and 7. Source: YAML 1.2.2, section 10.3, the core schema.
"""

import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import yaml

LARGEST = 1_000_000
"""Characters of a text, and of what it stands for with every alias written out."""

DEEPEST = 40
"""Groups and lists within one another."""

LONGEST_NUMBER = 400
"""Digits of a number; the largest of 64 bits' floats has 309."""

_NULL = re.compile(r"~|null|Null|NULL|")
_BOOL = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)


class NotYaml(ValueError):
    """What makes a text no YAML, or more than is read, in one line."""


class WrittenInt(int):
    """An integer that, as text, is what was written."""

    def __new__(cls, text: str) -> "WrittenInt":
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        found = super().__new__(cls, text, base)
        found.text = text
        return found

    text: str

    def __getnewargs__(self) -> Any:  # how it is copied and sent to other processes
        return (self.text,)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


class WrittenFloat(float):
    """A number that, as text, is what was written."""

    def __new__(cls, text: str) -> "WrittenFloat":
        found = super().__new__(cls, text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        found.text = text
        return found

    text: str

    def __getnewargs__(self) -> Any:
        return (self.text,)

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


def is_number(text: str) -> bool:
    """Whether a plain scalar is a number; Python also takes `5_0` and ` 5 ` for some."""
    return bool(_INT.fullmatch(text) or _FLOAT.fullmatch(text))


def resolved(text: str) -> Any:
    """Return what a plain scalar stands for: null, a truth value, a number, or its text."""
    if _NULL.fullmatch(text):
        return None
    truth = _BOOL.fullmatch(text)
    if truth:
        return truth[1] is not None
    is_int = _INT.fullmatch(text)
    if not is_int and not _FLOAT.fullmatch(text):
        return text
    if len(text) > LONGEST_NUMBER:
        raise NotYaml(f"a number of {len(text):,} characters")
    return WrittenInt(text) if is_int else WrittenFloat(text)


def parse(text: str, scalar: Callable[[str], Any] = resolved) -> Any:
    """Return what the text holds; raises NotYaml. Keys are text, whatever they look like.

    `scalar` tells what a plain scalar stands for; with `str` each of them stays text.
    """
    if len(text) > LARGEST:
        raise NotYaml(f"it is larger than {LARGEST:,} characters")
    try:
        return _Reader(text, scalar).document()
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line if error.problem_mark else 0
        written = "".join(text.splitlines()[line : line + 1])
        has_tab = "\t" in written[: len(written) - len(written.lstrip())]
        reason = "a tab, where YAML wants spaces" if has_tab else error.problem or error.context
        raise NotYaml(f"line {line + 1}: {reason}") from None
    except yaml.reader.ReaderError as error:
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise NotYaml(f"unacceptable character #x{code:04x}") from None
    except (yaml.YAMLError, UnicodeError) as error:
        raise NotYaml(" ".join(str(error).split())[:200]) from None


class _Reader:
    """Builds values from the parser's events, so that nothing grows before it is measured."""

    def __init__(self, text: str, scalar: Callable[[str], Any]) -> None:
        # the parser in C reads 20 times as fast, where PyYAML was built with it
        loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=loader))
        self._scalar = scalar
        self._anchored: dict[str, tuple[Any, int] | None] = {}
        self._size = 0
        self._depth = 0

    def document(self) -> Any:
        next(self._events)  # the stream's start
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        found = self._value(next(self._events))
        next(self._events)  # the document's end
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise _at(after, "a second document begins; one is read")
        return found

    def _value(self, event: yaml.Event) -> Any:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        assert isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent)
        before = self._size
        if event.anchor:
            self._anchored[event.anchor] = None  # begun, and not ended
        if isinstance(event, yaml.ScalarEvent):
            found = self._plain(event)
        else:
            found = self._collection(event)
        if event.anchor:
            self._anchored[event.anchor] = (found, self._size - before)
        return found

    def _alias(self, event: yaml.AliasEvent) -> Any:
        if event.anchor not in self._anchored:
            raise _at(event, f"there is no '&{event.anchor}' before '*{event.anchor}'")
        known = self._anchored[event.anchor]
        if known is None:
            raise _at(event, "an alias stands for what it is part of, which has no end")
        self._grow(event, known[1])
        return deepcopy(known[0])  # its own, so that a change of one is no change of all

    def _plain(self, event: yaml.ScalarEvent) -> Any:
        self._grow(event, len(event.value) + 1)
        if event.tag is not None and event.tag not in ("!", "tag:yaml.org,2002:str"):
            raise _at(event, f"the tag {_tag(event.tag)} is not read, only plain values")
        if event.tag is not None or not event.implicit[0]:
            return event.value
        try:
            return self._scalar(event.value)
        except NotYaml as error:
            raise _at(event, str(error)) from None

    def _collection(self, event: yaml.CollectionStartEvent) -> Any:
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        if event.tag not in (None, "!", f"tag:yaml.org,2002:{'map' if is_mapping else 'seq'}"):
            raise _at(event, f"the tag {_tag(event.tag)} is not read, only plain values")
        if self._depth == DEEPEST:
            raise _at(event, f"it is nested too deeply, in more than {DEEPEST} levels")
        self._depth += 1
        self._grow(event, 1)
        found = self._mapping() if is_mapping else self._sequence()
        self._depth -= 1
        return found

    def _sequence(self) -> list[Any]:
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event))
        return found

    def _mapping(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        merged: dict[str, Any] | None = None
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            is_merge = key == "<<" and isinstance(event, yaml.ScalarEvent) and event.implicit[0]
            if key in found or (is_merge and merged is not None):
                raise _at(event, f"the key '{key[:60]}' is there twice")
            value = self._value(next(self._events))
            if is_merge:
                merged = _merged(event, value)
            else:
                found[key] = value
        return {**merged, **found} if merged else found

    def _key(self, event: yaml.Event) -> str:
        if isinstance(event, yaml.CollectionStartEvent):
            raise _at(event, "a key must be text")
        found = self._value(event)
        if isinstance(event, yaml.ScalarEvent):
            return event.value
        if not isinstance(found, str | WrittenInt | WrittenFloat):
            raise _at(event, "a key must be text")
        return str(found)

    def _grow(self, event: yaml.Event, size: int) -> None:
        self._size += size
        if self._size > LARGEST:
            raise _at(
                event, f"with its aliases written out it is larger than {LARGEST:,} characters"
            )


def _merged(event: yaml.Event, value: Any) -> dict[str, Any]:
    """Return the keys that `<<` brings in; of several groups, the first that has a key gives it."""
    found: dict[str, Any] = {}
    for each in reversed(value if isinstance(value, list) else [value]):
        if not isinstance(each, dict):
            raise _at(event, "'<<' takes in the keys of a group, or of a list of groups")
        found |= each
    return found


def _tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")[:60]


def _at(event: yaml.Event, problem: str) -> yaml.MarkedYAMLError:
    mark: Any = event.start_mark
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def dumped(value: Any) -> str:
    """Return YAML that `parse` reads back to the same; readers of YAML 1.1 find the same text."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    return text


class _Dumper(yaml.SafeDumper):
    """Also quotes text that is a number in YAML 1.2 alone, and leaves numbers as written."""


for _pattern, _kind in ((_INT, "int"), (_FLOAT, "float")):
    _Dumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}",
        re.compile(f"(?:{_pattern.pattern})$"),
        list("-+.0123456789"),
    )
_Dumper.add_representer(
    WrittenInt, lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:int", value.text)
)
_Dumper.add_representer(
    WrittenFloat,
    lambda dumper, value: dumper.represent_scalar("tag:yaml.org,2002:float", value.text),
)
