"""Writes small generators with random weights in the layout of the published pickles."""

import io
import pickle
import sys
import warnings
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch

from synthmix.generators.stylegan_xl._architecture import Architecture, Layer, Mapping
from synthmix.generators.stylegan_xl._mapping import FullyConnected, MappingNetwork
from synthmix.generators.stylegan_xl._network import (
    FourierInput,
    Generator,
    SynthesisLayer,
    SynthesisNetwork,
)
from synthmix.generators.stylegan_xl._schedule import Schedule, stem, superres

MODULE_SRC = "raise RuntimeError('the source in a pickle must never run')\n"
SMALL = Schedule(channel_base=96, channel_max=12, num_layers=4)


def small_architecture(c_dim: int = 3) -> Architecture:
    """Return 8 pixels, in two stages: a stem of 4 and a head that doubles it."""
    mapping = Mapping(z_dim=8, c_dim=c_dim, w_dim=16, num_embeddings=20, embedding_dim=12)
    small = Schedule(**{**vars(SMALL), "first_cutoff": 0.7, "first_stopband": 1.2})
    base = stem(mapping, small, img_resolution=4)
    return superres(base, small, head_layers=4, up_factor=2)


def random_network(spec: Architecture, seed: int = 0) -> Generator:
    """Return a network whose images differ by class and use the whole range of grey levels."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = Generator(spec)
        with torch.no_grad():
            network.mapping.w_avg.normal_()
            *_, torgb = network.synthesis.layers()
            torgb.weight.mul_(2)
    return network


class Persistent:
    """One object of the original's classes, as its pickles hold it."""

    def __init__(self, class_name: str, state: dict[str, Any]) -> None:
        self.class_name = class_name
        self.state = state

    def __reduce__(self) -> tuple[Any, ...]:
        meta = {
            "type": "class",
            "version": 6,
            "module_src": MODULE_SRC,
            "class_name": self.class_name,
            "state": self.state,
        }
        persistence = sys.modules["torch_utils.persistence"]
        return persistence._reconstruct_persistent_obj, (meta,)


def _fake(module: str, name: str, kind: Any) -> Any:
    kind.__module__, kind.__qualname__, kind.__name__ = module, name, name
    return kind


def _reconstruct_persistent_obj(meta: Any) -> None: ...


_FAKES = {
    "torch_utils.persistence": {"_reconstruct_persistent_obj": _reconstruct_persistent_obj},
    "dnnlib.util": {"EasyDict": type("EasyDict", (dict,), {})},
    "timm.models.efficientnet": {"EfficientNet": type("EfficientNet", (), {})},
    "pg_modules.discriminator": {"ProjectedDiscriminator": type("ProjectedDiscriminator", (), {})},
    "feature_networks.vit": {"AddReadout": type("AddReadout", (), {})},
    "torch.nn.utils.spectral_norm": {"SpectralNorm": type("SpectralNorm", (), {})},
}


@contextmanager
def original_modules() -> Iterator[dict[str, dict[str, Any]]]:
    """Put modules of the original's names in place while a pickle is written."""
    before = dict(sys.modules)
    try:
        for module, content in _FAKES.items():
            parts = module.split(".")
            for depth in range(1, len(parts) + 1):
                name = ".".join(parts[:depth])
                if name not in sys.modules or name == module:
                    sys.modules[name] = ModuleType(name)
                if depth > 1 and parts[0] != "torch":
                    setattr(
                        sys.modules[".".join(parts[: depth - 1])],
                        parts[depth - 1],
                        sys.modules[name],
                    )
            for name, kind in content.items():
                setattr(sys.modules[module], name, _fake(module, name, kind))
        yield _FAKES
    finally:
        for name in set(sys.modules) - set(before):
            del sys.modules[name]
        sys.modules.update(before)


def _module_state(modules: dict[str, Any], source: torch.nn.Module, **rest: Any) -> dict[str, Any]:
    buffers = {k: v for k, v in source._buffers.items() if k in source.state_dict()}
    return {
        "training": False,
        "_parameters": OrderedDict(source._parameters),
        "_buffers": OrderedDict(buffers),
        "_non_persistent_buffers_set": set(),
        "_backward_hooks": OrderedDict(),
        "_modules": OrderedDict(modules),
        "_init_args": (),
        "_init_kwargs": _FAKES["dnnlib.util"]["EasyDict"](),
        **rest,
    }


def _fully_connected(source: FullyConnected) -> Persistent:
    state = _module_state(
        {},
        source,
        in_features=source.weight.shape[1],
        out_features=source.weight.shape[0],
        activation="lrelu" if source.lrelu else "linear",
        weight_gain=source.weight_gain,
        bias_gain=source.bias_gain,
    )
    return Persistent("FullyConnectedLayer", state)


def _mapping(source: MappingNetwork) -> Persistent:
    modules: dict[str, Any] = {
        name: _fully_connected(each)
        for name, each in source._modules.items()
        if isinstance(each, FullyConnected)
    }
    modules["embed"] = source.embed
    spec = source.spec
    state = _module_state(
        modules,
        source,
        z_dim=spec.z_dim,
        c_dim=spec.c_dim,
        w_dim=spec.w_dim,
        num_ws=source.num_ws,
        num_layers=spec.num_layers,
    )
    return Persistent("MappingNetwork", state)


def _fourier(source: FourierInput) -> Persistent:
    spec = source.spec
    state = _module_state(
        {"affine": _fully_connected(source.affine)},
        source,
        channels=spec.channels,
        size=np.array([spec.size, spec.size]),
        sampling_rate=spec.sampling_rate,
        bandwidth=spec.bandwidth,
    )
    return Persistent("SynthesisInput", state)


def _layer(source: SynthesisLayer, *, first_release: bool) -> Persistent:
    spec: Layer = source.spec
    state = _module_state(
        {"affine": _fully_connected(source.affine)},
        source,
        is_torgb=spec.is_torgb,
        is_critically_sampled=spec.is_critically_sampled,
        in_channels=spec.in_channels,
        out_channels=spec.out_channels,
        in_size=np.array([spec.in_size] * 2),
        out_size=np.array([spec.out_size] * 2),
        in_sampling_rate=spec.in_sampling_rate,
        out_sampling_rate=spec.out_sampling_rate,
        tmp_sampling_rate=spec.tmp_sampling_rate,
        in_cutoff=np.float64(spec.in_cutoff),
        out_cutoff=np.float64(spec.out_cutoff),
        in_half_width=np.float64(spec.in_half_width),
        out_half_width=np.float64(spec.out_half_width),
        conv_clamp=spec.conv_clamp,
        filter_size=spec.filter_size,
        lrelu_upsampling=spec.lrelu_upsampling,
        padding=[*spec.padding, *spec.padding],
    )
    if not first_release:
        state |= {"conv_kernel": 3, "use_radial_filters": spec.use_radial_filters}
    return Persistent("SynthesisLayer", state)


def _synthesis(source: SynthesisNetwork, spec: Architecture, *, first_release: bool) -> Persistent:
    modules: dict[str, Any] = {"input": _fourier(source.input)}
    for name, layer in zip(source.names, source.layers(), strict=True):
        modules[name] = _layer(layer, first_release=first_release)
    state = _module_state(
        modules,
        source,
        layer_names=list(source.names),
        output_scale=spec.output_scale,
        num_ws=spec.num_ws,
        img_resolution=spec.img_resolution,
    )
    return Persistent("SynthesisNetwork", state)


def generator(network: Generator, *, first_release: bool = False) -> Persistent:
    """Return a generator's object tree; call it and pickle within `original_modules`."""
    spec = network.spec
    modules = {
        "mapping": _mapping(network.mapping),
        "synthesis": _synthesis(network.synthesis, spec, first_release=first_release),
    }
    state = _module_state(
        modules, network, z_dim=spec.mapping.z_dim, c_dim=spec.mapping.c_dim, up_factor=2
    )
    return Persistent("SuperresGenerator", state)


def discriminator() -> Persistent:
    """Return what the published files carry along: other packages' classes, torch modules."""
    foreign = {
        module.rpartition(".")[2]: kind()
        for module, content in _FAKES.items()
        if module.partition(".")[0] not in ("torch_utils", "dnnlib")
        for kind in content.values()
    }
    foreign["efficientnet"].__dict__["blocks"] = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4), torch.nn.ReLU6()
    )
    foreign["vit"].shape = torch.Size([2, 3])
    state = _module_state(foreign, torch.nn.Identity(), diffaug=True)
    return Persistent("ProjectedDiscriminator", state)


def snapshot(network: Generator, *, first_release: bool = False) -> dict[str, Any]:
    """Return a training snapshot's top level: G and D come before the averaged G_ema."""
    other = random_network(network.spec, seed=99)
    return {
        "G": generator(other, first_release=first_release),
        "D": discriminator(),
        "G_ema": generator(network, first_release=first_release),
        "augment_pipe": None,
        "training_set_kwargs": {"class_name": "training.dataset.ImageFolderDataset"},
        "progress": {"cur_nimg": torch.tensor([1000]), "best_fid": 1.85},
    }


def pickled(
    network: Generator,
    *,
    protocol: int = 4,
    writer: Any = pickle,
    first_release: bool = False,
) -> bytes:
    """Return a published file's bytes; `writer` is `pickle` or `dill`."""
    buffer = io.BytesIO()
    with original_modules():
        writer.dump(snapshot(network, first_release=first_release), buffer, protocol=protocol)
    return buffer.getvalue()


@contextmanager
def storages_on(device: str) -> Iterator[None]:
    """Write storages as if they had lain on another device."""
    original = torch.serialization.location_tag
    torch.serialization.location_tag = lambda storage: device
    try:
        yield
    finally:
        torch.serialization.location_tag = original


def write(path: Path, c_dim: int = 3) -> Path:
    """Write a small published file and return its path."""
    with warnings.catch_warnings():
        # torch warns of the storages that its own old format is made of
        warnings.simplefilter("ignore")
        path.write_bytes(pickled(random_network(small_architecture(c_dim))))
    return path
