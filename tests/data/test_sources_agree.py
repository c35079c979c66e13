"""A picture gives the same pixels from whichever source it comes."""

import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image, ImageOps

from synthmix.data.folder import Folder
from synthmix.data.huggingface import Huggingface

CARD = """---
dataset_info:
  features:
  - name: image
    dtype: image
  - name: label
    dtype:
      class_label:
        names: {'0': cat}
---
"""
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 14, 3), dtype=np.uint8))


def everywhere(data: bytes, name: str, folder: Path) -> list[np.ndarray]:
    """Return the picture as read from a folder of files and from Parquet files."""
    (folder / "files/cat").mkdir(parents=True)
    (folder / "files/cat" / name).write_bytes(data)
    (folder / "hub").mkdir()
    (folder / "hub/README.md").write_text(CARD)
    table = pa.table({"image": [{"bytes": data, "path": name}], "label": [0]})
    pq.write_table(table, folder / "hub/train-00000-of-00001.parquet")
    sources = Folder(path=str(folder / "files")), Huggingface(path=str(folder / "hub"))
    return [next(iter(source.read("train")))[0] for source in sources]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(
    ("kind", "ending"), [("HEIF", "heic"), ("HEIF", "HEIF"), ("PNG", "png"), ("JPEG", "jpg")]
)
def test_a_picture_is_the_same_from_every_source(
    kind: str, ending: str, orientation: int, tmp_path: Path
) -> None:
    if kind == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    exif = Image.Exif()
    exif[0x112] = orientation
    buffer = io.BytesIO()
    NOISE.save(buffer, kind, exif=exif.tobytes())
    theirs = np.asarray(ImageOps.exif_transpose(Image.open(buffer)).convert("RGB"))
    for mine in everywhere(buffer.getvalue(), f"a.{ending}", tmp_path):
        np.testing.assert_array_equal(mine, theirs)
