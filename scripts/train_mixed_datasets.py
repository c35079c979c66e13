"""Train on real and synthetic images at every ratio of a study, as `synthmix run` does.

Usage: python scripts/train_mixed_datasets.py STUDY
"""

import sys

from synthmix.cli.main import main

if __name__ == "__main__":
    sys.argv[1:] = ["run", *sys.argv[1:]]
    main()
