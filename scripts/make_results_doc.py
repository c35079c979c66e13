"""Write docs/results/NAME.md and NAME.json from a study's results folder.

    python scripts/make_results_doc.py DIR "the command that made it"

The JSON is `results.json` without confusion matrices, so that every number of the page has a file.
"""

import json
import sys
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "docs" / "results"


def percent(score: dict[str, Any] | None, sign: str = "") -> str:
    """Return `mean [low, high]` in percent, or points."""
    if score is None:
        return ""
    mean = f"{100 * score['mean']:{sign}.2f}"
    if score["low"] is None:
        return mean
    return f"{mean} [{100 * score['low']:{sign}.2f}, {100 * score['high']:{sign}.2f}]"


def row(arm: dict[str, Any]) -> str:
    """Return one arm as a line of a Markdown table."""
    difference = arm["difference"] and arm["difference"]["accuracy"]
    seeds = ", ".join(f"{100 * value:.2f}" for value in arm["scores"]["accuracy"]["values"])
    cells = [
        arm["name"],
        f"{arm['num_real']:,}",
        f"{arm['num_synthetic']:,}",
        percent(arm["scores"]["accuracy"]),
        percent(difference, "+"),
        seeds,
    ]
    return f"| {' | '.join(cells)} |"


def page(results: dict[str, Any], command: str) -> str:
    """Return the page: what was run, every arm, what it may not be read as."""
    training = results["training"]
    recipe = ", ".join(f"{key} {training[key]}" for key in ("model", "steps", "batch_size"))
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    head = "| arm | real | synthetic | accuracy, % | difference from real, points | each seed, % |"
    lines = [
        f"# {results['name']}",
        f"    {command}",
        *results["declared"],
        f"Real images: {results['real']['num_pool']:,} a seed of `{results['real']['source']}`, "
        f"fingerprint `{results['real']['fingerprint']}`; {results['real']['num_test']:,} test "
        f"images. Recipe: {recipe}; {results['precision']} on {results['device']}.",
        "\n".join([head, "|---|--:|--:|---|---|---|", *map(row, results["arms"])]),
        f"Brackets: {results['interval']}; not adjusted for the number of arms.",
        *results["notes"],
        f"Versions: {versions}. All numbers: [{results['name']}.json]({results['name']}.json).",
    ]
    return "\n\n".join(lines) + "\n"


def main() -> None:
    """Write both files."""
    folder, command = Path(sys.argv[1]), sys.argv[2]
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / f"{results['name']}.md").write_text(page(results, command), encoding="utf-8")
    for arm in results["arms"]:
        arm["runs"] = [
            {key: value for key, value in run.items() if key != "confusion"} for run in arm["runs"]
        ]
    text = json.dumps(results, indent=1, ensure_ascii=False) + "\n"
    (TARGET / f"{results['name']}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
