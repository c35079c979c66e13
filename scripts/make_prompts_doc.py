"""Write docs/results/NAME.md and NAME.json from a file of a language model's prompts.

    python scripts/make_prompts_doc.py gemma.jsonl NAME "the command that made it" [REMARKS.md]

Samples are those of fixed numbers, not chosen; REMARKS.md is what a person says who read the texts.
"""

import json
import sys
from pathlib import Path
from typing import Any

from synthmix.prompts.diversity import diversity
from synthmix.prompts.file import prompts_in
from synthmix.prompts.language_model._writing import acceptance
from synthmix.types import Prompt

TARGET = Path(__file__).parents[1] / "docs" / "results"
SHOWN = (0, 33, 66)
"""Numbers of the texts that are shown of each class."""


def read(path: Path) -> tuple[tuple[str, ...], list[Prompt]]:
    """Return the classes and the prompts with what they were made from."""
    names, plain = prompts_in(path)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    prompts = [
        Prompt(names.index(row["class"]), row["index"], row["prompt"], "", row["source"])
        for row in rows
    ]
    assert len(prompts) == len(plain)
    return names, prompts


def numbers(names: tuple[str, ...], prompts: list[Prompt]) -> dict[str, Any]:
    """Return counts over all classes and of each."""
    spread = diversity(prompts, names)
    of = {name: [e for e in prompts if e.label == label] for label, name in enumerate(names)}
    source = prompts[0].source
    return {
        "made_by": {key: source[key] for key in ("engine", "engine_version", "model", "revision")},
        "parallel": source["parallel"],
        "all": acceptance(prompts),
        "classes": {name: {**acceptance(some), **spread[name]} for name, some in of.items()},
    }


def row(name: str, found: dict[str, Any]) -> str:
    """Return one class as a line of a Markdown table."""
    reasons = ", ".join(f"{number} {reason}" for reason, number in found["rejected"].items())
    first = f"{100 * found['accepted_at_first'] / found['texts']:.0f} %"
    vendi, similarity = f"{found['vendi']:.1f}", f"{found['similarity']:.2f}"
    words = f"{found['words']['mean']:.1f}"
    cells = [name, str(found["texts"]), first, reasons or "none", str(found["distinct"])]
    return f"| {' | '.join([*cells, similarity, vendi, words])} |"


def page(
    name: str, command: str, found: dict[str, Any], texts: dict[str, list[str]], remarks: str
) -> str:
    """Return the page: command, acceptance by class, reasons, samples, remarks."""
    every, made = found["all"], found["made_by"]
    share = 100 * every["accepted_at_first"] / every["texts"]
    reasons = ", ".join(f"{number} {reason}" for reason, number in every["rejected"].items())
    head = "| class | texts | at first | rejected | distinct | similarity | Vendi | words |"
    samples = [
        f"**{label}**\n\n" + "\n".join(f"- {number}: {some[number]}" for number in SHOWN)
        for label, some in texts.items()
    ]
    lines = [
        f"# {name}",
        f"    {command}",
        f"Model: {made['model']}, sha256 `{made['revision'][:16]}…`, {made['engine']} "
        f"({made['engine_version']}), {found['parallel']} texts at a time.",
        f"{every['texts']:,} texts, none missing; {every['accepted_at_first']:,} ({share:.1f} %) "
        f"accepted at the first attempt, {every['attempts']:,} attempts in all; rejected: "
        f"{reasons or 'none'}. {every['distinct']:,} "
        f"({100 * every['distinct'] / every['texts']:.1f} %) are distinct within their class.",
        "\n".join([head, "|---|--:|--:|---|--:|--:|--:|--:|"])
        + "\n"
        + "\n".join(row(label, each) for label, each in found["classes"].items()),
        remarks.strip(),
        f"## Texts {', '.join(map(str, SHOWN))} of every class, not chosen",
        *samples,
        f"All counts: [{name}.json]({name}.json). Prompts by Gemma are under the "
        "[Gemma Terms of Use](https://ai.google.dev/gemma/terms).",
    ]
    return "\n\n".join(line for line in lines if line) + "\n"


def main() -> None:
    """Write both files."""
    path, name, command = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    remarks = Path(sys.argv[4]).read_text(encoding="utf-8") if len(sys.argv) > 4 else ""
    names, prompts = read(path)
    found = numbers(names, prompts)
    texts = {
        each: [prompt.text for prompt in prompts if prompt.label == label]
        for label, each in enumerate(names)
    }
    TARGET.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"command": command, **found}, indent=1, ensure_ascii=False) + "\n"
    (TARGET / f"{name}.json").write_text(text, encoding="utf-8")
    (TARGET / f"{name}.md").write_text(page(name, command, found, texts, remarks), encoding="utf-8")


if __name__ == "__main__":
    main()
