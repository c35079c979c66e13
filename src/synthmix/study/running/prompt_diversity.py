"""How much the texts of a study's sets differ, for the results."""

from synthmix.prompts.diversity import diversity
from synthmix.shards import load_prompts
from synthmix.study.config.file import component_settings
from synthmix.study.inputs.workspace import Workspace
from synthmix.types import Json


def of(workspace: Workspace) -> dict[str, Json]:
    """Return strategy, notes and each class's numbers, of every set whose prompts are stored."""
    found = {}
    for each in workspace.study.synthetic:
        if each.prompts is None or each.generator is None:
            continue
        artifact = workspace.prompts_artifact(each)
        if not artifact.is_complete:
            continue
        prompts = load_prompts(artifact)
        found[each.name] = {
            "strategy": component_settings(each.prompts)["use"],
            "told": each.prompts.told(prompts),
            "classes": diversity(prompts, workspace.class_names, each.generator.text_encoders()),
        }
    return found
