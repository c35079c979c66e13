"""One way of reading Visual Genome's attributes.json, in a process of its own.

`plain` loads the file and looks every attribute up in its name's list, `extract` is the command.
Prints CPU seconds, peak memory and a digest of what was found. Imports only what it uses: a
benchmark's own imports would be the larger part of the memory.
"""

import contextlib
import hashlib
import io
import json
import sys
import time
from pathlib import Path

Found = dict[str, list[str]]


def plain(path: str) -> Found:
    """Return the attributes of every name as a short script finds them."""
    with open(path, encoding="utf-8") as file:
        images = json.load(file)
    found: Found = {}
    for image in images:
        for each in image["attributes"]:
            for name in each["names"]:
                if name not in found:
                    found[name] = []
                for attribute in each.get("attributes", []):
                    if attribute not in found[name]:
                        found[name].append(attribute)
    return found


def extract(path: str, target: str) -> None:
    """Run the command."""
    from synthmix.cli.app import app

    sys.argv = ["synthmix", "attributes", "extract", path, target, "--quiet", "--json"]
    app(standalone_mode=False)


def peak_megabytes() -> float:
    """Return this program's largest resident size; getrusage would tell the parent's too."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    (kilobytes,) = (line.split()[1] for line in lines if line.startswith("VmHWM"))
    return int(kilobytes) / 1000


def digest(found: Found) -> str:
    """Return what is equal for equal attributes, but for case, spaces, order and empty names."""
    kept: dict[str, set[str]] = {}
    for name, attributes in found.items():
        words = {" ".join(each.lower().split()) for each in attributes} - {""}
        if words:
            kept.setdefault(" ".join(name.lower().split()), set()).update(words)
    text = json.dumps({name: sorted(words) for name, words in sorted(kept.items())})
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    way, source, written = sys.argv[1:]
    if way == "plain":
        everything = plain(source)
        cost = time.process_time(), peak_megabytes()
    else:
        with contextlib.redirect_stdout(io.StringIO()):
            extract(source, written)
        cost = time.process_time(), peak_megabytes()
        names = json.loads(Path(written).read_text(encoding="utf-8"))["names"]
        everything = {name: list(counts) for name, counts in names.items()}
    print(json.dumps({"seconds": cost[0], "megabytes": cost[1], "digest": digest(everything)}))
