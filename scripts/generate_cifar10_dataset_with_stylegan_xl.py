"""Draw 60,000 labelled CIFAR-10 images with StyleGAN-XL, as `synthmix generate` does.

Usage: python scripts/generate_cifar10_dataset_with_stylegan_xl.py CHECKPOINT [OPTION]...
The set it names becomes data/StyleGAN_XL/airplane/... by `synthmix export SET data/StyleGAN_XL`.
"""

import sys

from synthmix.cli.main import main

if __name__ == "__main__":
    checkpoint, *options = sys.argv[1:] or ["cifar10.pkl"]
    cifar10 = ["--real", "huggingface", "--set", "real.path=uoft-cs/cifar10"]
    chosen = ["--set", f"generator.checkpoint={checkpoint}", "--per-class", "6000"]
    sys.argv[1:] = ["generate", "--generator", "stylegan-xl", *cifar10, *chosen, *options]
    main()
