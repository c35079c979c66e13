"""What datasets.save_to_disk wrote is answered by the line that makes it Parquet, which works."""

import re
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from synthmix.data.folder import Folder
from synthmix.data.huggingface import Huggingface
from synthmix.errors import DataError


def table() -> datasets.Dataset:
    images = [Image.fromarray(np.full((4, 4, 3), 40 * k, np.uint8)) for k in range(4)]
    features = datasets.Features(
        image=datasets.Image(), label=datasets.ClassLabel(names=["cat", "dog"])
    )
    return datasets.Dataset.from_dict({"image": images, "label": [0, 1] * 2}, features=features)


def saved(folder: Path, kind: str) -> Path:
    """Return a folder that `datasets` wrote, as one split, as splits, or as its cache."""
    if kind == "splits":
        splits = datasets.DatasetDict(test=table(), train=table())
        splits.save_to_disk(folder)
    else:
        table().save_to_disk(folder)
    if kind == "cache":
        (folder / "state.json").unlink()
    return folder


@pytest.mark.parametrize("kind", ["split", "splits", "cache"])
@pytest.mark.parametrize("source", [Folder, Huggingface])
def test_the_line_that_is_told_converts(
    tmp_path: Path, kind: str, source: type[Folder] | type[Huggingface]
) -> None:
    folder, target = saved(tmp_path / "saved", kind), tmp_path / "made"
    with pytest.raises(DataError, match="Arrow files are not read") as caught:
        source(path=str(folder)).list("train")
    told = re.search(
        r"datasets\.(load|Data)\S*\.to_parquet\('DIR/train\.parquet'\)", str(caught.value)
    )
    assert told is not None, caught.value
    target.mkdir()
    eval(told[0].replace("DIR", str(target)), {"datasets": datasets})
    listing = Huggingface(path=str(target)).list("train")
    assert (listing.class_names, listing.num_images) == (("cat", "dog"), 4)
