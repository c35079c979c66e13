import math

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from synthmix.checkpoints import save
from synthmix.errors import DiskFull, SettingError
from synthmix.generators.flow import Flow
from synthmix.generators.flow._fit import Fit
from synthmix.generators.flow._gaussian import GaussianVelocity, principal_directions
from synthmix.generators.flow._velocity import UNet, integrate
from synthmix.store import Artifact
from synthmix.types import ImageSet, Request, no_progress

CLASS_NAMES = tuple("0123456789")
TINY = {
    "fit_steps": 12,
    "fit_batch_size": 8,
    "flip": False,
    "rank": 16,
    "widths": (8, 16),
    "blocks": (1, 1),
    "steps": 2,
    "batch_size": 8,
    "device": "cpu",
    "precision": "float32",
}


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def digits():
    data = load_digits()
    pixels = np.rint(data.images * (255 / 16)).astype(np.uint8)[:300, :, :, None].repeat(3, axis=3)
    return ImageSet(pixels, data.target[:300].astype(np.int64), CLASS_NAMES, "digits")


@pytest.fixture(scope="module")
def fitted(digits, tmp_path_factory):
    artifact = Artifact(tmp_path_factory.mktemp("flow"), "fit", "undisturbed")
    tiny().fit(digits, seed=3, artifact=artifact, progress=no_progress)
    return artifact.path


def tiny(**changes):
    return Flow(**(TINY | changes))


def requests(count):
    return [Request(i % 10, CLASS_NAMES[i % 10], i, seed=100 + i) for i in range(count)]


def drawn(flow, wanted, fitted):
    images = flow.generate(wanted, class_names=CLASS_NAMES, image_size=8, fitted=fitted)
    return list(images)


def gaussian(dimension=2, variance=(4.0, 0.25)):
    model = GaussianVelocity(1, dimension, len(variance))
    model.variance_KR[0] = torch.tensor(variance)
    return model


# integration


def test_integrate_is_exact_where_the_velocity_is_linear_in_time():
    start = torch.zeros(1, 1, 1, 1, dtype=torch.float64)
    end = integrate(lambda state, time: torch.full_like(state, 3 + 4 * time), start, steps=3)
    assert end.item() == pytest.approx(3 + 2)


def test_integrate_converges_at_second_order():
    start = torch.ones(1, 1, 1, 1, dtype=torch.float64)
    errors = [
        abs(integrate(lambda state, _: -2 * state, start, steps).item() - math.exp(-2))
        for steps in (20, 40, 80)
    ]
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.1)


# the Gaussian's velocity


def test_gaussian_velocity_carries_noise_to_the_class():
    model = gaussian()
    model.mean_KD[0] = torch.tensor([1.0, -2.0])
    noise = torch.tensor([[1.0, 1.0], [-0.5, 2.0]]).reshape(2, 2, 1, 1)
    labels = torch.zeros(2, dtype=torch.int64)

    def velocity(state, time):
        return model(state, torch.full((2,), time), labels)[0]

    end = integrate(velocity, noise, steps=400).flatten(1)
    # the probability flow of a Gaussian scales the noise by the standard deviation
    expected = model.mean_KD + noise.flatten(1) * torch.tensor([2.0, 0.5])
    torch.testing.assert_close(end, expected, atol=2e-3, rtol=0)


def test_spread_is_the_error_of_the_expected_velocity():
    model = gaussian()
    random = torch.Generator().manual_seed(0)
    count = 200_000
    data = torch.randn(count, 2, generator=random) * torch.tensor([2.0, 0.5])
    noise = torch.randn(count, 2, generator=random)
    time = torch.full((count,), 0.3)
    noisy = torch.lerp(noise, data, 0.3).reshape(count, 2, 1, 1)
    velocity, expected, spread = model(noisy, time, torch.zeros(count, dtype=torch.int64))
    error = (data - noise - velocity.flatten(1)).square().mean().sqrt()
    assert error.item() == pytest.approx(spread[0].item(), rel=0.01)
    # an expected image is uncorrelated with its error
    flat = expected.flatten(1)
    assert ((data - flat) * flat).mean(0).abs().max().item() < 0.02


def test_gaussian_fit_recovers_mean_and_covariance_of_its_samples():
    random = torch.Generator().manual_seed(1)
    mixing = torch.tensor([[1.0, 0.5, 0.0], [0.0, 0.6, 0.0], [0.0, 0.0, 0.3]])
    rows = torch.randn(50_000, 3, generator=random) @ mixing + torch.tensor([0.2, -0.1, 0.4])
    model = GaussianVelocity(1, 3, 3)
    model.fit(rows.reshape(-1, 3, 1, 1), torch.zeros(50_000, dtype=torch.int64), random)
    directions = model.basis_DR @ model.axes_KRR[0]
    covariance = directions @ torch.diag(model.variance_KR[0]) @ directions.T
    torch.testing.assert_close(covariance, mixing.T @ mixing, atol=0.03, rtol=0)
    torch.testing.assert_close(model.mean_KD[0], rows.mean(0))


def test_a_class_without_images_takes_what_is_common():
    random = torch.Generator().manual_seed(2)
    rows = torch.randn(100, 3, generator=random)
    model = GaussianVelocity(2, 3, 2)
    model.fit(rows.reshape(-1, 3, 1, 1), torch.zeros(100, dtype=torch.int64), random)
    torch.testing.assert_close(model.mean_KD[1], rows.mean(0))
    assert torch.isfinite(model.axes_KRR).all()
    assert (model.variance_KR > 0).all()


def test_principal_directions_span_the_largest_variance():
    random = torch.Generator().manual_seed(3)
    rows = torch.randn(500, 10, generator=random) * torch.tensor([9.0, 5.0] + [0.5] * 8)
    found = principal_directions(rows, 2, random)
    exact = torch.linalg.svd(rows, full_matrices=False).Vh[:2].T
    torch.testing.assert_close(found @ found.T, exact @ exact.T, atol=1e-4, rtol=0)


# the network


@pytest.mark.parametrize("size", [4, 8, 13, 28, 64])
def test_network_keeps_the_shape_of_any_image(size):
    network = UNet(3, size, (8, 8, 16), (1, 1, 1))
    output = network(torch.randn(2, 6, size, size), torch.rand(2), torch.tensor([0, 2]))
    assert output.shape == (2, 3, size, size)


# fitting


def test_fitting_lowers_the_loss_on_digits(digits):
    fit = Fit(tiny(fit_steps=150, fit_batch_size=32, widths=(16, 32)), digits, seed=0)
    before = mean_loss(fit)
    for _ in range(150):
        fit.advance()
    after = mean_loss(fit)
    assert after < 0.95 * before


@torch.no_grad()
def mean_loss(fit):
    """Return the loss over ten batches that no step of the fit draws."""
    now, losses = fit.step, []
    for fit.step in range(1000, 1010):
        losses.append(fit._loss().item())
    fit.step = now
    return np.mean(losses)


def test_a_resumed_fit_ends_with_the_same_bytes(digits, fitted, tmp_path):
    def stop(completed, total):
        if completed == 7:
            raise KeyboardInterrupt

    artifact = Artifact(tmp_path, "fit", "killed")
    with pytest.raises(KeyboardInterrupt):
        tiny().fit(digits, seed=3, artifact=artifact, progress=stop)
    seen = []
    tiny().fit(digits, seed=3, artifact=artifact, progress=lambda step, _: seen.append(step))
    assert seen[0] > 1
    name = "flow.safetensors"
    assert (artifact.path / name).read_bytes() == (fitted / name).read_bytes()


def test_a_finished_fit_is_not_repeated(digits, tmp_path):
    artifact = Artifact(tmp_path, "fit", "done")
    tiny().fit(digits, seed=3, artifact=artifact, progress=no_progress)
    artifact.scratch("checkpoint.pt").unlink()
    tiny().fit(digits, seed=3, artifact=artifact, progress=lambda *_: pytest.fail("fitted again"))


def test_every_image_is_seen_once_an_epoch(digits):
    fit = Fit(tiny(fit_batch_size=7), digits, seed=0)
    rows = []
    for fit.step in range(300):
        rows.extend(fit._rows())
    counts = np.bincount(rows, minlength=300)
    assert len(rows) == 7 * 300
    assert (counts == 7).all()
    assert (fit._order(0) != fit._order(1)).any()


# drawing


def test_images_are_one_a_request_in_order(fitted):
    images = drawn(tiny(), requests(11), fitted)
    assert len(images) == 11
    assert all(each.shape == (8, 8, 3) and each.dtype == np.uint8 for each in images)


@pytest.mark.parametrize("batch_size", [5, 8])
def test_an_image_does_not_depend_on_its_neighbours(fitted, batch_size):
    flow, wanted = tiny(batch_size=batch_size), requests(19)
    together = drawn(flow, wanted, fitted)
    order = np.random.default_rng(0).permutation(19)
    shuffled = drawn(flow, [wanted[row] for row in order], fitted)
    for place, row in enumerate(order):
        np.testing.assert_array_equal(shuffled[place], together[row])
    np.testing.assert_array_equal(drawn(flow, wanted[13:14], fitted)[0], together[13])


def test_seed_and_class_both_change_the_image(fitted):
    first, other_seed, other_class = drawn(
        tiny(),
        [Request(0, "0", 0, seed=1), Request(0, "0", 1, seed=2), Request(1, "1", 0, seed=1)],
        fitted,
    )
    assert (first != other_seed).any()
    assert (first != other_class).any()


# settings


@pytest.mark.parametrize(
    ("changes", "named"),
    [({"widths": (12, 16)}, "widths"), ({"widths": ()}, "widths"), ({"blocks": (1,)}, "blocks")],
)
def test_impossible_shapes_are_refused(changes, named):
    with pytest.raises(SettingError, match=named):
        tiny(**changes)


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_is_told_while_a_checkpoint_is_written(digits, tmp_path):
    with pytest.raises(DiskFull):
        save(Fit(tiny(), digits, 3).save, Artifact(tmp_path, "fit", 1), "checkpoint.pt")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
