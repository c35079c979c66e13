"""synthmix doctor: what is installed, which device and precision, what is reachable."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from synthmix.cli._options import Json, say, say_json

_PACKAGES = {
    "torch": "training and generating",
    "torchvision": "ResNets and its data sets",
    "timm": "any timm model",
    "pyarrow": "synthetic sets on disk",
    "matplotlib": "figures",
    "huggingface_hub": "data sets and weights from a hub",
    "datasets": "reading our sets with load_dataset",
}


def command(json: Json = False) -> None:
    """Show what is installed, the device and precision in use, caches and reachable weights."""
    found = _findings()
    if json:
        say_json(found)
        return
    for key, value in found.items():
        say(f"{key}:")
        for name, text in value.items():
            say(f"  {name:18} {text}")


def _findings() -> dict[str, dict[str, Any]]:
    return {
        "system": {"python": platform.python_version(), "platform": platform.platform()},
        "packages": {name: _installed(name, use) for name, use in _PACKAGES.items()},
        "hardware": _hardware(),
        "places": _places(),
        "weights": _weights(),
    }


def _installed(name: str, use: str) -> str:
    try:
        return f"{version(name)} ({use})"
    except PackageNotFoundError:
        return f"not installed ({use}): pip install {name}"


def _hardware() -> dict[str, str]:
    try:
        from synthmix.engines.local import usable_cores
        from synthmix.hardware import (
            available_devices,
            has_native_bfloat16,
            resolve_device,
            resolve_precision,
        )
    except ImportError as error:
        return {"torch": f"cannot be imported: {error}"}
    device = resolve_device("auto")
    return {
        "devices": ", ".join(available_devices()),
        "device auto": device,
        "precision auto": resolve_precision("auto", device),
        "native bfloat16": "yes" if has_native_bfloat16(device) else "no (float32 is faster here)",
        "cores": str(usable_cores()),
    }


def _places() -> dict[str, str]:
    import shutil

    from synthmix.store import cache_folder

    cache = cache_folder()
    existing = next(p for p in [cache, *cache.parents] if p.exists())
    free = shutil.disk_usage(existing).free
    return {"cache": str(cache), "free there": f"{free / 1e9:.0f} GB"}


def _weights() -> dict[str, str]:
    hub = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface")) / "hub"
    cached = sorted(p.name for p in hub.glob("*--*")) if hub.exists() else []
    offline = os.environ.get("HF_HUB_OFFLINE") == "1"
    return {
        "flow": "none needed: fitted here on the study's real images",
        "hub cache": ", ".join(cached) or f"empty ({hub})",
        "hub": "offline by HF_HUB_OFFLINE=1" if offline else "used when a study names a hub id",
    }
