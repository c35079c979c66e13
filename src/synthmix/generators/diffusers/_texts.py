"""Whether prompts reach the image: tokenizers and text encoders that are whole and fit each other.

A tokenizer without its vocabulary, or a text encoder whose weights are not its own, still draws
images; no prompt has any part in them.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from synthmix.errors import SettingError

PROBES = ("a small green tree", "a large white ship")
"""Prompts that no sound model draws alike; equal in their letters' number, which is no part."""

NO_LIMIT = 1_000_000
"""Tokens from which a tokenizer's limit is none: huge where it states no other."""

_SPECIAL = {"CLIP": 2, "T5": 1}
"""Tokens that tokenizers of these kinds add to every text."""

_WORDS = 50
"""Words of a vocabulary that are looked for among a tokenizer's answers."""

_MARKS = ("</w>", "\u2581", "\u0120")
"""How tokenizers mark where a word begins or ends."""


def check_tokenizer(tokenizer: Any, folder: Path) -> None:
    """Raise SettingError, naming the folder, where a tokenizer cannot tell prompts apart."""
    if tokenizer(PROBES[0])["input_ids"] == tokenizer(PROBES[1])["input_ids"]:
        raise _wrong(
            folder,
            f"has the same tokens for '{PROBES[0]}' and '{PROBES[1]}'; its vocabulary is missing",
        )
    if _is_without_merges(tokenizer):
        raise _wrong(folder, "spells every word of its vocabulary; its merges are missing")
    kind = type(tokenizer).__name__
    for name, number in _SPECIAL.items():
        if kind.startswith(name) and tokenizer.num_special_tokens_to_add() < number:
            raise _wrong(folder, "adds no token that ends a text; its special tokens are missing")
    if kind.startswith("CLIP") and tokenizer.model_max_length > NO_LIMIT:
        raise _wrong(folder, "states no limit; its tokenizer_config.json is missing or incomplete")


def check_encoder(tokenizer: Any, encoder: Any, folder: Path) -> None:
    """Raise SettingError, naming the folder, where an encoder reads its tokenizer's ids wrongly."""
    rows = encoder.get_input_embeddings().weight.shape[0]
    added = tokenizer.get_added_vocab()
    known = [number for token, number in tokenizer.get_vocab().items() if token not in added]
    asked = [tokenizer(text)["input_ids"] for text in PROBES]
    most = max(*known, *asked[0], *asked[1]) + 1
    # some embeddings have a few rows in reserve; another model's are of another order
    if most > rows or 2 * len(tokenizer) < rows:
        raise _wrong(
            folder, f"has {most:,} tokens, and its text encoder reads {rows:,}: of another model"
        )
    length = min(map(len, asked))
    one, other = (_embedded(encoder, ids[:length]) for ids in asked)
    where = folder.with_name(folder.name.replace("tokenizer", "text_encoder"))
    if not (one.isfinite().all() and other.isfinite().all()):
        raise _wrong(where, "gives embeddings that are not finite; its weights are damaged")
    if torch.equal(one, other):
        raise _wrong(
            where, f"reads '{PROBES[0]}' and '{PROBES[1]}' alike; its weights are not its own"
        )


def check_width(width: int, read: int | Sequence[int], folder: Path) -> None:
    """Raise SettingError where a network reads embeddings of another width than it is given."""
    if width not in (read if isinstance(read, Sequence) else (read,)):
        raise _wrong(
            folder / "text_encoder",
            f"gives embeddings of {width} numbers, and unet/ reads {read}: of another model",
        )


def _is_without_merges(tokenizer: Any) -> bool:
    """Whether words stand in the vocabulary, and none of them ever comes out."""
    found = ((token, _plain(token)) for token in tokenizer.get_vocab())
    words = ((t, w) for t, w in found if len(w) > 2 and w.isascii() and w.isalpha())
    some = list(islice(words, _WORDS))
    # some tokenizers mark a word's beginning, the first word's apart
    return bool(some) and not any(
        token in tokenizer.tokenize(text) for token, word in some for text in (word, f"a {word}")
    )


def _plain(token: str) -> str:
    for mark in _MARKS:
        token = token.removeprefix(mark).removesuffix(mark)
    return token


@torch.inference_mode()
def _embedded(encoder: Any, ids: list[int]) -> Tensor:
    found: Tensor = encoder(input_ids=torch.tensor([ids], device=encoder.device))[0]
    return found


def _wrong(folder: Path, what: str) -> SettingError:
    return SettingError(
        f"{folder}/ {what}: prompts would have no part, or a wrong one, in the images. Copy or "
        "fetch the model again."
    )
