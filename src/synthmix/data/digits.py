"""scikit-learn's handwritten digits: 1,797 real 8x8 images that need no download."""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np

from synthmix.data import ImageSource, Listing, Split
from synthmix.errors import SettingError
from synthmix.images import stratified_rows
from synthmix.types import Indices, Labels, Pixels

_CLASS_NAMES = tuple("0123456789")
_NUM_IMAGES = 1797
_BRIGHTEST = 16  # the digits count inked pixels of 4x4 blocks


@dataclass(frozen=True, kw_only=True)
class Digits(ImageSource):
    """Grey 8x8 digits by 43 writers (Alpaydin and Kaynak 1998, the test part), as RGB.

    scikit-learn publishes no test split: a stratified hold-out, drawn by a fixed seed, stands in
    for one, so writers occur on both sides and accuracies are not those of published tables.
    """

    test_fraction: float = 1 / 3
    """Share of the images held out as the test split, above 0 and below 1."""

    split_seed: int = 0
    """Seed that draws the test split; not the study's, so that every study tests alike."""

    def __post_init__(self) -> None:
        if not 0 < self.test_fraction < 1:
            raise SettingError(
                f"test_fraction is {self.test_fraction}; it must be above 0 and below 1."
            )

    @property
    def shows_characters(self) -> bool:
        return True

    def list(self, split: Split) -> Listing:
        test = round(_NUM_IMAGES * self.test_fraction)
        # scikit-learn's images are those of its version, which is told without loading them
        content = version("scikit-learn")
        return Listing(_CLASS_NAMES, test if split == "test" else _NUM_IMAGES - test, content)

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        pixels, labels = _load()
        for row in self._rows(labels, split):
            yield np.repeat(pixels[row, :, :, None], 3, axis=2), int(labels[row])

    def _rows(self, labels: Labels, split: Split) -> Indices:
        total = round(len(labels) * self.test_fraction)
        test = stratified_rows(
            labels, len(_CLASS_NAMES), total, self.split_seed, "digits: test split"
        )
        return test if split == "test" else np.setdiff1d(np.arange(len(labels)), test)


def _load() -> tuple[Pixels, Labels]:
    from sklearn.datasets import load_digits  # seconds, which reading a study need not take

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / _BRIGHTEST)).astype(np.uint8)
    return pixels, digits.target.astype(np.int64)
