"""The text of a synthetic set's data card: where each image comes from and under which terms."""

import re
from collections.abc import Sequence

from synthmix.errors import printable
from synthmix.store import canonical
from synthmix.study.config.file import SyntheticSet, component_settings
from synthmix.study.inputs.workspace import Workspace
from synthmix.types import Prompt


def set_card(workspace: Workspace, each: SyntheticSet, run: int, prompts: Sequence[Prompt]) -> str:
    """Return the card's text in Markdown, the same bytes for the same set."""
    assert each.generator is not None
    generator = component_settings(each.generator)
    lines = [
        f"# {each.name}",
        f"Synthetic images for the classes {_escaped(', '.join(workspace.class_names))}, "
        f"{workspace.image_size} x {workspace.image_size} pixels, stored losslessly as PNG.",
        f"- Generator: {_code(canonical(generator))}",
        f"- Prompts: {_code(canonical(component_settings(each.prompts)))}"
        if each.prompts
        else "- Prompts: none (class-conditional)",
        *_notes(workspace, each, prompts),
        f"- Terms of the weights: {each.generator.terms}",
        _fitted_on(workspace, each, run),
        "- Every row holds its image's seed; an image depends on its row and the settings alone.",
    ]
    return "\n\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return text in which nothing is markup: class names are other people's words."""
    return re.sub(r"([\\`*<>\[\]|])", r"\\\1", printable(text)).replace("\n", " ")


def _code(text: str) -> str:
    """Return text as code, between marks that it does not hold itself."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    if not longest:
        return f"`{text}`"
    marks = "`" * (longest + 1)
    return f"{marks} {text} {marks}"


def _notes(workspace: Workspace, each: SyntheticSet, prompts: Sequence[Prompt]) -> list[str]:
    if each.prompts is None:
        return []
    notes = [*each.prompts.notes(workspace.names_for(each.prompts)), *each.prompts.told(prompts)]
    if each.prompts.subjects_from is not None:
        other = workspace.study.set_named(each.prompts.subjects_from)
        assert other.prompts is not None
        notes += other.prompts.notes(workspace.names_for(other.prompts))
    return [f"- {_escaped(note)}" for note in notes]


def _fitted_on(workspace: Workspace, each: SyntheticSet, run: int) -> str:
    if not each.is_fitted:
        return "- Fitted here on: nothing"
    source = canonical(component_settings(workspace.study.real))
    return (
        f"- Fitted here on: {workspace.num_pool} real training images, the pool of run seed {run} "
        f"of {_code(source)}; never on validation or test images. Its terms are those of these "
        "images."
    )
