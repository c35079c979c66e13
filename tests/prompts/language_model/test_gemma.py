"""The real Gemma 3 270M through llama.cpp, on a handful of prompts."""

import os
from pathlib import Path

import pytest

from synthmix.errors import DataError
from synthmix.ledger import Ledger
from synthmix.prompts.language_model import LanguageModel, _gguf
from synthmix.store import sha256

NAMES = ("elephant", "ice_cream", "lighthouse")


def test_the_package_is_put_together_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = _gguf._parts()
    short = tmp_path / "short"
    short.write_bytes(parts[0].read_bytes()[:-1])
    with monkeypatch.context() as patch:
        patch.setattr(_gguf, "_parts", lambda: [short])
        with pytest.raises(DataError, match="install the package again"):
            _gguf.model_path(_gguf.PACKAGE)
    folder = tmp_path / "cache" / "models"
    assert list(folder.iterdir()) == []
    path = _gguf.model_path(_gguf.PACKAGE)
    assert [each.name for each in folder.iterdir()] == [path.name]
    assert sha256(path) == _gguf.content(_gguf.PACKAGE) == _gguf.content(str(path))
    os.utime(path, (1, 1))
    assert _gguf.model_path(_gguf.PACKAGE).stat().st_mtime == 1, "put together once"


def test_texts_are_written_checked_and_told(gemma: Path, tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    writer = LanguageModel(model=str(gemma), parallel=3)
    prompts = list(writer.resume(NAMES, 1, seed=0, ledger=Ledger(path)))
    assert len(prompts) == 3
    for each in prompts:
        name = NAMES[each.label].replace("_", " ")
        assert each.text.startswith("A photo of a")
        assert name in each.text
        assert each.text.endswith(".")
        assert len(each.text) > 50
        assert each.source["engine"] == "llama.cpp"
        assert each.source["revision"] == _gguf.content(_gguf.PACKAGE)
    before = path.read_bytes()
    assert list(writer.resume(NAMES, 1, seed=0, ledger=Ledger(path))) == prompts
    assert path.read_bytes() == before


def test_alone_a_text_follows_from_its_seed(gemma: Path) -> None:
    writer = LanguageModel(model=str(gemma), parallel=1)
    texts = [each.text for each in writer.write(NAMES[:2], 1, seed=7)]
    # another order: neither what was written before nor the class's number matters
    again = [each.text for each in writer.write(NAMES[1::-1], 1, seed=7)]
    assert again == texts[::-1]
    assert "Gemma Terms of Use" in LanguageModel().notes(NAMES)[0]
