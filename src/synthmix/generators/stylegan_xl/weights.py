"""Files of weights: the published pickles read once, safetensors from then on."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from synthmix.errors import DataError, SettingError
from synthmix.generators.stylegan_xl._architecture import (
    Architecture,
    Layer,
    architecture,
    module_names,
)
from synthmix.generators.stylegan_xl._checkpoint import PUBLISHED, checked_sha256
from synthmix.generators.stylegan_xl._network import Generator
from synthmix.generators.stylegan_xl._pickle import (
    CannotRead,
    Embedding,
    Persistent,
    RefusedPickle,
    read_pickle,
)
from synthmix.store import replacing

FORMAT = "synthmix stylegan-xl 1"
FILTER_TOLERANCE = 1e-5
"""Largest difference between a stored filter and the one that its layer's numbers give."""

_PICKLE_START = b"\x80"
_SIDES = 4


def convert(source: Path, target: Path, *, sha256: str | None = None) -> Architecture:
    """Write the generator of a published pickle as safetensors, its architecture in the header.

    Raises SettingError where a path cannot be used, DataError where the file is not what it should
    be, and RefusedPickle with the name of what a hostile file tried to run. `target` must not
    exist yet.
    """
    if target.exists():
        raise SettingError(f"{target} exists already; nothing is overwritten.")
    if target.suffix != ".safetensors":
        raise SettingError(f"{target} must end in .safetensors, which is what it will be.")
    digest = checked_sha256(source, sha256)
    if not is_pickle(source):
        raise DataError(f"{source} is no pickle: only published pickles are converted. {PUBLISHED}")
    spec, tensors = read(source)
    # the architecture is tried before it is written
    _loaded(spec, tensors, source)
    header = {"format": FORMAT, "architecture": json.dumps(spec.to_dict()), "source": digest}
    target.parent.mkdir(parents=True, exist_ok=True)
    with replacing(target) as temporary:
        save_file(tensors, temporary, metadata=header)
    return spec


def load(path: Path) -> Generator:
    """Return the network of a pickle or of a converted file, not yet prepared."""
    spec, tensors = read(path)
    return _loaded(spec, tensors, path)


def read(path: Path) -> tuple[Architecture, dict[str, Tensor]]:
    """Return the architecture and the tensors by name."""
    return _from_pickle(path) if is_pickle(path) else _from_safetensors(path)


def is_pickle(path: Path) -> bool:
    """Whether a file begins as a pickle does, and not as safetensors whose header is that long."""
    with path.open("rb") as file:
        start = file.read(9)
    return start[:1] == _PICKLE_START and start[4:] != b"\0\0\0\0{"


def _loaded(spec: Architecture, tensors: Mapping[str, Tensor], path: Path) -> Generator:
    # without memory of its own: a file that promises more than it holds must not claim any
    with torch.device("meta"):
        network = Generator(spec)
    designed = {name: each for name, each in network.state_dict().items() if "filter" in name}
    try:
        network.load_state_dict(dict(tensors), assign=True)
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{path}: its weights do not fit its architecture: {reason}") from None
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise DataError(
                f"{path}: {name} holds values that are not finite: the file is damaged."
            )
    for name, filter in designed.items():
        if (filter - tensors[name]).abs().max() > FILTER_TOLERANCE:
            raise DataError(f"{path}: {name} does not follow from its layer's cutoffs and rates.")
    return network


def _from_safetensors(path: Path) -> tuple[Architecture, dict[str, Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            names = file.keys()
            tensors = {name: file.get_tensor(name).to(torch.float32) for name in names}
    except SafetensorError:
        raise DataError(
            f"{path} is neither a pickle nor a safetensors file, or is cut short. {PUBLISHED}"
        ) from None
    if header.get("format") != FORMAT:
        raise DataError(
            f"{path} holds no StyleGAN-XL generator: its header has no architecture. Convert the "
            "published pickle: synthmix weights convert IN.pkl OUT.safetensors"
        )
    try:
        values = json.loads(header["architecture"])
    except (KeyError, ValueError, RecursionError):
        raise DataError(f"{path}: the architecture in its header is no JSON text.") from None
    return _checked(values, path), tensors


def _checked(values: Any, path: Path) -> Architecture:
    try:
        return architecture(values)
    except ValueError as error:
        lines = str(error).splitlines()
        reason = "; ".join(each.strip() for each in lines[1:3]) or str(error)
        raise DataError(f"{path}: its architecture cannot be built: {reason}") from None


def _from_pickle(path: Path) -> tuple[Architecture, dict[str, Tensor]]:
    try:
        with path.open("rb") as file:
            content = read_pickle(file)
        generator = _averaged_generator(content)
        spec = _checked(_described(generator), path)
        return spec, _copied(_tensors(generator, spec), path)
    except RefusedPickle as error:
        raise RefusedPickle(
            f"{path} is refused: it names {error}, which has no place among weights. "
            "Nothing in it was run."
        ) from None
    except CannotRead as error:
        raise DataError(f"{path} cannot be read: {error}.") from None
    except (AttributeError, KeyError, TypeError, ValueError, IndexError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise DataError(f"{path} is not laid out as StyleGAN-XL's files are ({reason}).") from None


def _averaged_generator(content: Any) -> Persistent:
    if not isinstance(content, dict):
        raise CannotRead("it does not hold G_ema, the averaged generator")
    generator = content.get("G_ema")
    if "G_ema" in content and not isinstance(generator, Persistent):
        raise CannotRead(f"its G_ema is no generator but a {type(generator).__name__}")
    if not isinstance(generator, Persistent):
        held = ", ".join(sorted(str(key)[:30] for key in content)) or "nothing"
        raise CannotRead(f"it has no G_ema, the averaged generator; it holds {held}")
    return generator


def _modules(node: Any) -> dict[str, Any]:
    found = node.state.get("_modules") if isinstance(node, Persistent | Embedding) else None
    return found if isinstance(found, dict) else {}


def _tensors(generator: Persistent, spec: Architecture) -> Iterator[tuple[str, Tensor]]:
    """Yield what the modules of this architecture hold; a file's own tree may have no end."""
    for path in module_names(spec):
        node: Any = generator
        for name in filter(None, path.split(".")):
            node = _modules(node)[name]
        for kind in ("_parameters", "_buffers"):
            for name, tensor in (node.state.get(kind) or {}).items():
                if isinstance(tensor, Tensor):
                    yield f"{path}.{name}" if path else str(name), tensor


def _copied(tensors: Iterator[tuple[str, Tensor]], path: Path) -> dict[str, Tensor]:
    """Return float32 copies, since what was read are views of the file's bytes."""
    found: dict[str, Tensor] = {}
    # one storage may be named over and over; half precision doubles
    left = 2 * path.stat().st_size
    for name, tensor in tensors:
        left -= 4 * tensor.numel()
        if left < 0:
            raise CannotRead("it promises more weights than it holds")
        found[name] = tensor.to(torch.float32, copy=True).contiguous()
    return found


def _described(generator: Persistent) -> dict[str, Any]:
    """Return the architecture's values from the state of each layer, as the file holds them."""
    parts = _modules(generator)
    mapping, synthesis = parts["mapping"], parts["synthesis"]
    layers, names = _modules(synthesis), synthesis.state["layer_names"]
    if not isinstance(names, list | tuple) or not all(isinstance(each, str) for each in names):
        raise ValueError("layer_names")
    image = layers[names[-1]].state
    return {
        "img_resolution": _number(image["out_size"]),
        "img_channels": _number(image["out_channels"]),
        "output_scale": _number(synthesis.state["output_scale"]),
        "mapping": _mapping(mapping),
        "fourier": _fourier(layers["input"]),
        "layers": [_layer(name, layers[name]) for name in names],
    }


def _mapping(node: Persistent) -> dict[str, Any]:
    modules = _modules(node)
    table = modules["embed"].state["_parameters"]["weight"]
    return {
        "z_dim": _number(node.state["z_dim"]),
        "c_dim": _number(node.state["c_dim"]),
        "w_dim": _number(node.state["w_dim"]),
        "num_layers": sum(str(name).startswith("fc") for name in modules),
        # stored biases and weights are scaled by it when the layer runs
        "lr_multiplier": _number(modules["fc0"].state["bias_gain"]),
        "num_embeddings": table.shape[0],
        "embedding_dim": table.shape[1],
    }


def _fourier(node: Persistent) -> dict[str, Any]:
    names = ("channels", "size", "sampling_rate", "bandwidth")
    return {name: _number(node.state[name]) for name in names}


def _layer(name: str, node: Persistent) -> dict[str, Any]:
    state = node.state
    values = {each.name: _number(state[each.name]) for each in fields(Layer) if each.name in state}
    # the first release has no attribute for these two: the tensors tell
    values["conv_kernel"] = int(state["_parameters"]["weight"].shape[-1])
    values["use_radial_filters"] = bool(_number(state.get("use_radial_filters", False)))
    return {**values, "name": name}


def _number(value: Any) -> int | float | None:
    """Return an attribute as a plain number; sides of squares are held twice."""
    value = getattr(value, "value", value)
    if isinstance(value, np.ndarray) and value.size <= _SIDES:
        value = value.flatten().tolist()
    if isinstance(value, list | tuple) and len(value) <= _SIDES:
        if not all(isinstance(each, int | float) for each in value) or len(set(value)) != 1:
            raise ValueError("a side that is no number, or an image that is not square")
        value = value[0]
    if value is not None and not isinstance(value, int | float):
        raise ValueError(f"an attribute that is no number but a {type(value).__name__}")
    return value
