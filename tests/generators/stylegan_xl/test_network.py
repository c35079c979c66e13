"""Golden values (tests/golden/stylegan_xl), an independent implementation, and properties."""

import json
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from scipy.signal import upfirdn

from synthmix.generators.stylegan_xl._architecture import Architecture, Layer, Mapping, architecture
from synthmix.generators.stylegan_xl._filters import (
    TILE,
    AxisFilter,
    Band,
    downsampling_matrix,
    kaiser_beta,
    radial,
    separable,
    upsampling_matrix,
)
from synthmix.generators.stylegan_xl._network import Generator
from synthmix.generators.stylegan_xl._original import (
    original_labels,
    original_latents,
    original_transform,
    to_pixels,
)
from synthmix.generators.stylegan_xl._schedule import Schedule, stem, superres

TESTS = Path(__file__).parents[2]
GOLDEN = TESTS / "golden" / "stylegan_xl"
W_TOLERANCE = 1e-5
IMAGE_TOLERANCE = 1e-4
LAYER_TOLERANCE = 1e-4  # of the largest value
MAPPING = Mapping(z_dim=8, c_dim=4, w_dim=16, num_embeddings=10, embedding_dim=8)


class Golden:
    def __init__(self, name: str) -> None:
        folder = GOLDEN / name
        self.config: dict[str, Any] = json.loads((folder / "config.json").read_text())
        self.weights = load_file(folder / "weights.safetensors")
        self.io = load_file(folder / "io.safetensors")
        self.spec = _spec(self.config, self.weights)
        self.network = Generator(self.spec)
        self.network.load_state_dict(self.weights)
        self.network.prepare()

    @property
    def labels(self) -> torch.Tensor | None:
        return self.io["c"].argmax(1) if "c" in self.io else None


def _spec(config: dict[str, Any], weights: dict[str, torch.Tensor]) -> Architecture:
    facts = config["attributes"]
    rows, width = weights["mapping.embed.weight"].shape
    mapping = Mapping(
        z_dim=facts["z_dim"],
        c_dim=facts["c_dim"],
        w_dim=facts["w_dim"],
        num_embeddings=rows,
        embedding_dim=width,
    )
    asked = config.get("stem_init_kwargs") or config["init_kwargs"]
    names = {each.name for each in fields(Schedule)}
    schedule = Schedule(**{key: value for key, value in asked.items() if key in names})
    spec = stem(mapping, schedule, img_resolution=asked["img_resolution"])
    if config["generator_class"] != "SuperresGenerator":
        return spec
    head = config["init_kwargs"]
    return superres(spec, schedule, head_layers=head["head_layers"], up_factor=head["up_factor"])


NAMES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())


@pytest.fixture(scope="module", params=NAMES)
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden(request.param)


@pytest.fixture(autouse=True)
def _without_gradients():
    with torch.inference_mode():
        yield


def close(found: torch.Tensor, wanted: torch.Tensor, tolerance: float) -> bool:
    return float((found - wanted).abs().max()) <= tolerance


def nearly_all_equal(found: np.ndarray, wanted: np.ndarray) -> bool:
    difference = np.abs(found.astype(int) - wanted.astype(int))
    return difference.max() <= 1 and (difference > 0).mean() < 1e-3


def test_the_schedule_gives_every_constant_of_every_layer(golden: Golden) -> None:
    ours = {"up_factor": "up", "down_factor": "down", "down_radial": "is_radial"}
    assert [each.name for each in golden.spec.layers] == golden.config["layer_names"]
    for layer, wanted in zip(golden.spec.layers, golden.config["layers"], strict=True):
        for key, value in wanted.items():
            name = ours.get(key, key)
            if not hasattr(layer, name) or (key == "conv_kernel" and layer.is_torgb):
                continue
            found = getattr(layer, name)
            if key == "padding":
                found = [*found, *found]
            elif key.endswith("_size") and isinstance(value, list):
                found = [found, found]
            assert found == pytest.approx(value, abs=1e-12), (layer.name, key)


def test_filters_are_those_that_are_stored(golden: Golden) -> None:
    designed = Generator(golden.spec).state_dict()
    names = [name for name in golden.weights if name.endswith("_filter")]
    assert names
    for name in names:
        assert close(designed[name], golden.weights[name], 1e-7), name


def test_styles(golden: Golden) -> None:
    z = golden.io["z"]
    assert close(golden.network.mapping(z, golden.labels), golden.io["w"], W_TOLERANCE)
    halved = golden.network.mapping(z, golden.labels, psi=0.7)
    assert close(halved, golden.io["w_trunc07"], W_TOLERANCE)
    cut = golden.network.mapping(z, golden.labels, psi=0.7, cutoff=3)
    assert close(cut, golden.io["w_trunc07_cutoff3"], W_TOLERANCE)


def test_layer_by_layer(golden: Golden) -> None:
    w = golden.io["w"][:1]
    x = golden.network.synthesis.input(w[:, 0])
    layers = {each.spec.name: each for each in golden.network.synthesis.layers()}
    seen = 0
    outputs = {
        name[len("inter_out.") :]: each
        for name, each in golden.io.items()
        if name.startswith("inter_out.")
    }
    if outputs:
        assert close(x, outputs["input"], LAYER_TOLERANCE * float(outputs["input"].abs().max()))
    for number, (name, layer) in enumerate(layers.items(), 1):
        assert close(
            layer.affine(w[:, number]), golden.io[f"inter_affine.{name}"], W_TOLERANCE * 10
        )
        styles = layer.styles(w[:, number])
        scaled = layer.scaled(x, styles)
        wanted = golden.io.get(f"inter_conv.{name}")
        if wanted is not None:
            convolved, gains = layer.convolve(scaled, styles)
            found = convolved * gains[:, :, None, None]
            wanted = wanted[:, :, layer.places, layer.places]
            assert close(found, wanted, LAYER_TOLERANCE * float(wanted.abs().max()))
            seen += 1
        x = layer(scaled, styles)
        if name in outputs:
            limit = LAYER_TOLERANCE * float(outputs[name].abs().max())
            assert close(x, outputs[name], limit), name
            seen += 1
    assert close(x * golden.spec.output_scale, golden.io["inter_img"], IMAGE_TOLERANCE)
    assert seen or golden.config["attributes"]["c_dim"] == 0


@pytest.mark.parametrize(
    ("styles", "image"),
    [
        ("w", "img_psi1"),
        ("w_trunc07", "img_psi07"),
        ("w_trunc07_cutoff3", "img_psi07_cutoff3"),
        ("wplus", "img_wplus"),
    ],
)
def test_images(golden: Golden, styles: str, image: str) -> None:
    assert close(golden.network.synthesis(golden.io[styles]), golden.io[image], IMAGE_TOLERANCE)


def test_both_conversions_to_uint8(golden: Golden) -> None:
    images = golden.network.synthesis(golden.io["w"])
    assert nearly_all_equal(to_pixels(images, "truncate"), golden.io["u8_psi1"].numpy())
    rounded = golden.io["u8metric_psi1"].permute(0, 2, 3, 1).numpy()
    assert nearly_all_equal(to_pixels(images, "round"), rounded)
    halved = golden.network.synthesis(golden.io["w_trunc07"])
    assert nearly_all_equal(to_pixels(halved, "truncate"), golden.io["u8_psi07"].numpy())


@pytest.mark.parametrize("run", [0, 1, 2])
def test_the_image_script(golden: Golden, run: int) -> None:
    facts = golden.config["io"]["gen_runs"][run]
    saved = {
        key[len(f"gen{run}.") :]: each
        for key, each in golden.io.items()
        if key.startswith(f"gen{run}.")
    }
    z = original_latents(facts["seed"], facts["batch"], golden.spec.mapping.z_dim)
    assert np.array_equal(z, saved["z"].numpy())
    labels = None
    if golden.spec.mapping.c_dim:
        drawn = original_labels(facts["seed"], facts["batch"], golden.spec.mapping.c_dim)
        if facts["class_idx"] is not None:
            drawn[:] = facts["class_idx"]
        assert drawn.tolist() == saved["class"].tolist()
        labels = torch.from_numpy(drawn)
    w = golden.network.mapping(
        torch.from_numpy(z),
        labels,
        psi=facts["trunc"],
        centroids=golden.io["centroids"] if facts["centroids"] else None,
    )
    assert close(w, saved["w"], W_TOLERANCE)
    transform = original_transform(tuple(facts["translate"]), facts["rotate"])
    assert close(transform, saved["transform"].float(), 1e-6)
    before = golden.network.synthesis.input.transform
    golden.network.synthesis.input.transform = transform
    images = golden.network.synthesis(w)
    golden.network.synthesis.input.transform = before
    assert close(images, saved["img"], IMAGE_TOLERANCE)
    assert nearly_all_equal(to_pixels(images, "truncate"), saved["u8"].numpy())


KINDS = {
    "t": Schedule(num_layers=5, channel_base=1024, channel_max=6),
    "r, radial filters and 1x1 kernels": Schedule(
        num_layers=5, channel_base=1024, channel_max=6, conv_kernel=1, use_radial_filters=True
    ),
    "3x3 kernels and radial filters, no clamp": Schedule(
        num_layers=4, channel_base=1024, channel_max=6, use_radial_filters=True, conv_clamp=None
    ),
    "a clamp that cuts": Schedule(num_layers=4, channel_base=1024, channel_max=6, conv_clamp=1.5),
    "three critical layers": Schedule(
        num_layers=6, channel_base=1024, channel_max=6, num_critical=3
    ),
}


def direct() -> Any:
    folder = str(TESTS.parent / "benchmarks")
    sys.path.insert(0, folder)
    try:
        import _direct
    finally:
        sys.path.remove(folder)
    return _direct


def random_network(spec: Architecture) -> Generator:
    torch.manual_seed(1)
    network = Generator(spec)
    for layer in network.synthesis.layers():
        layer.bias.normal_()
        layer.magnitude_ema.fill_(0.5)
        layer.affine.weight.normal_()
    network.synthesis.input.affine.weight.normal_(std=0.3)
    return network.prepare()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("heads", [(), (2,), (2, 4)], ids=["stem", "head", "two heads"])
def test_it_equals_the_formulas_written_down(kind: str, heads: tuple[int, ...]) -> None:
    schedule = KINDS[kind]
    spec = stem(MAPPING, schedule, img_resolution=16)
    for up_factor in heads:
        spec = superres(spec, schedule, head_layers=4, up_factor=up_factor)
    network = random_network(spec)
    styles = torch.randn(2, spec.num_ws, MAPPING.w_dim)
    # one by one: the formulas normalise styles over a batch, which cancels but for an epsilon
    weights = dict(network.state_dict())
    formulas = torch.cat([direct().synthesis(weights, spec, each[None]) for each in styles])
    scale = float(formulas.abs().max())
    assert close(network.synthesis(styles), formulas, 1e-5 * scale)
    assert formulas.shape[2:] == (spec.img_resolution,) * 2


def test_only_the_first_head_leaves_an_index_out() -> None:
    spec = stem(MAPPING, KINDS["t"], img_resolution=16)
    for up_factor in (2, 4):
        spec = superres(spec, KINDS["t"], head_layers=4, up_factor=up_factor)
    indices = [int(each.name[1:].partition("_")[0]) for each in spec.layers]
    assert indices == [0, 1, 2, 4, 5, 6, 7, 8, 9, 10]
    assert spec.img_resolution == 128
    assert spec.num_ws == len(indices) + 1


def test_the_worked_example_of_the_likely_cifar10_file() -> None:
    schedule = Schedule(num_layers=7)
    mapping = Mapping(z_dim=64, c_dim=10, w_dim=512)
    spec = superres(
        stem(mapping, schedule, img_resolution=16), schedule, head_layers=4, up_factor=2
    )
    with torch.device("meta"):
        network = Generator(spec)
    assert sum(each.numel() for each in network.parameters()) == pytest.approx(24.80e6, rel=1e-3)
    by_name = {each.name: each for each in spec.layers}
    assert list(by_name) == [
        *(f"L{i}_36_512" for i in (0, 1, 2, 3, 4, 6)),
        *("L7_52_512", "L8_52_512", "L9_32_512", "L10_32_3"),
    ]
    assert by_name["L7_52_512"].padding == (-6, -9)
    assert by_name["L9_32_512"].padding == (-11, -12)
    assert kaiser_beta(by_name["L0_36_512"].up_band) == pytest.approx(6.4437, abs=1e-4)
    half = [0.0007919, 0.0100183, 0.0389495, 0.0924128, 0.1565256, 0.2013019]
    assert separable(by_name["L0_36_512"].up_band) == pytest.approx(half + half[::-1], abs=1e-6)


def test_what_upsampling_crops_is_not_convolved() -> None:
    spec = superres(
        stem(MAPPING, Schedule(num_layers=7), img_resolution=16),
        Schedule(num_layers=7),
        head_layers=4,
        up_factor=2,
    )
    made = {
        each.spec.name: each.places.stop - each.places.start
        for each in random_network(spec).synthesis.layers()
    }
    whole = {each.name: each.conv_size for each in spec.layers}
    smaller = {name: (made[name], size) for name, size in whole.items() if made[name] != size}
    assert smaller == {"L7_52_512": (34, 38), "L9_32_512": (42, 54)}


def test_sizes_up_to_1024() -> None:
    schedule = Schedule(channel_base=4096, channel_max=4, num_layers=5)
    spec = stem(MAPPING, schedule, img_resolution=16)
    for up_factor in (8, 8):
        spec = superres(spec, schedule, head_layers=4, up_factor=up_factor)
    assert spec.img_resolution == 1024
    for layer in spec.layers:
        if layer.is_torgb:
            continue
        matrix = upsampling_matrix(
            torch.ones(layer.up_taps), layer.up, layer.padding, layer.conv_size
        )
        down = downsampling_matrix(torch.ones(layer.down_taps), layer.down, len(matrix))
        assert len(down) == layer.out_size, layer.name


BANDS = st.builds(
    Band,
    taps=st.integers(1, 12).map(lambda half: 2 * half),
    cutoff=st.floats(0.5, 7),
    half_width=st.floats(0.5, 8),
    rate=st.sampled_from([16.0, 32.0, 64.0]),
)


@given(BANDS)
def test_filters_keep_the_level_and_are_symmetric(band: Band) -> None:
    for taps in (separable(band), radial(band)):
        assert taps.sum() == pytest.approx(1, abs=1e-5)
        assert taps == pytest.approx(np.flip(taps), abs=1e-6)
    assert radial(band) == pytest.approx(radial(band).T, abs=1e-7)


@given(
    size=st.integers(1, 90),
    up=st.sampled_from([1, 2, 4]),
    down=st.sampled_from([1, 2, 4]),
    half=st.integers(1, 6),
    seed=st.integers(0, 9),
)
def test_matrices_equal_scipys_upfirdn(size: int, up: int, down: int, half: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    taps = random.normal(size=2 * half)
    taps = taps + taps[::-1]
    signal = random.normal(size=size)
    up_matrix = upsampling_matrix(torch.from_numpy(taps), up, (len(taps) - 1,) * 2, size)
    # scipy ends at the last sample, the matrix after the zeros behind it
    wanted = upfirdn(taps * up, signal, up=up)
    found = up_matrix.double() @ torch.from_numpy(signal)
    assert found[: len(wanted)].numpy() == pytest.approx(wanted, abs=1e-9)
    long = random.normal(size=size + len(taps))
    down_matrix = downsampling_matrix(torch.from_numpy(taps), down, len(long))
    wanted = np.convolve(long, taps, "valid")[::down]
    assert (down_matrix.double() @ torch.from_numpy(long)).numpy() == pytest.approx(
        wanted, abs=1e-9
    )


@given(places=st.integers(1, 3 * TILE), seed=st.integers(0, 3))
def test_tiles_are_the_whole_matrix(places: int, seed: int) -> None:
    torch.manual_seed(seed)
    matrix = upsampling_matrix(torch.randn(12), 2, (9, 8), places // 2 + 1)
    images = torch.randn(2, places // 2 + 1, 2, 3)
    wanted = torch.einsum("oi,niwc->nowc", matrix, images)
    assert torch.allclose(AxisFilter(matrix).rows(images), wanted, atol=1e-5)
    turned = AxisFilter(matrix).columns(images.transpose(1, 2).contiguous())
    assert torch.allclose(turned, wanted.transpose(1, 2), atol=1e-5)


def test_an_image_does_not_depend_on_its_neighbours() -> None:
    network = random_network(stem(MAPPING, KINDS["t"], img_resolution=16))
    styles = torch.randn(3, network.spec.num_ws, MAPPING.w_dim)
    together = network.synthesis(styles)
    others = network.synthesis(torch.stack([styles[1], styles[0] * 7, styles[0] * 3]))
    assert torch.equal(others[0], together[1])


def test_psi_one_changes_nothing_and_psi_zero_is_the_mean() -> None:
    network = random_network(stem(MAPPING, KINDS["t"], img_resolution=16))
    network.mapping.w_avg.normal_()
    z, labels = torch.randn(3, MAPPING.z_dim), torch.tensor([0, 1, 3])
    plain = network.mapping(z, labels)
    mixed = network.mapping(z, labels, psi=torch.tensor([1.0, 0.0, 0.5]))
    assert torch.equal(mixed[0], plain[0])
    assert torch.allclose(mixed[1, 0], network.mapping.w_avg[1])
    halfway = (plain[2, 0] + network.mapping.w_avg[3]) / 2
    assert torch.allclose(mixed[2, 0], halfway, atol=1e-6)


def test_bfloat16_convolutions_stay_near() -> None:
    spec = stem(MAPPING, KINDS["t"], img_resolution=16)
    network = random_network(spec)
    styles = torch.randn(2, spec.num_ws, MAPPING.w_dim)
    exact = network.synthesis(styles)
    narrow = network.prepare(torch.bfloat16).synthesis(styles)
    error = (narrow - exact).square().mean().sqrt() / exact.std()
    assert 0 < error < 0.03


def test_an_architecture_survives_json() -> None:
    spec = superres(
        stem(MAPPING, KINDS["t"], img_resolution=16), KINDS["t"], head_layers=4, up_factor=2
    )
    assert architecture(json.loads(json.dumps(spec.to_dict()))) == spec


def test_an_architecture_that_does_not_fit_together_is_refused() -> None:
    values = stem(MAPPING, KINDS["t"], img_resolution=16).to_dict()
    for change, reason in (
        ({"in_size": 35}, "takes"),
        ({"in_channels": 10**9}, "less than or equal"),
        ({"in_sampling_rate": 0.01}, "resamples by"),
    ):
        layers = [dict(each) for each in values["layers"]]
        layers[1] |= change
        with pytest.raises(ValueError, match=reason):
            architecture({**values, "layers": layers})
    with pytest.raises(ValueError, match="does not give the image"):
        architecture({**values, "img_resolution": 32})


def test_a_layer_knows_its_own_filters() -> None:
    layer = Layer(
        name="L0_52_1",
        is_torgb=False,
        is_critically_sampled=False,
        in_channels=1,
        out_channels=1,
        in_size=36,
        out_size=52,
        in_sampling_rate=16,
        out_sampling_rate=32,
        in_cutoff=6.06287,
        out_cutoff=9.84916,
        in_half_width=2.27686,
        out_half_width=6.15084,
    )
    assert (layer.up, layer.up_taps, layer.down, layer.down_taps) == (4, 24, 2, 12)
    assert layer.padding == (-6, -9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_clamp_is_left_out_only_where_nothing_reaches_it(kind: str) -> None:
    network = random_network(stem(MAPPING, KINDS[kind], img_resolution=16))
    layer, *_ = network.synthesis.layers()
    up, _ = layer.resampling
    size = layer.places.stop - layer.places.start
    # the signs of one place's taps along both axes: no image of this height rises further
    taps = layer.up_filter
    signs = upsampling_matrix(taps, layer.spec.up, layer.spec.padding, size)[size].sign()
    image = 7 * (signs[:, None] * signs)[None, :, :, None].contiguous()
    reached = float(up.rows(up.columns(image)).abs().max())
    assert 0.97 * layer._bound(image) <= reached <= layer._bound(image)
