"""Recompute a study's numbers and confusion matrices: `synthmix evaluate`, `synthmix report`.

Usage: python scripts/generate_confusion_matrices.py DIR
"""

import subprocess
import sys

if __name__ == "__main__":
    for command in ("evaluate", "report"):
        ended = subprocess.run([sys.executable, "-m", "synthmix", command, *sys.argv[1:]])
        if ended.returncode:
            sys.exit(ended.returncode)
