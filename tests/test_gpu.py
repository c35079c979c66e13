"""A small study on the GPU of this machine; `make test-gpu` runs it, where there is one."""

import copy
from pathlib import Path
from typing import Any

import pytest

from synthmix.hardware import available_devices
from synthmix.store import read_json
from synthmix.study import run
from synthmix.study.config.file import resolve
from tests.study.test_reliability import STUDY

pytestmark = pytest.mark.gpu
DEVICE = available_devices()[0]


def results(output: Path, **training: Any) -> dict[str, Any]:
    study = copy.deepcopy(STUDY) | {"output": str(output)}
    study["training"] = {**study["training"], "device": DEVICE, **training}
    run(resolve(study))
    found: dict[str, Any] = read_json(output / "results.json")
    return found


@pytest.fixture(scope="module", autouse=True)
def _is_there() -> None:
    assert DEVICE != "cpu", "there is no GPU, and so nothing to try"


@pytest.mark.parametrize("model", ["compact", "resnet18", "timm/resnet10t"])
def test_a_study_ends_and_repeats(tmp_path: Path, model: str) -> None:
    one, other = (results(tmp_path / name, model=model) for name in ("one", "other"))
    assert one["device"] == DEVICE
    if DEVICE == "cuda":  # others promise nothing of the kind
        assert one == other


def test_it_agrees_with_the_processor(tmp_path: Path) -> None:
    gpu = results(tmp_path / "gpu", precision="float32")
    cpu = results(tmp_path / "cpu", precision="float32", device="cpu")
    pairs = zip(gpu["arms"], cpu["arms"], strict=True)
    for there, here in pairs:
        assert there["name"] == here["name"]
        difference = there["scores"]["accuracy"]["mean"] - here["scores"]["accuracy"]["mean"]
        assert abs(difference) < 0.1, there["name"]
