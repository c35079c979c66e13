"""Write prompts with Gemma 2B in 4 bits, as `synthmix prompts write language-model` does.

Usage: python scripts/generate_gemma_prompts_4bit.py OUT --classes airplane automobile ...

Its weights are gated: `synthmix weights fetch google/gemma-2b-it` brings them, once its licence is
accepted. A later `--set model=...` takes another model.
"""

import sys

from synthmix.cli.main import main

MODEL = ["--set", "model=google/gemma-2b-it", "--set", "quantize=4bit"]

if __name__ == "__main__":
    sys.argv[1:] = ["prompts", "write", "language-model", *MODEL, *sys.argv[1:]]
    main()
