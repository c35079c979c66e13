"""What the package imports is declared, and what it declares is documented."""

import ast
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import synthmix

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "synthmix"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = {k: v for k, v in PROJECT["optional-dependencies"].items() if k != "dev"}


def named(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(each).name) for each in requirements}


CORE = named(PROJECT["dependencies"])
EXTRA = set.union(*(named(each) for each in OPTIONAL.values())) - {"synthmix"}
DISTRIBUTIONS = packages_distributions()


def imported(tree: ast.AST) -> set[str]:
    """Return the top-level packages of others that are imported anywhere in a tree."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - {"synthmix"} - set(sys.stdlib_module_names)


def owners(module: str) -> set[str]:
    return set(map(canonicalize_name, DISTRIBUTIONS.get(module, [module])))


@pytest.mark.parametrize(
    "path", sorted(SOURCE.rglob("*.py")), ids=lambda p: str(p.relative_to(SOURCE))
)
def test_every_import_is_declared(path: Path) -> None:
    for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
        assert owners(module) & (CORE | EXTRA), f"{module} is in no dependency and in no extra"


def test_every_core_dependency_is_imported() -> None:
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in SOURCE.rglob("*.py"))
    used = set.union(*(owners(module) for tree in trees for module in imported(tree)))
    assert not CORE - used


def test_an_undeclared_import_would_be_found() -> None:
    tree = ast.parse("def f():\n    import pytest, json\n    from synthmix import study")
    assert imported(tree) == {"pytest"}
    assert not owners("pytest") & (CORE | EXTRA)


def test_the_version_is_one() -> None:
    assert version("synthmix") == synthmix.__version__


def test_the_program_is_there() -> None:
    module, _, function = PROJECT["scripts"]["synthmix"].partition(":")
    assert callable(getattr(__import__(module, fromlist=[function]), function))


@pytest.mark.parametrize("extra", sorted(OPTIONAL))
def test_every_extra_is_documented_with_its_packages(extra: str) -> None:
    text = (ROOT / "docs" / "installing.md").read_text(encoding="utf-8")
    (row,) = (line for line in text.splitlines() if line.startswith(f"| `{extra}` |"))
    for name in named(OPTIONAL[extra]) - {"synthmix"}:
        assert name in canonicalize_name(row) or name in row


WITHOUT = """
import sys
for name in ("accelerate", "diffusers", "transformers", "huggingface_hub"):
    sys.modules[name] = None
from synthmix.cli.main import main
main()
"""


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["doctor"], 0),
        (["doctor", "--json"], 0),
        (["list", "generators", "diffusers"], 2),
        (["prompts", "lint", "texts.json", "--model", "owner/name"], 2),
    ],
)
def test_commands_do_without_extras_or_say_what_to_type(
    words: list[str], status: int, tmp_path: Path
) -> None:
    (tmp_path / "texts.json").write_text('{"cat": ["a cat"], "dog": ["a dog"]}')
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT, *words], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    assert "-m pip install" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_no_page_tells_to_install_from_an_index_that_has_nothing() -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *SOURCE.rglob("*.py")]
    for page in pages:
        for quote in ("'", '"', " "):
            told = f"pip install {quote}synthmix".replace("  ", " ")
            assert told not in page.read_text(encoding="utf-8"), page
