"""Corrupted images of a test set, made once a machine and kept beside the decoded ones."""

from importlib.metadata import version

import numpy as np
from numpy.lib import format as npy

from synthmix.cached import ensure
from synthmix.evaluation.corruptions import SEVERITIES, Corruption
from synthmix.images import mark
from synthmix.seeding import derive
from synthmix.store import Artifact, cache_folder
from synthmix.study.config.file import component_identity
from synthmix.types import ImageSet, Indices, Json, Pixels

_PIXELS = "pixels.npy"


def corrupted(kind: Corruption, images: ImageSet, rows: Indices, seed: int) -> Pixels:
    """Return the images at these rows at every severity `[V, N, H, W, 3]`, memory-mapped.

    Made once a machine, in the cache of decoded images. Noise comes from `seed` and the image's
    row: all runs of a study see the same pictures.
    """
    settings: dict[str, Json] = {
        "corruption": component_identity(kind),
        "images": images.fingerprint,
        "rows": mark(rows),
        "seed": seed,
        "versions": {name: version(name) for name in kind.packages},
    }
    name = f"corrupted-{settings['corruption']['use']}"
    artifact = Artifact(cache_folder() / "decoded", name, settings)
    ensure(artifact, lambda: _write(artifact, kind, images, rows, seed))
    pixels: Pixels = np.load(artifact.path / _PIXELS, mmap_mode="r", allow_pickle=False)
    return pixels


def _write(
    artifact: Artifact, kind: Corruption, images: ImageSet, rows: Indices, seed: int
) -> None:
    shape = (SEVERITIES, len(rows), *images.pixels.shape[1:])
    with artifact.part(_PIXELS) as path, path.open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        npy.write_array_header_1_0(file, header)
        for level in kind.levels:
            for row in rows.tolist():
                image = np.array(images.pixels[row])
                made = kind.apply(image, level, derive(seed, "corruption", row))
                file.write(np.ascontiguousarray(made).tobytes())
    artifact.seal()
