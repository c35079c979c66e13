"""Prompts as stored data: written once, replayed from then on."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from synthmix.errors import ArtifactError
from synthmix.store import Artifact, canonical
from synthmix.types import Json, Prompt

_PART = "prompts.jsonl"


def save_prompts(artifact: Artifact, prompts: Sequence[Prompt], **facts: Json) -> None:
    """Write the prompts, one JSON object a line, and seal; a sealed artifact is left as it is.

    `facts` join the manifest.
    """
    if artifact.is_complete:
        return
    with artifact.part(_PART) as path:
        path.write_text("".join(f"{canonical(asdict(each))}\n" for each in prompts), "utf-8")
    artifact.seal(num_prompts=len(prompts), **facts)


def load_prompts(artifact: Artifact) -> list[Prompt]:
    """Return the stored prompts in their order; raises ArtifactError where they cannot be read."""
    path = artifact.path / _PART
    if not artifact.is_complete or not path.is_file():
        raise ArtifactError(f"{path} is not there or not finished; run the same command again.")
    lines = path.read_bytes().splitlines()  # of bytes: a line that is no UTF-8 is named too
    return [_prompt(line, f"{path} line {number}") for number, line in enumerate(lines, start=1)]


def _prompt(line: bytes, where: str) -> Prompt:
    try:
        return Prompt(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise ArtifactError(f"{where} is damaged: {error}.") from None
