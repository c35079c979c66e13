"""The lists that were written for this package, in data/*.toml."""

import tomllib
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=8)
def read_toml(name: str) -> dict[str, Any]:
    """Return a packaged list."""
    return tomllib.loads(files(__package__).joinpath("data", name).read_text(encoding="utf-8"))


def words_of(text: str) -> tuple[str, ...]:
    """Return the words and phrases between the commas of a text, over its line ends."""
    return tuple(" ".join(each.split()) for each in text.split(",") if each.strip())
