from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import curve_fit

from synthmix.errors import DataError, SettingError
from synthmix.evaluation.curve import equivalent_sizes, fit_power_laws, form_of
from synthmix.evaluation.runs import Runs, gather
from synthmix.evaluation.worth import Worth, worth

SIZES = np.array([100.0, 200, 400, 800, 1600])


def test_a_power_law_is_found_again() -> None:
    truth = np.array([[0.05, 2.0, 0.5], [0.0, 1.0, 0.2], [0.2, 30.0, 1.1]])
    errors = truth[:, :1] + truth[:, 1:2] * SIZES ** -truth[:, 2:]
    found = fit_power_laws(SIZES, errors)
    assert found.error(SIZES) == pytest.approx(errors, abs=1e-4)
    assert found.size(errors[:, 2]) == pytest.approx([400] * 3, rel=0.01)


def test_noisy_errors_are_fitted_no_worse_than_by_scipy() -> None:
    random = np.random.default_rng(0)
    for _ in range(10):
        errors = 0.1 + 2 * SIZES**-0.5 + random.normal(0, 0.004, 5)
        ours = fit_power_laws(SIZES, errors[None]).error(SIZES)[0]
        theirs, _ = curve_fit(
            lambda n, a, b, c: a + b * (n / 1600) ** -c,
            SIZES,
            errors,
            [0.1, 0.05, 0.5],
            bounds=([0, 0, 0.05], [1, 1, 2.5]),
        )
        least = ((theirs[0] + theirs[1] * (SIZES / 1600) ** -theirs[2] - errors) ** 2).sum()
        assert ((ours - errors) ** 2).sum() <= least * 1.01 + 1e-9


def test_a_spline_goes_through_its_points_and_says_where_it_ends() -> None:
    accuracies = np.array([0.5, 0.7, 0.7, 0.8, 0.9])
    wanted = np.array([0.5, 0.8, 0.9, 0.95, 0.4, 0.85])
    many = np.tile(accuracies, (6, 1))
    found = equivalent_sizes("monotone spline", SIZES, many, wanted)
    assert found[:3] == pytest.approx([100, 800, 1600], rel=1e-3)
    assert found[3:5].tolist() == [np.inf, -np.inf]
    assert 800 < found[5] < 1600


def test_the_form_follows_the_points() -> None:
    law = 0.05 + 2 * SIZES**-0.5
    assert form_of(SIZES, law, 0.001) == "power law"
    assert form_of(SIZES, np.array([0.5, 0.5, 0.5, 0.1, 0.1]), 0.001) == "monotone spline"
    assert form_of(SIZES[:3], law[:3], 0.001) == "monotone spline"


NAMES = ("a", "b")


def learned(name: str, size: float, seeds: int = 4) -> Runs:
    """Return runs whose accuracy is a curve's, with images of lasting difficulty."""
    random = np.random.default_rng([*name.encode()])
    difficulty = np.random.default_rng(1).random((1, 3000))
    error = 0.05 + 3 * size**-0.5
    right = (difficulty + random.normal(0, 0.05, (seeds, 3000))) > error
    labels = np.tile([0, 1], 1500)
    rows = np.where(right, labels, 1 - labels)
    return gather(name, dict(enumerate(rows)), labels, NAMES)


CURVE = {int(size): learned(f"real {size}", size) for size in SIZES}


def test_real_images_called_synthetic_are_worth_one_each() -> None:
    found = worth(CURVE, learned("held out", 800), 400, 400, draws=300)
    assert found.low <= 1 <= found.high
    assert found.high - found.low <= 0.6


def test_repeated_images_are_worth_nothing() -> None:
    found = worth(CURVE, learned("twice", 400), 400, 400, draws=300)
    assert found.high < 0.2


def test_beyond_the_curve_nothing_is_said() -> None:
    above = worth(CURVE, learned("best", 5000), 800, 800, draws=100)
    assert not above.is_known
    assert "more than 1,600 real images, out of the curve's range" in above.sentence
    below = worth(CURVE, learned("worst", 40), 0, 800, draws=100)
    assert "fewer than 100 real images" in below.sentence


@pytest.mark.parametrize("size", [44, 10_000], ids=["at chance", "as good as it gets"])
def test_a_curve_that_does_not_rise_prices_nothing(size: float) -> None:
    flat = {n: learned(f"flat {n}", size) for n in (100, 200, 400, 800)}
    found = worth(flat, learned("arm", 2 * size), 400, 400, draws=300)
    assert not found.is_rising
    assert not found.is_known
    assert found.sentence == (
        "From 100 to 800 real images accuracy does not rise beyond chance here, so nothing "
        "can be priced in them."
    )


@pytest.mark.parametrize(("total", "is_rising"), [(12, False), (1200, True)])
def test_three_images_in_four_sizes_are_no_rise_of_a_curve(total: int, is_rising: bool) -> None:
    """One more image at each size, at every seed alike: draws of a dozen see no other outcome."""
    labels = np.tile([0, 1], total // 2)

    def right(name: str, count: int) -> Runs:
        rows = np.where(np.arange(total) < count * total // 12, labels, 1 - labels)
        return gather(name, dict.fromkeys(range(3), rows), labels, NAMES)

    curve = {100 * size: right(f"real-{100 * size}", 8 + size) for size in (1, 2, 3, 4)}
    assert worth(curve, right("arm", 10), 100, 100).is_rising == is_rising


def test_what_is_said() -> None:
    found = Worth("flow", 0.14, 0.093, 0.211, 456, 400, 400, (100, 1600), "power law")
    assert found.sentence == "1,000 synthetic images are worth 140 (93 to 210) real ones here."
    half = Worth("flow", 0.14, -np.inf, np.inf, 456, 400, 400, (100, 1600), "power law")
    assert "140 (less than −750 to more than 3,000)" in half.sentence


def test_the_same_seed_gives_the_same_interval() -> None:
    arm = learned("arm", 500)
    one, other = (worth(CURVE, arm, 400, 400, draws=50, seed=3) for _ in range(2))
    assert one == other


def test_what_cannot_be_priced() -> None:
    arm = learned("arm", 500)
    with pytest.raises(SettingError, match="has 2 size"):
        worth({100: CURVE[100], 200: CURVE[200]}, arm, 100, 100)
    with pytest.raises(SettingError, match="no synthetic images"):
        worth(CURVE, arm, 400, 0)
    with pytest.raises(DataError, match="not paired"):
        worth(CURVE, learned("arm", 500, seeds=3), 400, 100)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("num_seeds", [3, 5])
def test_known_rates_are_covered(
    rate: float, num_seeds: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    from _curves import covered

    found = covered(np.random.default_rng(0), rate, num_seeds, 2000, 0.003, num_studies=100)
    assert found["coverage"] >= 0.9
