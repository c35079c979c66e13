"""What the documents say is there: links, imports, excerpts, components, versions, the tree."""

import ast
import importlib
import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import yaml

import synthmix
from synthmix.checks import fault
from synthmix.cli.list import FAMILIES
from synthmix.generators import Generator
from synthmix.registry import Registry, describe
from synthmix.study.config.file import resolve
from synthmix.study.config.keys import StudyKeys
from synthmix.types import Request

ROOT = Path(__file__).parents[1]
IGNORED = {"results", "node_modules", "dist", "build"}
CONTRIBUTING = ROOT / "CONTRIBUTING.md"


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def pages() -> list[Path]:
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return sorted(p for p in found if not any(x[0] == "." or x in IGNORED for x in p.parts))


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE)


def python_blocks() -> list[Any]:
    return [
        pytest.param(code, id=f"{page}:{number}")
        for page in pages()
        for number, code in enumerate(blocks(text(ROOT / page), "python"), start=1)
    ]


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", pages(), ids=str)
def test_relative_links_lead_somewhere(page: Path) -> None:
    prose = re.sub(r"^```.*?^```", "", text(ROOT / page), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\(<?([^)>\s]+)", prose):
        if re.match(r"[a-z]+:|#", target):
            continue
        assert not target.startswith("/"), f"{page}: {target} is not relative"
        assert (ROOT / page.parent / target.partition("#")[0]).exists(), f"{page}: {target}"


@pytest.mark.parametrize("code", python_blocks())
def test_python_compiles_and_its_imports_resolve(code: str) -> None:
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None
            module = importlib.import_module(node.module)
            for alias in node.names:
                if not hasattr(module, alias.name):
                    importlib.import_module(f"{node.module}.{alias.name}")


def test_the_study_of_the_readme_is_one() -> None:
    (asked,) = blocks(text(ROOT / "README.md"), "yaml")
    study = resolve(yaml.safe_load(asked))
    assert [each.name for each in study.synthetic] == ["flow", "sdxl"]


def test_the_readme_names_every_key_of_a_study() -> None:
    rows = re.findall(r"^\| (`[^|]*`) \|", text(ROOT / "README.md"), re.MULTILINE)
    named = {key for row in rows for key in re.findall(r"`([a-z_]+)`", row)}
    assert named >= set(StudyKeys.model_fields) - {"name", "seed"}


@pytest.mark.parametrize("code", python_blocks())
def test_excerpts_are_in_the_files_they_name(code: str) -> None:
    """An excerpt's first line is `# src/...py`; a line `# ...` stands for what is left out."""
    first, _, rest = code.partition("\n")
    named = re.fullmatch(r"# ((?:src|tests|examples)/\S+\.py)", first)
    if named is None:
        return
    there = lines(text(ROOT / named[1]))
    for piece in re.split(r"^ *# \.\.\.$", rest, flags=re.MULTILINE):
        wanted = lines(dedent(piece))
        starts = range(len(there) - len(wanted) + 1)
        assert any(there[start : start + len(wanted)] == wanted for start in starts), piece


def lines(code: str) -> list[str]:
    return [line.strip() for line in code.splitlines() if line.strip()]


def test_every_component_has_its_section() -> None:
    page = text(ROOT / "docs" / "components.md")
    sections = re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", page, flags=re.DOTALL | re.MULTILINE)
    found = {family: re.findall(r"^### (\S+)$", body, re.MULTILINE) for family, body in sections}
    for family, where in FAMILIES.items():
        assert found[family] == Registry[Any](*where).names()


def test_the_page_of_components_is_what_the_script_writes() -> None:
    script = load(ROOT / "scripts" / "make_components_doc.py")
    stored = text(ROOT / "docs" / "components.md")
    assert stored == script.page(), "run: python scripts/make_components_doc.py"


def test_the_newest_change_is_this_version() -> None:
    versions = re.findall(r"^## \[(\d[^\]]*)\]", text(ROOT / "CHANGELOG.md"), re.MULTILINE)
    assert versions[0] == synthmix.__version__


def test_the_tree_names_what_is_there() -> None:
    named = set(tree())
    assert len(named) > 20
    assert [str(path) for path in sorted(named) if not (ROOT / path).exists()] == []


def test_the_tree_leaves_no_part_of_the_package_out() -> None:
    package = ROOT / "src" / "synthmix"
    parts = {p.relative_to(ROOT) for p in package.iterdir() if p.name[0] not in "_."}
    assert parts - {Path("src/synthmix/py.typed")} - set(tree()) == set()


def tree() -> Iterator[Path]:
    """Yield every path of the drawing with which CONTRIBUTING.md opens."""
    parents: list[str] = []
    for line in blocks(text(CONTRIBUTING), "")[0].splitlines():
        found = re.fullmatch(r"([│ ]*)[├└]── (.*?)(?:  .*)?", line)
        if found is None:
            continue
        depth = len(found[1]) // 4
        for name in found[2].split():
            parents[depth:] = [name.rstrip("/")]
            yield Path(*parents)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[type[Generator]]:
    """Yield the generator of CONTRIBUTING.md, saved as the file it says it is."""
    code = next(c for c in blocks(text(CONTRIBUTING), "python") if "(Generator)" in c)
    path = tmp_path_factory.mktemp("example") / "discs.py"
    path.write_text(code, encoding="utf-8")
    sys.modules["discs"] = load(path)  # reading a class's source needs its module
    yield Registry._only_subclass(sys.modules["discs"], Generator)
    del sys.modules["discs"]


def test_the_example_generator_keeps_the_promises(example: type[Generator]) -> None:
    names = ("cat", "dog", "owl")
    requests = [Request(i % 3, names[i % 3], i // 3, seed=i) for i in range(12)]

    def drawn(wanted: list[Request]) -> list[Any]:
        return list(example().generate(wanted, class_names=names, image_size=16))

    images = drawn(requests)
    assert len(images) == len(requests)
    for image in images:
        assert image.dtype == np.uint8
        assert image.shape == (16, 16, 3)
        assert fault(image) is None
    for order in ([5], [11, 3], list(reversed(range(12)))):
        again = drawn([requests[i] for i in order])
        assert all((images[i] == one).all() for i, one in zip(order, again, strict=True))
    assert len({image.tobytes() for image in images}) == len(images)


def test_the_example_generator_documents_itself(example: type[Generator]) -> None:
    assert example.__name__ == "Discs"
    settings = describe(example)
    assert "batch_size" in {each.name for each in settings}
    assert all(each.help.endswith(".") for each in settings)
