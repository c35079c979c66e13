"""The real learning curve: accuracy against the number of real images, and its inverse.

A power law, error = a + b n^-c (Hestness et al. 2017, arXiv 1712.00409), where four sizes or more
follow it; else a monotone spline through their isotonic means. Neither is used beyond the smallest
and largest size.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

Numbers = NDArray[np.float64]
Form = Literal["power law", "monotone spline"]

_EXPONENTS = np.geomspace(0.05, 2.5, 60)
_GRID = 400
"""Places at which a spline is read to invert it."""


@dataclass(frozen=True)
class PowerLaws:
    """Fitted curves error = a + b (n / unit)^-c, one a draw: `a`, `b`, `c` are `[D]`."""

    a: Numbers
    b: Numbers
    c: Numbers
    unit: float

    def error(self, sizes: Numbers) -> Numbers:
        """Return the errors `[D, P]` at sizes `[P]`."""
        found: Numbers = self.a[:, None] + self.b[:, None] * (sizes / self.unit) ** -self.c[:, None]
        return found

    def size(self, error: Numbers) -> Numbers:
        """Return the number of images at which each curve has an error `[D]`; inf where none."""
        with np.errstate(divide="ignore", invalid="ignore"):
            share = (error - self.a) / self.b
            sizes = self.unit * share ** (-1 / self.c)
        return np.where(share > 0, np.nan_to_num(sizes, nan=np.inf), np.inf)


def fit_power_laws(sizes: Numbers, errors: Numbers) -> PowerLaws:
    """Return least-squares fits to errors `[D, P]` at sizes `[P]`, with a and b at least 0.

    For a given exponent the rest is linear, so the exponent alone is searched (variable projection:
    Golub & Pereyra 1973), on a grid and then on a finer one between its neighbours.
    """
    unit = float(sizes.max())
    coarse = np.broadcast_to(_EXPONENTS, (len(errors), len(_EXPONENTS)))
    best = _best(sizes / unit, errors, coarse)[2]
    step = (_EXPONENTS[1] / _EXPONENTS[0]) ** np.linspace(-1, 1, 21)
    return PowerLaws(*_best(sizes / unit, errors, best[:, None] * step), unit)


def _best(x: Numbers, errors: Numbers, exponents: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Return a, b and c `[D]` of the exponent `[D, C]` with the least squared residual."""
    basis = x ** -exponents[:, :, None]
    centred = basis - basis.mean(axis=2, keepdims=True)
    target = errors[:, None]
    b = (centred * target).sum(axis=2) / (centred**2).sum(axis=2)
    a = target.mean(axis=2) - b * basis.mean(axis=2)
    through_zero = (basis * target).sum(axis=2) / (basis**2).sum(axis=2)
    b, a = np.where(a < 0, through_zero, b), np.maximum(a, 0)
    a, b = np.where(b < 0, target.mean(axis=2), a), np.maximum(b, 0)
    residual = ((a[:, :, None] + b[:, :, None] * basis - target) ** 2).sum(axis=2)
    chosen = (np.arange(len(errors)), residual.argmin(axis=1))
    return a[chosen], b[chosen], exponents[chosen]


def spline_size(sizes: Numbers, accuracies: Numbers, wanted: Numbers) -> Numbers:
    """Return where monotone splines through accuracies `[D, P]` reach `wanted` `[D]`.

    Accuracies that fall with size are pooled first (isotonic regression: Barlow et al. 1972), then
    joined in log n (Fritsch & Carlson 1980). Below the first size the answer is -inf, above the
    last it is inf.
    """
    log_sizes = np.log(sizes)
    places = np.linspace(log_sizes[0], log_sizes[-1], _GRID)
    found = np.empty(len(wanted))
    for draw, (each, value) in enumerate(zip(accuracies, wanted, strict=True)):
        rising = isotonic_regression(each).x
        read = PchipInterpolator(log_sizes, rising)(places)
        inside = np.exp(np.interp(value, read, places))
        found[draw] = np.inf if value > read[-1] else -np.inf if value < read[0] else inside
    return found


def form_of(sizes: Numbers, errors: Numbers, noise: float) -> Form:
    """Return which curve suits mean errors `[P]` whose standard error is `noise`.

    A power law whose residuals are more than twice the noise does not describe them.
    """
    if len(sizes) < 4:
        return "monotone spline"
    residual = fit_power_laws(sizes, errors[None]).error(sizes)[0] - errors
    # three parameters are fitted
    spread = float(np.sqrt((residual**2).sum() / max(len(sizes) - 3, 1)))
    return "power law" if spread <= 2 * max(noise, 1e-4) else "monotone spline"


def equivalent_sizes(form: Form, sizes: Numbers, accuracies: Numbers, wanted: Numbers) -> Numbers:
    """Return the number of real images worth an accuracy `wanted` `[D]`, a curve a draw.

    `accuracies` are `[D, P]`. Outside the curve's sizes the answer is -inf or inf.
    """
    if form == "monotone spline":
        return spline_size(sizes, accuracies, wanted)
    found = fit_power_laws(sizes, 1 - accuracies).size(1 - wanted)
    # a flat or noisy curve may miss its own ends by a hair; one part in a thousand is not outside
    found = np.where(found < sizes[0] * 0.999, -np.inf, found)
    return np.where(found > sizes[-1] * 1.001, np.inf, found)
