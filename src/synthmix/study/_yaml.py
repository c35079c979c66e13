"""YAML as people write it: plain values only, one document, no key twice."""

from typing import Any

import yaml

from synthmix.errors import SettingError


def parse(text: str, where: str) -> Any:
    """Return what the text holds; raises SettingError, in one line, where it is not YAML."""
    try:
        found = yaml.load(text, _Loader)
        _check_ends(found, (), set())
        return found
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        reason = f"{line}{error.problem or error.context}"
    except RecursionError:
        reason = "it is nested too deeply"
    except (yaml.YAMLError, ValueError) as error:  # a ValueError is a date or number out of range
        reason = " ".join(str(error).split())
    raise SettingError(f"{where} is not valid YAML: {reason}.")


def _check_ends(value: Any, around: tuple[int, ...], known: set[int]) -> None:
    """Raise ValueError where a value holds itself, as an alias of what it stands in does."""
    if id(value) in around:
        raise ValueError("an alias stands for what it is part of, which has no end")
    if not isinstance(value, (dict, list)) or id(value) in known:
        return
    for part in value.values() if isinstance(value, dict) else value:
        _check_ends(part, (*around, id(value)), known)
    known.add(id(value))


class _Loader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:
        # YAML forbids a key twice, PyYAML silently takes the last one
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and (key.tag, key.value) in seen:
                problem = f"the key '{key.value}' is there twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)
