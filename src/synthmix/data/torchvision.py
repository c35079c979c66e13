"""A data set that torchvision downloads: CIFAR10, CIFAR100, FashionMNIST, MNIST, SVHN, STL10."""

import hashlib
import inspect
import operator
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from synthmix.data import ImageSource, Listing, Split
from synthmix.errors import DataError, SettingError, suggestion
from synthmix.images import to_rgb
from synthmix.store import cache_folder
from synthmix.types import Json, Pixels

_NAMES = {"SVHN": tuple("0123456789")}  # its class in torchvision has no list of names

_CHARACTERS = ("MNIST", "EMNIST", "KMNIST", "QMNIST", "SVHN", "USPS")


@dataclass(frozen=True, kw_only=True)
class Torchvision(ImageSource):
    """A class of `torchvision.datasets` that has a training and a test split."""

    dataset: str
    """Name of the class, for instance CIFAR10."""

    root: str | None = None
    """Folder for the downloaded files; `torchvision` in the cache folder where not given."""

    download: bool = True
    """Whether to download what is not there."""

    @property
    def shows_characters(self) -> bool:
        return self.dataset in _CHARACTERS

    def list(self, split: Split) -> Listing:
        loaded = self._load(split)
        return Listing(self._names(loaded), len(loaded), _content(loaded))

    def read(self, split: Split) -> Iterator[tuple[Pixels, int]]:
        loaded = self._load(split)
        count = len(self._names(loaded))
        for row in range(len(loaded)):
            where = f"{self.dataset}, row {row} of its {split} split,"
            try:
                image, label = loaded[row]
                pixels, number = to_rgb(image), operator.index(label)
            except MemoryError:
                raise
            except Exception as error:  # as many kinds as its data sets have readers
                reason = " ".join(str(error).split())
                raise DataError(f"{where} cannot be read ({reason}).") from error
            if not 0 <= number < count:
                raise DataError(f"{where} has the label {number}, beside {count} class names.")
            yield pixels, number

    def _names(self, loaded: Any) -> tuple[str, ...]:
        names = _NAMES.get(self.dataset) or getattr(loaded, "classes", None)
        if names is None:
            raise DataError(f"torchvision has no class names for {self.dataset}.")
        return tuple(names)

    def _load(self, split: Split) -> Any:
        from torchvision import datasets  # brings torch: seconds, which settings need not take

        argument = self._split_argument()
        root = Path(self.root).expanduser() if self.root else cache_folder() / "torchvision"
        value = split == "train" if argument == "train" else split
        try:
            return getattr(datasets, self.dataset)(
                root, download=self.download, **{argument: value}
            )
        except MemoryError:
            raise
        except Exception as error:  # its readers end in whatever a damaged file causes
            reason = " ".join(str(error).split()) or type(error).__name__
            how = "" if self.download else "set download: true, or "
            raise DataError(
                f"{self.dataset} could not be loaded from {root} ({reason}): {how}fetch it where "
                f"there is a network and copy its folder there."
            ) from error

    def _split_argument(self) -> str:
        from torchvision import datasets

        usable = [name for name in datasets.__all__ if _split_argument(name)]
        if self.dataset not in datasets.__all__:
            known = suggestion(self.dataset, usable)
            raise SettingError(f"dataset is '{self.dataset}', which torchvision lacks. {known}")
        argument = _split_argument(self.dataset)
        if argument is None:
            known = ", ".join(usable)
            raise SettingError(f"dataset is '{self.dataset}', which is not one of: {known}.")
        return argument


def _split_argument(name: str) -> str | None:
    """Return the argument by which a torchvision class is told the split, None if it has none."""
    from torchvision import datasets

    known = inspect.signature(getattr(datasets, name)).parameters
    if "download" not in known:
        return None
    return next((each for each in ("train", "split") if each in known), None)


def _content(loaded: Any) -> Json:
    """Return a hash of the decoded arrays where torchvision holds them, else the number of images.

    Its data sets are published once and checked by torchvision's own checksums.
    """
    arrays = [getattr(loaded, name, None) for name in ("data", "targets", "labels")]
    digest = hashlib.sha256(str(len(loaded)).encode())
    for array in arrays:
        if array is not None:
            digest.update(np.asarray(array).tobytes())
    return digest.hexdigest()[:16]
