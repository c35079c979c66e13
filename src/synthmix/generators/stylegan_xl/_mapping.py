"""Latents and classes to styles: the embedding, the mapping network, truncation.

Karras et al., "Alias-Free Generative Adversarial Networks" (2021), with the class embedding and
the class-wise truncation of Sauer et al., "StyleGAN-XL" (2022). Suffixes: N batch, D features,
I inputs, O outputs, K columns or centroids, L styles.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from synthmix.generators.stylegan_xl._architecture import Mapping

EPSILON = 1e-8
SLOPE = 0.2


def rms_normalised(x: Tensor) -> Tensor:
    """Return each row divided by the root of its mean square."""
    return x * (x.square().mean(-1, keepdim=True) + EPSILON).rsqrt()


def each_by(matrix: Tensor, columns_NIK: Tensor) -> Tensor:
    """Return `matrix @ columns` `[N, O, K]`, one product an image.

    In one product of all of them the last bits of an image would depend on its place.
    """
    return torch.bmm(matrix.expand(len(columns_NIK), -1, -1), columns_NIK)


class FullyConnected(nn.Module):
    """A linear layer whose stored weights are scaled when it runs."""

    def __init__(
        self, inputs: int, outputs: int, *, lr_multiplier: float = 1, lrelu: bool = False
    ) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / lr_multiplier)
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.weight_gain = lr_multiplier / math.sqrt(inputs)
        self.bias_gain = lr_multiplier
        self.lrelu = lrelu

    def forward(self, x: Tensor) -> Tensor:
        y = each_by(self.weight * self.weight_gain, x[:, :, None]).squeeze(2)
        y = y + self.bias * self.bias_gain
        return functional.leaky_relu(y, SLOPE) * math.sqrt(2) if self.lrelu else y


class MappingNetwork(nn.Module):
    """Latents `[N, z_dim]` and class indices `[N]` to styles `[N, num_ws, w_dim]`."""

    w_avg: Tensor

    def __init__(self, spec: Mapping, num_ws: int) -> None:
        super().__init__()
        self.spec = spec
        self.num_ws = num_ws
        self.embed = nn.Embedding(spec.num_embeddings, spec.embedding_dim)
        inputs = spec.z_dim
        if spec.c_dim:
            self.embed_proj = FullyConnected(spec.embedding_dim, spec.z_dim, lrelu=True)
            inputs = 2 * spec.z_dim
        for number in range(spec.num_layers):
            layer = FullyConnected(inputs, spec.w_dim, lr_multiplier=spec.lr_multiplier, lrelu=True)
            self.add_module(f"fc{number}", layer)
            inputs = spec.w_dim
        shape = (spec.c_dim, spec.w_dim) if spec.c_dim else (spec.w_dim,)
        self.register_buffer("w_avg", torch.zeros(shape))

    def forward(
        self,
        z_ND: Tensor,
        labels_N: Tensor | None = None,
        *,
        psi: float | Tensor = 1.0,
        cutoff: int | None = None,
        centroids: Tensor | None = None,
    ) -> Tensor:
        """Return styles, the first `cutoff` of them truncated by `psi` (one number or one each).

        Truncation pulls towards the class's mean style or, with `centroids` `[K, w_dim]`, towards
        the nearest of those (Mokady et al. 2022).
        """
        x = rms_normalised(z_ND.to(torch.float32))
        if self.spec.c_dim:
            assert labels_N is not None, "a class-conditional network needs labels"
            x = torch.cat([x, rms_normalised(self.embed_proj(self.embed(labels_N)))], 1)
        for number in range(self.spec.num_layers):
            x = self.get_submodule(f"fc{number}")(x)
        centre_ND = self._centre(x, labels_N, centroids)
        psi_N1 = torch.as_tensor(psi, dtype=x.dtype, device=x.device).reshape(-1, 1)
        w_NLD = x[:, None].repeat(1, self.num_ws, 1)
        truncated_ND = centre_ND + psi_N1 * (x - centre_ND)
        # psi 1 must change nothing, not even the last bit
        w_NLD[:, :cutoff] = torch.where(psi_N1 == 1, x, truncated_ND)[:, None]
        return w_NLD

    def _centre(self, w_ND: Tensor, labels_N: Tensor | None, centroids: Tensor | None) -> Tensor:
        if centroids is not None:
            return centroids[torch.cdist(w_ND, centroids).argmin(1)]
        return self.w_avg[labels_N] if self.spec.c_dim else self.w_avg
