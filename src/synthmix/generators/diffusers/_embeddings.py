"""Prompts' embeddings on disk: text encoders run once for every distinct prompt."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from synthmix.errors import DiskFull
from synthmix.generators.diffusers._pipeline import Embeddings
from synthmix.store import cache_folder, fingerprint, replacing


class EmbeddingCache:
    """Embeddings of one model at one precision, up to a size; the rest is encoded when needed."""

    def __init__(self, settings: object, gigabytes: float) -> None:
        self.folder = cache_folder() / "embeddings" / fingerprint(settings)
        self.room = int(gigabytes * 1e9)
        self._known: dict[str, Embeddings] = {}
        self._used = sum(path.stat().st_size for path in self.folder.glob("*.safetensors"))

    def get(self, prompt: str, encode: Callable[[str], Embeddings]) -> Embeddings:
        """Return a prompt's embeddings, from memory, from disk or encoded now."""
        if prompt not in self._known:
            if len(self._known) > 256:
                self._known.clear()
            self._known[prompt] = self._stored(prompt, encode)
        return self._known[prompt]

    def _stored(self, prompt: str, encode: Callable[[str], Embeddings]) -> Embeddings:
        path = self.folder / f"{fingerprint(prompt)}.safetensors"
        with suppress(OSError, SafetensorError):  # not there, or damaged: encoded anew
            stored = load_file(path)
            with safe_open(path, "pt") as file:
                if (file.metadata() or {}).get("sha256") == _sha256(stored):
                    return stored
        found = encode(prompt)
        size = sum(each.numel() * each.element_size() for each in found.values())
        if self._used + size <= self.room:
            self._write(path, found)
            self._used += size
        return found

    @staticmethod
    def _write(path: Path, found: Embeddings) -> None:
        # a cache that has no room stops nothing
        with suppress(DiskFull, OSError), replacing(path) as temporary:
            tensors = {name: each.contiguous() for name, each in found.items()}
            save_file(tensors, temporary, {"sha256": _sha256(tensors)})


def _sha256(tensors: Embeddings) -> str:
    digest = hashlib.sha256()
    for name, each in sorted(tensors.items()):
        values = each.cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
        digest.update(repr((name, each.dtype, tuple(each.shape))).encode() + values.tobytes())
    return digest.hexdigest()
