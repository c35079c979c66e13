import numpy as np
import pytest
from scipy import stats

from synthmix.errors import SettingError
from synthmix.evaluation.crossed import Difference, mean_squares
from synthmix.evaluation.detectable import (
    Components,
    components,
    detectable,
    equivalence_reach,
    planned,
)


def test_against_the_power_of_a_paired_t_test() -> None:
    """Where only seeds matter the power has a closed form: the noncentral t distribution."""
    size = detectable(Components(1e-4, 0, 0), 5, 10**6)
    limit = stats.t.ppf(0.975, 4)
    power = stats.nct.sf(limit, 4, size / (1e-4 / 5) ** 0.5)
    assert power == pytest.approx(0.8, abs=0.02)


def test_against_the_power_of_a_z_test() -> None:
    """Where only images matter the paired t over seeds never decides."""
    size = detectable(Components(0, 0.1, 1e-9), 5, 10_000)
    error = (0.1 / 10_000) ** 0.5
    assert size / error == pytest.approx(stats.norm.ppf(0.975) + stats.norm.ppf(0.8), rel=0.02)


def test_what_makes_it_smaller_and_larger() -> None:
    found = planned(0.003)
    least = detectable(found, 5, 10_000)
    assert detectable(found, 9, 10_000) < least
    assert detectable(found, 5, 600) > least
    assert detectable(found, 5, 10_000, num_arms=6) > least
    assert detectable(found, 5, 10_000, num_controls=2) > least
    assert detectable(planned(0.01), 5, 10_000) > least
    assert detectable(found, 5, 10_000, power=0.5) < least


def test_equivalence_within_0_3_points_is_out_of_reach_with_five_seeds() -> None:
    assert equivalence_reach(planned(0.002), 5, 10_000) > 0.003
    assert equivalence_reach(planned(0.0005, 0.98), 9, 100_000) < 0.003


def test_components_are_estimated_without_bias() -> None:
    random = np.random.default_rng(0)
    found = []
    for _ in range(200):
        cells = (
            random.normal(0, 0.2, (4, 1))
            + random.normal(0, 0.5, (1, 300))
            + random.normal(0, 1, (4, 300))
        )
        found.append(Difference(0.0, (), mean_squares(cells)))
    pooled = components(found)
    assert (pooled.seeds, pooled.images, pooled.residual) == pytest.approx(
        (0.04, 0.25, 1), rel=0.08
    )


def test_what_cannot_be_planned() -> None:
    with pytest.raises(SettingError, match="0.3 points are 0.003"):
        planned(-1)
    with pytest.raises(SettingError, match="at least 2 of each"):
        detectable(planned(0.01), 1, 100)
    with pytest.raises(SettingError, match="name at least one"):
        components([])
