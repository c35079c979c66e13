"""Tiny models in the true layout, built once."""

from pathlib import Path

import pytest

from tests.prompts.language_model import models


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model that knows six sentences of each class by heart, and errs now and then."""
    return models.build(tmp_path_factory.mktemp("taught"), taught=120)


@pytest.fixture(scope="session")
def untaught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A chat model with random weights."""
    return models.build(tmp_path_factory.mktemp("untaught"))


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights and no chat format."""
    return models.build(tmp_path_factory.mktemp("base"), is_chat=False)
