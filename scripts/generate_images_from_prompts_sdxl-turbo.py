"""Draw CIFAR-10 images from a file of prompts with SDXL-Turbo, as `synthmix generate` does.

Usage: python scripts/generate_images_from_prompts_sdxl-turbo.py PROMPTS [OPTION]...
PROMPTS is JSON, JSONL or CSV by class. The set it names becomes class folders by `synthmix export`.
"""

import sys

from synthmix.cli.main import main

if __name__ == "__main__":
    prompts, *options = sys.argv[1:] or ["prompts.json"]
    cifar10 = ["--real", "huggingface", "--set", "real.path=uoft-cs/cifar10"]
    chosen = [
        "--set",
        "prompts.use=file",
        "--set",
        f"prompts.path={prompts}",
        "--per-class",
        "1000",
    ]
    sys.argv[1:] = ["generate", "--generator", "diffusers", *cifar10, *chosen, *options]
    main()
