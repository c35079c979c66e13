"""Drawing with a trained StyleGAN-XL: latents of each request's own seed, truncated, to pixels."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from synthmix.errors import DataError
from synthmix.generators.stylegan_xl import weights
from synthmix.generators.stylegan_xl._checkpoint import checked_sha256
from synthmix.generators.stylegan_xl._network import Generator as Network
from synthmix.generators.stylegan_xl._original import original_latents, to_pixels
from synthmix.hardware import resolve_device
from synthmix.resident import resident
from synthmix.seeding import generator as random_generator
from synthmix.types import Pixels, Request

if TYPE_CHECKING:
    from synthmix.generators.stylegan_xl import StyleganXl


def draw(
    settings: "StyleganXl", requests: Sequence[Request], class_names: tuple[str, ...]
) -> Iterator[Pixels]:
    """Yield one uint8 image per request, in order, at the network's own size."""
    device = resolve_device(settings.device)
    digest = checked_sha256(settings.checkpoint, settings.sha256)
    network = _network(settings.checkpoint, digest, device, settings.precision, settings.seeds)
    labels = settings.labels(class_names, network.spec.mapping.c_dim)
    psi = settings.psi(class_names)
    for start in range(0, len(requests), settings.batch_size):
        chunk = requests[start : start + settings.batch_size]
        # always a full batch: kernels are chosen by its size
        padded = [*chunk, *[chunk[-1]] * (settings.batch_size - len(chunk))]
        yield from _drawn(settings, network, padded, labels, psi, device)[: len(chunk)]


def _drawn(
    settings: "StyleganXl",
    network: Network,
    requests: Sequence[Request],
    labels: list[int],
    psi: list[float],
    device: str,
) -> Pixels:
    width = network.spec.mapping.z_dim
    z_ND = np.stack([_latent(each, width, settings.seeds) for each in requests])
    labels_N = torch.tensor([labels[each.label] for each in requests], device=device)
    psi_N = torch.tensor([psi[each.label] for each in requests], device=device)
    with torch.inference_mode():
        w_NLD = network.mapping(
            torch.from_numpy(z_ND).float().to(device),
            labels_N,
            psi=psi_N,
            cutoff=settings.truncation_cutoff,
            centroids=_centroids(settings.centroids, network, device),
        )
        images_NCHW = network.synthesis(w_NLD)
    return to_pixels(images_NCHW.expand(-1, 3, -1, -1), settings.conversion)


def _latent(request: Request, z_dim: int, seeds: str) -> NDArray[np.float64]:
    if seeds == "original":
        return original_latents(request.index, 1, z_dim).reshape(z_dim)
    return random_generator(request.seed, "stylegan-xl: latent").standard_normal(z_dim)


def _centroids(path: Path | None, network: Network, device: str) -> torch.Tensor | None:
    if path is None:
        return None
    try:
        styles = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DataError(f"centroids: {path} is no .npy file: {error}") from None
    width = network.spec.mapping.w_dim
    if styles.ndim != 2 or styles.shape[1] != width:
        raise DataError(f"centroids: {path} must be [K, {width}], is {styles.shape}.")
    return torch.from_numpy(styles).float().to(device)


@resident
def _network(path: Path, digest: str, device: str, precision: str, seeds: str) -> Network:
    """Return a network ready to draw; kept, since a set is drawn in many shards."""
    dtype = torch.bfloat16 if precision == "bfloat16" else torch.float32
    network = weights.load(path).to(device)
    if seeds == "original":
        # the image script overwrites what the file holds
        network.synthesis.input.transform = torch.eye(3, device=device)
    return network.prepare(dtype)
