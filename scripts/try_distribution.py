"""Build the sdist and the wheel, install the wheel alone into an empty environment, and use it.

    python scripts/try_distribution.py [--demo]

The environment has no extras and no tool of development, so that what is not declared is missed.
It takes some 6 GB in the folder for temporary files and minutes; `--demo` runs the whole quickstart
study instead of a small one. Versions are those of constraints.txt. Ends with status 1 at the first
thing that is wrong.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
SMALL = {
    "seeds": 1,
    "controls": "false",
    "training.steps": 20,
    "synthetic.flow.generator.fit_steps": 20,
}


def main() -> None:
    """Build, look into, install and use the wheel."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--demo", action="store_true", help="run the whole quickstart study")
    is_whole = parser.parse_args().demo
    with tempfile.TemporaryDirectory(prefix="synthmix-dist-") as folder:
        wheel = built(Path(folder))
        look_into(wheel)
        use(installed(wheel, Path(folder)), Path(folder) / "elsewhere", is_whole=is_whole)
        shutil.rmtree(ROOT / "dist", ignore_errors=True)
        shutil.copytree(wheel.parent, ROOT / "dist")
    told(f"sdist and wheel are in {ROOT / 'dist'}")


def built(folder: Path) -> Path:
    """Return the wheel, built from the sdist as an index would."""
    python = environment(folder / "tools")
    run(python, "-m", "pip", "install", "--quiet", "build")
    run(python, "-m", "build", "--outdir", folder / "dist", ROOT)
    (wheel,) = (folder / "dist").glob("*.whl")
    return wheel


def look_into(wheel: Path) -> None:
    """Compare the wheel's files with those that git has of the package."""
    asked = ["git", "-C", ROOT, "ls-files", "-z", "src"]
    tracked = subprocess.run(asked, capture_output=True, check=True, text=True).stdout
    wanted = {name.removeprefix("src/") for name in tracked.split("\0") if name}
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    if names != wanted:
        sys.exit(f"{wheel.name}: lacks {sorted(wanted - names)}, has {sorted(names - wanted)}")
    told(f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB")


def installed(wheel: Path, folder: Path) -> Path:
    """Return the Python of an empty environment in which the wheel and what it needs are."""
    python = environment(folder / "empty")
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel)
    run(python, "-m", "pip", "check")
    files = [each for each in (folder / "empty").rglob("*") if not each.is_symlink()]
    size = sum(each.stat().st_blocks * 512 for each in files)
    told(f"the environment has {size / 2**30:.1f} GB, as du -h counts")
    return python


def use(python: Path, folder: Path, *, is_whole: bool) -> None:
    """Use every part of the command line that needs no extra, outside the checkout."""
    folder.mkdir()
    shutil.copy(ROOT / "studies" / "quickstart.yaml", folder)
    program = python.with_name("synthmix")
    changes = [] if is_whole else [f"--set={key}={value}" for key, value in SMALL.items()]
    for words in (["--version"], ["list"], ["list", "generators"], ["doctor"]):
        run(program, *words, cwd=folder)
    for command in (["plan"], ["run", "--quiet"], ["status"]):
        run(program, *command, "quickstart.yaml", *changes, cwd=folder)
    output = folder / "results" / "quickstart"
    for command in ("evaluate", "report"):
        run(program, command, output, cwd=folder)
    for each in ("folder", "webdataset"):
        made = next((output / "synthetic").glob("flow-*"))
        run(program, "export", made, folder / each, "--format", each, cwd=folder)
    run(python, "-c", IMPORTING, cwd=folder)


IMPORTING = """
import importlib, pkgutil, synthmix
assert 'site-packages' in synthmix.__file__, synthmix.__file__
missing = {}
for each in pkgutil.walk_packages(synthmix.__path__, 'synthmix.'):
    if each.name == 'synthmix.__main__':
        continue
    try:
        importlib.import_module(each.name)
    except ModuleNotFoundError as error:
        missing[each.name] = error.name
print('modules that need an extra:', missing)
optional = {'accelerate', 'diffusers', 'transformers', 'nltk', 'sentence_transformers',
            'xllamacpp', 'bitsandbytes'}
assert {name.split('.')[0] for name in missing.values()} <= optional, missing
"""


def environment(folder: Path) -> Path:
    """Make a virtual environment and return its Python."""
    venv.create(folder, with_pip=True, symlinks=True)
    return folder / "bin" / "python"


def run(*words: object, cwd: Path | None = None) -> None:
    """Run a command that sees nothing of the checkout; tell how long it took."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    if cwd is not None:
        clean["SYNTHMIX_CACHE"] = str(cwd / "cache")
    start = time.monotonic()
    done = subprocess.run(list(map(str, words)), cwd=cwd, env=clean, check=False)
    shown = " ".join([Path(str(words[0])).name, *map(str, words[1:])]).partition("\n")[0]
    told(f"{time.monotonic() - start:6.1f} s, status {done.returncode}: {shown}")
    if done.returncode:
        sys.exit(1)


def told(text: str) -> None:
    """Print a line at once, between those of the commands."""
    sys.stderr.write(f"== {text}\n")


if __name__ == "__main__":
    main()
