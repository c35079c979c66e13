"""Write prompts with Gemma, as `synthmix prompts write language-model` does.

Usage: python scripts/generate_gemma_prompts.py OUT --classes airplane automobile ...

Without further settings the small Gemma 3 270M of the extra `gemma` writes them;
`--set model=google/gemma-2b-it` takes the model of the original study.
"""

import sys

from synthmix.cli.main import main

if __name__ == "__main__":
    sys.argv[1:] = ["prompts", "write", "language-model", *sys.argv[1:]]
    main()
