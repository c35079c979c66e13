"""Images you already have as the synthetic set: no generator, only a file.

Digits drawn with a font, saved as an `.npz` file, added to real handwritten ones. A folder with
one sub-folder a class works alike: `{"use": "folder", "path": "my_images"}`.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from synthmix import study

SIZE = 32
PER_CLASS = 12


def drawn(digit: int, random: np.random.Generator) -> np.ndarray:
    """Return a grey image `[SIZE, SIZE]` of the digit, at a random size and place."""
    image = Image.new("L", (SIZE, SIZE))
    font = ImageFont.load_default(size=int(random.integers(24, 34)))
    centre = tuple(SIZE / 2 + random.uniform(-3, 3, size=2))
    ImageDraw.Draw(image).text(centre, str(digit), fill=255, font=font, anchor="mm")
    return np.asarray(image)


def main() -> None:
    """Save the images, run a study that adds them, and print a line an arm."""
    random = np.random.default_rng(0)
    labels = np.tile(np.arange(10), PER_CLASS)
    images = np.stack([drawn(label, random) for label in labels])
    file = Path("font_digits.npz")
    np.savez(file, images=images, labels=labels, class_names=[str(k) for k in range(10)])
    asked = {
        "name": "own-images",
        "real": {"use": "digits"},
        "synthetic": {"font": {"images": {"use": "array", "path": str(file)}}},
        "mixing": {"use": "add", "num_real": 100, "per_real": [0, 1]},
        "training": {"steps": 40, "batch_size": 32, "flip": False, "ema_decay": 0, "device": "cpu"},
        "evaluation": {"corruptions": False},
        "seeds": 2,
        "reduced_budget": True,
        "engine": {"use": "local", "processes": 1},
    }
    own = study.resolve(asked)
    results = study.run(own)
    for row in results.table():
        print(f"{row['arm']:8} accuracy {row['accuracy']:.3f}")
    print(results.report)


if __name__ == "__main__":
    main()
