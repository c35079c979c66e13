"""Commands that install optional packages, by their own names: synthmix itself is on no index."""

import re
import shlex
import sys
from importlib.metadata import PackageNotFoundError, requires

_OF_EXTRA = re.compile(r"(?P<package>[^;]+?)\s*;.*\bextra\s*==\s*['\"](?P<extra>[\w-]+)['\"]")
_OURS = re.compile(r"synthmix\[(?P<extras>[\w,-]+)\]")


def run_module(module: str) -> str:
    """Return the command that runs a module with this process's own Python."""
    return f"{shlex.quote(sys.executable)} -m {module}"


def install(*packages: str) -> str:
    """Return the command that installs packages into the environment that runs this process."""
    return " ".join([run_module("pip install"), *map(shlex.quote, packages)])


def install_extra(extra: str) -> str:
    """Return the command that installs the packages of one of the project's extras."""
    return install(*packages(extra))


def packages(extra: str) -> list[str]:
    """Return an extra's packages with their versions, as the installed project declares them."""
    try:
        declared = requires("synthmix") or []
    except PackageNotFoundError:  # sources that were never installed
        declared = []
    found: set[str] = set()
    for each in map(_OF_EXTRA.match, declared):
        if each is None or each["extra"] != extra:
            continue
        ours = _OURS.fullmatch(each["package"])
        inner = ours["extras"].split(",") if ours else []
        found |= {name for part in inner for name in packages(part)} or {each["package"]}
    return sorted(found) or [f"synthmix[{extra}]"]
