"""What is told to install can be installed: packages by their own names, into this environment."""

import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError

import pytest
from packaging.requirements import Requirement

from synthmix import extras

DECLARED = [
    "torch>=2.6",
    "nltk>=3.9; extra == 'attributes'",
    'accelerate>=1.0 ; extra == "llm"',
    "synthmix[llm,hub]; extra == 'quantize'",
    'bitsandbytes>=0.48; python_version >= "3.11" and extra == "quantize"',
    "huggingface_hub>=0.30; extra == 'hub'",
]


@pytest.fixture
def _declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extras, "requires", lambda name: DECLARED)


@pytest.mark.usefixtures("_declared")
@pytest.mark.parametrize(
    ("extra", "packages"),
    [
        ("attributes", ["nltk>=3.9"]),
        ("llm", ["accelerate>=1.0"]),
        ("quantize", ["accelerate>=1.0", "bitsandbytes>=0.48", "huggingface_hub>=0.30"]),
    ],
)
def test_an_extra_is_told_by_its_packages(extra: str, packages: list[str]) -> None:
    assert extras.packages(extra) == packages
    words = shlex.split(extras.install_extra(extra))
    assert words == [sys.executable, "-m", "pip", "install", *packages]


@pytest.mark.parametrize(
    "extra", ["hub", "diffusers", "attributes", "embeddings", "gemma", "llm", "quantize"]
)
def test_every_extra_of_the_project_has_packages(extra: str) -> None:
    found = [Requirement(each) for each in extras.packages(extra)]
    assert found
    assert not {each.name for each in found} & {"synthmix"}


def test_sources_that_were_never_installed_name_the_extra(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(extras, "requires", absent)
    assert extras.packages("hub") == ["synthmix[hub]"]


def test_the_command_is_one_of_this_python() -> None:
    command = extras.run_module("pip --version")
    done = subprocess.run(command, shell=True, capture_output=True, text=True, check=True)
    assert sys.prefix in done.stdout
