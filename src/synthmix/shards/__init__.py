"""Synthetic sets on disk: Hugging Face dataset folders that grow and resume shard by shard.

Requests are numbered index-major (image 0 of every class, then image 1 of every class, ...), so
1,000 images per class are a prefix of 2,000 and a set that grows keeps its full shards. A shard's
bytes follow from its requests and images alone: whatever was killed when, the set that is sealed
in the end is the one an undisturbed run would have made.
"""

from synthmix.shards._gate import Draw
from synthmix.shards._prompts import load_prompts, save_prompts
from synthmix.shards._read import read_set
from synthmix.shards._requests import requests
from synthmix.shards._write import repair, write_set
from synthmix.shards._writer import Form

__all__ = [
    "Draw",
    "Form",
    "load_prompts",
    "read_set",
    "repair",
    "requests",
    "save_prompts",
    "write_set",
]
