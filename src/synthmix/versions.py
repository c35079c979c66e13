"""Versions of the libraries on which numbers depend: kept with each run, told with the results."""

import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from synthmix.hardware import device_name

PACKAGES = ("torch", "torchvision", "timm", "numpy", "pillow", "pyarrow", "scikit-learn", "scipy")


def here(device: str) -> dict[str, str]:
    """Return the versions of this process, and the model of the GPU where it uses one."""
    found = {"python": platform.python_version(), **{each: version(each) for each in PACKAGES}}
    name = device_name(device)
    return found if name == device else {**found, "gpu": name}


def joined(manifests: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return each library's version in these runs' manifests; several are listed."""
    found: dict[str, set[str]] = {}
    for manifest in manifests:
        told = manifest.get("versions")
        for name, value in (told if isinstance(told, dict) else {}).items():
            found.setdefault(name, set()).add(str(value))
    return {name: ", ".join(sorted(values)) for name, values in found.items()}


def differing(versions: Mapping[str, str]) -> list[str]:
    """Return a sentence where runs were made with several versions of a library, else none."""
    several = [f"{name} ({told})" for name, told in versions.items() if ", " in told]
    if not several:
        return []
    return [
        f"Runs were made with several versions of {'; '.join(several)}: differences between arms "
        "may be differences between versions."
    ]
