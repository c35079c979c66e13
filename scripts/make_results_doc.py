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


def verdicts(told: dict[str, Any] | None) -> list[str]:
    """Return the verdict in words, a table of every arm's, and what the images are worth."""
    if told is None or not told["arms"]:
        return []
    against = "against its own real images, points | against all real images, points"
    head = f"| mix | verdict | {against} | could have seen, points |"
    rows = [
        f"| {each['arm']} | **{each['label']}** | {percent(each['gain'], '+')} "
        f"| {percent(each['full'], '+')} | {seen(each['detectable'])} |"
        for each in told["arms"]
    ]
    worth = [
        f"- {each['arm']}: {each['sentence']}" for each in (told["worth"] or {"arms": []})["arms"]
    ]
    found = [
        f"**{told['text'][0].upper()}{told['text'][1:].rstrip('.')}.** {told['sentence']}",
        "\n".join([head, "|---|---|---|---|--:|", *rows]),
        "Brackets here: 95 % with seeds and test images as samples; the rule behind the words "
        "corrects for the number of mixes.",
        "\n".join(f"- {each['sentence']}" for each in told["arms"]),
        "\n".join(worth),
    ]
    return [each for each in found if each]


def by_class(told: dict[str, Any] | None) -> list[str]:
    """Return the change of each class's accuracy in every mix, marked where beyond chance."""
    if told is None or not told["arms"]:
        return []
    names = [each["name"] for each in told["arms"][0]["classes"]]
    arms = [each["arm"] for each in told["arms"]]
    rows = [
        f"| {name} | {' | '.join(changed(each['classes'][k]) for each in told['arms'])} |"
        for k, name in enumerate(names)
    ]
    head = f"| class | {' | '.join(arms)} |"
    return [
        "Change of each class's accuracy against the mix's comparator, points; bold where it is "
        "beyond chance (5 %, Holm over the classes of a mix).",
        "\n".join([head, "|---|" + "---|" * len(arms), *rows]),
    ]


def changed(change: dict[str, Any]) -> str:
    """Return one class's change, bold where its adjusted p-value is at most 5 %."""
    text = percent(change, "+")
    return f"**{text}**" if change["p_adjusted"] <= 0.05 else text


def generators(scores: dict[str, Any] | None) -> list[str]:
    """Return both classification accuracy scores of every synthetic set, and which is closest."""
    if scores is None:
        return []
    head = "| set | train on synthetic, test on real, % | train on real, test on synthetic, % |"
    rows = [
        f"| {name} | {accuracy(each['tstr'])} | {accuracy(each['mirror'])} |"
        for name, each in scores["sources"].items()
    ]
    return ["\n".join([head, "|---|---|---|", *rows]), scores["closest"]["sentence"]]


def accuracy(found: dict[str, Any] | None) -> str:
    """Return an accuracy with its interval, a dash where it was not measured."""
    return "–" if found is None else percent(found["accuracy"])


def seen(detectable: float | None) -> str:
    """Return the difference that would have been seen four times in five, in points."""
    return "" if detectable is None else f"{100 * detectable:.2f}"


def page(results: dict[str, Any], command: str) -> str:
    """Return the page: what was run, every arm, what it may not be read as."""
    training = results["training"]
    recipe = ", ".join(f"{key} {training[key]}" for key in ("model", "steps", "batch_size"))
    versions = ", ".join(f"{name} {number}" for name, number in results["versions"].items())
    head = "| arm | real | synthetic | accuracy, % | difference from real, points | each seed, % |"
    mixes = [arm for arm in results["arms"] if not arm.get("control")]
    rest = [row(arm) for arm in results["arms"] if arm.get("control")]
    columns = head.replace("| arm |", "| control |")
    controls = ["\n".join([columns, "|---|--:|--:|---|---|---|", *rest])] if rest else []
    lines = [
        f"# {results['name']}",
        f"    {command}",
        *results["declared"],
        *verdicts(results["verdict"]),
        f"Real images: {results['real']['num_pool']:,} a seed of `{results['real']['source']}`, "
        f"fingerprint `{results['real']['fingerprint']}`; {results['real']['num_test']:,} test "
        f"images. Recipe: {recipe}; {results['precision']} on {results['device']}.",
        "\n".join([head, "|---|--:|--:|---|---|---|", *map(row, mixes)]),
        *controls,
        *by_class(results["verdict"]),
        *generators(results.get("classification_accuracy_scores")),
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
