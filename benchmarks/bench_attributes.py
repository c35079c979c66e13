"""Extracting Visual Genome's attributes: `synthmix attributes extract` against a plain script.

The script is json.load and, for every pair, `if a not in d[name]: d[name].append(a)`. Both read one
file of the true file's size, made of real pairs, in turns and in fresh processes; seconds are CPU
seconds of the whole process, imports and writing included. Both must find the same attributes.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from _record import bounded, ratio, record, spread
from _run import ROOT, child, options

SCRIPT = Path(__file__).with_name("_attributes.py")
IMAGES = 108_077
LIMIT_MB = 100
WAYS = ("plain", "extract")


def make(data: Path, target: Path, images: int) -> None:
    """Write a file in Visual Genome's format, by the script beside the data."""
    command = [sys.executable, str(data / "make_big.py"), "--images", str(images)]
    subprocess.run([*command, "--out", str(target)], check=True, stdout=subprocess.DEVNULL)


def main() -> None:
    """Read the file both ways, in turns, and write `attributes.json`."""
    parser = options(
        __doc__,
        "../shared/data/visual_genome",
        "folder with make_big.py and the pairs it resamples, relative to the repository",
    )
    parser.add_argument("--rounds", type=int, default=2, help="turns of each way")
    parser.add_argument("--images", type=int, default=IMAGES, help="images of the file")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.images = 1, 300
    found: dict[str, list[dict[str, Any]]] = {way: [] for way in WAYS}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "attributes.json"
        make(ROOT / asked.data, source, asked.images)
        size = source.stat().st_size
        for turn in range(asked.rounds):
            for way in WAYS:
                target = Path(folder) / f"{way}-{turn}.json"
                found[way].append(child(str(SCRIPT), way, str(source), str(target)))
    assert len({each["digest"] for way in WAYS for each in found[way]}) == 1
    seconds = {way: [each["seconds"] for each in found[way]] for way in WAYS}
    megabytes = {way: [each["megabytes"] for each in found[way]] for way in WAYS}
    raw: dict[str, Any] = {"images": asked.images, "file, MB": round(size / 1e6, 1)}
    for way in WAYS:
        raw[f"{way}, CPU seconds"] = spread(seconds[way])
        raw[f"{way}, peak MB"] = spread(megabytes[way])
    ratios = {
        "plain/extract, CPU seconds": ratio(seconds["plain"], seconds["extract"], at_least=2.5),
        "largest peak/100 MB": bounded(max(megabytes["extract"]) / LIMIT_MB, at_most=1),
    }
    record("attributes", asked, n=asked.rounds, raw=raw, ratios=ratios)


if __name__ == "__main__":
    main()
