"""The velocity of a flow towards Gaussian classes, in closed form.

Suffixes: B batch, N images, C, H, W, D = C*H*W values of an image, K classes, R rank.
"""

import torch
from torch import Tensor, nn

_FLOOR = 1e-4  # a standard deviation of about one grey level in [-1, 1]
_SWEEPS = 4  # of subspace iteration: each squares the gap between kept and dropped directions


class GaussianVelocity(nn.Module):
    """Velocity from noise to classes that are Gaussian, each with a covariance of its own.

    A class has its mean and, within the R leading principal directions of all classes together,
    its own covariance; the other directions share one variance. Along a direction of variance v,
    the optimal velocity at `x_t = (1 - t) noise + t data` is
    `mean + (t v - (1 - t)) / (t^2 v + (1 - t)^2) (x_t - t mean)`, the conditional expectation of
    `data - noise` (Lipman et al. 2023, equation 8, for jointly Gaussian data and noise). That a
    Gaussian explains most of a diffusion is Wang and Vastola 2024.
    """

    mean_KD: Tensor
    basis_DR: Tensor
    axes_KRR: Tensor
    variance_KR: Tensor
    rest: Tensor

    def __init__(self, num_classes: int, dimension: int, rank: int) -> None:
        super().__init__()
        self.register_buffer("mean_KD", torch.zeros(num_classes, dimension))
        self.register_buffer("basis_DR", torch.eye(dimension, rank))
        self.register_buffer("axes_KRR", torch.eye(rank).repeat(num_classes, 1, 1))
        self.register_buffer("variance_KR", torch.ones(num_classes, rank))
        self.register_buffer("rest", torch.ones(()))

    def forward(
        self, noisy_BCHW: Tensor, time_B: Tensor, labels_B: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return velocity and expected image, both `[B, C, H, W]`, and spread `[B, 1, 1, 1]`.

        Times are in [0, 1). The spread is the root mean square, over the values of an image, of
        what a sample's velocity differs from the expected one.
        """
        noisy_BD, time_B1 = noisy_BCHW.flatten(1), time_B[:, None]
        velocity_BD = self._velocity(noisy_BD, time_B1, labels_B)
        expected_BD = noisy_BD + (1 - time_B1) * velocity_BD
        spread_B = self._spread(time_B1, labels_B)
        shape = noisy_BCHW.shape
        return velocity_BD.reshape(shape), expected_BD.reshape(shape), spread_B[:, None, None, None]

    @torch.no_grad()
    def fit(self, images_NCHW: Tensor, labels_N: Tensor, random: torch.Generator) -> None:
        """Set means, directions and variances from images in [-1, 1]."""
        images_ND = images_NCHW.flatten(1)
        self.mean_KD.copy_(class_means(images_ND, labels_N, len(self.mean_KD)))
        residual_ND = images_ND - self.mean_KD[labels_N]
        self.basis_DR.copy_(principal_directions(residual_ND, self.basis_DR.shape[1], random))
        coordinates_NR = residual_ND @ self.basis_DR
        self._fit_classes(coordinates_NR, labels_N)
        rest = residual_ND.square().sum() - coordinates_NR.square().sum()
        num_rest = max(self.basis_DR.shape[0] - self.basis_DR.shape[1], 1)
        self.rest.copy_((rest / len(residual_ND) / num_rest).clamp_min(_FLOOR))

    def _fit_classes(self, coordinates_NR: Tensor, labels_N: Tensor) -> None:
        shared_R = coordinates_NR.square().mean(0)
        for label in range(len(self.mean_KD)):
            own_NR = coordinates_NR[labels_N == label]
            # as many images as directions weigh as much as what all classes share
            scatter_RR = own_NR.T @ own_NR + len(shared_R) * torch.diag(shared_R)
            values_R, vectors_RR = torch.linalg.eigh(scatter_RR / (len(own_NR) + len(shared_R)))
            self.variance_KR[label] = values_R.clamp_min(_FLOOR)
            self.axes_KRR[label] = vectors_RR

    def _velocity(self, noisy_BD: Tensor, time_B1: Tensor, labels_B: Tensor) -> Tensor:
        mean_BD, axes_BRR = self.mean_KD[labels_B], self.axes_KRR[labels_B]
        offset_BD = noisy_BD - time_B1 * mean_BD
        gain_B1 = _gain(time_B1, self.rest)
        gain_BR = _gain(time_B1, self.variance_KR[labels_B]) - gain_B1
        along_B1R = (offset_BD @ self.basis_DR)[:, None, :] @ axes_BRR
        back_BR = (axes_BRR @ (along_B1R * gain_BR[:, None, :]).mT).squeeze(-1)
        return mean_BD + gain_B1 * offset_BD + back_BR @ self.basis_DR.T

    def _spread(self, time_B1: Tensor, labels_B: Tensor) -> Tensor:
        dimension, rank = self.basis_DR.shape
        kept_B = _uncertainty(time_B1, self.variance_KR[labels_B]).sum(1)
        rest_B = (dimension - rank) * _uncertainty(time_B1, self.rest).squeeze(1)
        return ((kept_B + rest_B) / dimension).sqrt()


def class_means(images_ND: Tensor, labels_N: Tensor, num_classes: int) -> Tensor:
    """Return the mean image `[K, D]` of each class; a class without images has everyone's mean."""
    sums_KD = torch.stack([images_ND[labels_N == label].sum(0) for label in range(num_classes)])
    counts_K1 = torch.bincount(labels_N, minlength=num_classes)[:, None]
    return torch.where(counts_K1 > 0, sums_KD / counts_K1.clamp_min(1), images_ND.mean(0))


def principal_directions(rows_ND: Tensor, rank: int, random: torch.Generator) -> Tensor:
    """Return `rank` orthonormal columns `[D, R]` that span nearly the most variance of the rows.

    Subspace iteration (Halko, Martinsson and Tropp 2011, algorithm 4.4).
    """
    dimension = rows_ND.shape[1]
    guess_DR = torch.randn(dimension, rank, generator=random)
    for _ in range(_SWEEPS):
        guess_DR = torch.linalg.qr(rows_ND.T @ (rows_ND @ guess_DR)).Q
    return guess_DR


def _gain(time: Tensor, variance: Tensor) -> Tensor:
    rest = 1 - time
    return (time * variance - rest) / (time.square() * variance + rest.square())


def _uncertainty(time: Tensor, variance: Tensor) -> Tensor:
    return variance / (time.square() * variance + (1 - time).square())
