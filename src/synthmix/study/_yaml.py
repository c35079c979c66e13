"""YAML as people write it: plain values only, one document, no key twice."""

from typing import Any

import yaml

from synthmix.errors import SettingError


def parse(text: str, where: str) -> Any:
    """Return what the text holds; raises SettingError, in one line, where it is not YAML."""
    try:
        return yaml.load(text, _Loader)
    except yaml.MarkedYAMLError as error:
        line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        reason = f"{line}{error.problem or error.context}"
    except RecursionError:
        reason = "it is nested too deeply"
    except (yaml.YAMLError, ValueError) as error:  # a ValueError is a date or number out of range
        reason = " ".join(str(error).split())
    raise SettingError(f"{where} is not valid YAML: {reason}.")


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
