"""Time to open CIFAR-10 once it is decoded, in fresh processes, without their imports.

Opening maps the decoded pixels into memory and reads none of them, so the time of a first pass
over all pixels stands beside it. Once a day, and whenever a file was touched, opening also reads
all of them to compare their sha256: that is measured by leaving out what is known of them.
"""

import json
import statistics
import tempfile
import time
from pathlib import Path

from _record import bounded, ratio, record, spread
from _run import child, cifar10, options

from synthmix.cached import SETTLED

TARGET_SECONDS = 0.2


def measure(data: str, cache: Path) -> dict[str, float]:
    """Return the seconds to open both splits, then to read every pixel once."""
    started = time.perf_counter()
    opened = [cifar10(data, "train", cache), cifar10(data, "test", cache)]
    middle = time.perf_counter()
    assert sum(len(images) for images in opened) == 60_000
    for images in opened:
        images.pixels.sum()
    return {"open": middle - started, "read": time.perf_counter() - middle}


def main() -> None:
    """Decode once, open many times, and write `opening.json`."""
    parser = options(__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="fresh processes that open the cache")
    parser.add_argument("--cache", type=Path, help="measure in this cache and print; used inside")
    asked = parser.parse_args()
    if asked.cache is not None:
        print(json.dumps(measure(asked.data, asked.cache)))
        return
    rounds = 1 if asked.quick else asked.rounds
    with tempfile.TemporaryDirectory() as cache:
        call = ("--data", asked.data, "--cache", cache)
        first = child(__file__, *call)
        # what was just written is not taken to be known
        time.sleep(SETTLED + 0.5)
        child(__file__, *call)
        later = [child(__file__, *call) for _ in range(rounds)]
        checked = []
        for _ in range(rounds):
            for path in Path(cache).glob("decoded/*/checked.json"):
                path.unlink()
            checked.append(child(__file__, *call)["open"])
    opening = [each["open"] for each in later]
    raw = {
        "first opening, which decodes, seconds": spread([first["open"]]),
        "opening, seconds": spread(opening),
        "opening that compares every sha256, seconds": spread(checked),
        "first pass over all pixels after it, seconds": spread([each["read"] for each in later]),
    }
    ratios = {
        "opening/0.2 s": ratio(opening, [TARGET_SECONDS] * rounds, at_most=1),
        "slowest opening/0.2 s": bounded(max(opening) / TARGET_SECONDS, at_most=1),
        "comparing every sha256/first opening": ratio(
            [each - statistics.median(opening) for each in checked],
            [first["open"]] * rounds,
            at_most=0.02,
        ),
        "opening/first opening": ratio(opening, [first["open"]] * rounds),
    }
    record("opening", asked, n=rounds, raw=raw, ratios=ratios)


if __name__ == "__main__":
    main()
