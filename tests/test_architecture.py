"""Arrows go one way, contracts stay light, names say what things are."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "synthmix"
BASE = {
    "arms",
    "aside",
    "belonging",
    "cached",
    "checkpoints",
    "checks",
    "decoded",
    "errors",
    "export",
    "extras",
    "files",
    "fitting",
    "hardware",
    "hub",
    "images",
    "ledger",
    "model_files",
    "names",
    "noticed",
    "records",
    "registry",
    "resident",
    "seeding",
    "shards",
    "store",
    "types",
    "versions",
    "yaml_text",
}
FAMILIES = {"prompts", "generators", "mixing", "training", "evaluation"}
ALLOWED = {
    **{name: BASE - {"decoded"} for name in BASE - {"decoded"}},
    "decoded": BASE | {"data"},  # the cache of whatever a data source decodes
    "controls": BASE | {"mixing"},
    "engines": BASE,
    "data": BASE - {"decoded"},
    **{name: BASE | {"data"} for name in FAMILIES},
    "report": BASE | {"results"},
    "analyses": BASE | {"evaluation"},
    "results": BASE | {"analyses", "evaluation"},
    "study": BASE | FAMILIES | {"controls", "data", "engines", "report", "analyses", "results"},
    "cli": BASE | FAMILIES | {"data", "engines", "report", "study", "results"},
}
FRAMEWORKS = {"torch", "torchvision", "timm", "diffusers", "transformers", "sklearn", "scipy"}
HEAVY = {"torch", "torchvision", "timm", "diffusers", "transformers", "pyarrow", "matplotlib"}
MODULES = sorted(SOURCE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    return names_in(ast.parse(path.read_text(encoding="utf-8")))


def names_in(tree: ast.AST) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def imported_when_run(path: Path) -> set[str]:
    """Return what a file imports but for its types."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return names_in(tree)


def home(name: str) -> str:
    parts = name.split(".")
    return parts[1] if len(parts) > 1 else ""


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_arrows_go_one_way(path: Path) -> None:
    mine = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if mine in ("__init__", "__main__"):
        return
    wanted = {home(name) for name in imported(path) if name.startswith("synthmix.")}
    known = {p.name.removesuffix(".py") for p in SOURCE.iterdir()}
    wrong = (wanted & known) - ALLOWED[mine] - {mine}
    assert not wrong, f"{path.name} of {mine} must not import {sorted(wrong)}"


ROOMS = ["config", "near_duplicates", "filters", "inputs", "stages", "planning", "running", "api"]
"""The rooms of `study/`, from the ground up; each knows those below it alone."""


def test_arrows_within_a_study_go_down() -> None:
    wrong = []
    for path in sorted((SOURCE / "study").rglob("*.py")):
        mine = path.relative_to(SOURCE / "study").parts[0].removesuffix(".py")
        for name in imported_when_run(path):
            room = name.removeprefix("synthmix.study.").split(".")[0]
            is_room = name.startswith("synthmix.study.") and {room, mine} <= set(ROOMS)
            if is_room and ROOMS.index(room) > ROOMS.index(mine):
                wrong.append(f"{path.relative_to(SOURCE)}: {name}")
    assert wrong == []


def test_no_package_reaches_into_another_one() -> None:
    """What begins with an underscore is known within its package alone."""
    wrong = []
    for path in MODULES:
        mine = ("synthmix", *path.relative_to(SOURCE).parts[:-1])
        for name in imported(path):
            parts = tuple(name.split("."))
            private = next((n for n, part in enumerate(parts) if part[:1] == "_"), None)
            if parts[0] != "synthmix" or private is None:
                continue
            if mine[:private] != parts[:private]:
                wrong.append(f"{path.relative_to(SOURCE)}: {name}")
    assert wrong == []


@pytest.mark.parametrize(
    "package",
    [
        "data",
        "prompts",
        "generators",
        "mixing",
        "evaluation.metrics",
        "evaluation.corruptions",
        "engines",
        "cli.app",
    ],
)
def test_contracts_import_nothing_heavy(package: str) -> None:
    code = f"import json, sys, synthmix.{package}; print(json.dumps(sorted(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert not HEAVY & set(json.loads(out.stdout)), package


def test_settings_load_no_framework() -> None:
    """Whatever a study names, reading it is quick: what does the work is imported by the work."""
    code = """
import json, sys
from synthmix.study.config.file import DATA, ENGINES, GENERATORS, MIXING, PROMPTS, load
from synthmix.study.config.evaluation import CORRUPTIONS

for family in (DATA, ENGINES, GENERATORS, MIXING, PROMPTS, CORRUPTIONS):
    for name in family.names():
        family.get(name)
load(sys.argv[1])
print(json.dumps(sorted(sys.modules)))
"""
    quickstart = SOURCE.parents[1] / "studies" / "quickstart.yaml"
    command = [sys.executable, "-c", code, str(quickstart)]
    out = subprocess.run(command, capture_output=True, check=True, text=True)
    assert not FRAMEWORKS & set(json.loads(out.stdout))


@pytest.mark.parametrize(
    "contract",
    [*SOURCE.glob("*/__init__.py"), *SOURCE.glob("evaluation/*/__init__.py")],
    ids=lambda p: p.parent.name,
)
def test_contracts_are_short(contract: Path) -> None:
    assert len(contract.read_text(encoding="utf-8").splitlines()) <= 80


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(SOURCE)))
def test_files_and_functions_stay_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 500, "look for its second subject"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 60, node.name


def test_no_file_is_named_after_nothing() -> None:
    banned = {"utils", "helpers", "common", "misc", "manager", "base"}
    assert not {path.stem.strip("_") for path in MODULES} & banned


def test_every_module_says_what_it_is() -> None:
    for path in MODULES:
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), path
