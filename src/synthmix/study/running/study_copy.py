"""The copy of a study's file beside its results, from which `evaluate` knows what was asked."""

import hashlib
from pathlib import Path

from synthmix.belonging import line
from synthmix.errors import DataError
from synthmix.types import Json
from synthmix.yaml_text import dumped

OURS = b"# What was asked, written by synthmix; the settings it stands for are in resolved.json.\n"
_SHA256 = b"# sha256 of what follows: "


def text_of(asked: dict[str, Json], fingerprint: str) -> bytes:
    """Return the copy of a study as a file holds it; the fingerprint is the study's."""
    text = line(fingerprint) + dumped(asked).encode()
    return OURS + _SHA256 + hashlib.sha256(text).hexdigest().encode() + b"\n" + text


def check(path: Path) -> None:
    """Raise DataError where the copy is another than the one that was written."""
    if not path.is_file():
        raise DataError(
            f"{path.parent} holds no study.yaml; `synthmix run STUDY` makes such a folder."
        )
    head, _, rest = path.read_bytes().removeprefix(OURS).partition(b"\n")
    # early copies have no sha256
    if head.startswith(_SHA256) and head != _SHA256 + hashlib.sha256(rest).hexdigest().encode():
        raise DataError(
            f"{path} was edited or damaged since `synthmix run` wrote it: run the study's own file "
            "again, which writes it anew."
        )
