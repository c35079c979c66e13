"""A set's prompts: written once, replayed from then on."""

from synthmix.ledger import held
from synthmix.shards import load_prompts, repair, save_prompts
from synthmix.store import Artifact
from synthmix.study.config.file import SyntheticSet
from synthmix.study.inputs.workspace import Workspace
from synthmix.types import Prompt


def prompts_of(workspace: Workspace, each: SyntheticSet) -> list[Prompt] | None:
    """Return a set's prompts, written once and replayed from then on."""
    if each.prompts is None or each.per_class is None:
        return None
    artifact = workspace.prompts_artifact(each)
    with artifact.locked():
        if artifact.path.exists():
            repair(artifact)
        write(workspace, each, artifact)
    return list(load_prompts(artifact))


def write(workspace: Workspace, each: SyntheticSet, artifact: Artifact) -> None:
    """Write the prompts of a set where they are not complete."""
    if artifact.is_complete:
        return
    assert each.prompts is not None
    assert each.per_class is not None
    names, seed = workspace.names_for(each.prompts), artifact.settings["seed"]
    if not each.prompts.is_costly:
        save_prompts(artifact, list(each.prompts.write(names, each.per_class, seed=seed)))
        return
    start = each.prompts.subjects_from
    subjects = prompts_of(workspace, workspace.study.set_named(start)) if start else None
    # a set of another size has an artifact, and so a lock, of its own, but shares the ledger
    with held(workspace.ledger_path(each)):
        written = each.prompts.resume(
            names,
            each.per_class,
            seed=seed,
            ledger=workspace.prompts_ledger(each),
            subjects=subjects or (),
            progress=artifact.report,
        )
        prompts = list(written)
    save_prompts(artifact, prompts, told=each.prompts.told(prompts))
