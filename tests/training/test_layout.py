import signal
import subprocess
import sys

import pytest
import torch

from synthmix.errors import SettingError
from synthmix.training import layout
from synthmix.training.layout import Step, layout_of


def test_known_models_and_other_devices_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "_tried", lambda step: pytest.fail("tried"))
    assert layout_of("compact", 2, 32, 8, "cpu", "float32") == torch.channels_last
    assert layout_of("resnet18", 2, 32, 8, "cpu", "float32") == torch.channels_last
    assert layout_of("timm/any", 2, 32, 8, "cuda", "float32") == torch.contiguous_format


@pytest.fixture
def _aborting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for a step of torch that aborts, in one layout or in both."""

    def tried(step: Step) -> str:
        aborts = step.is_channels_last or step.model == "timm/both"
        program = "import os; os.abort()" if aborts else ""
        status = subprocess.run([sys.executable, "-c", program], check=False).returncode
        return signal.Signals(-status).name if status in layout._CRASHES else ""

    monkeypatch.setattr(layout, "_tried", tried)


@pytest.mark.usefixtures("_aborting")
def test_a_model_that_ends_the_process_is_laid_out_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert layout_of("timm/one", 2, 32, 8, "cpu", "float32") == torch.contiguous_format
    monkeypatch.setattr(layout, "_tried", lambda step: pytest.fail("tried twice"))
    assert layout_of("timm/one", 2, 32, 8, "cpu", "float32") == torch.contiguous_format


@pytest.mark.usefixtures("_aborting")
def test_a_model_that_cannot_be_trained_is_named() -> None:
    with pytest.raises(SettingError, match=r"training.model is 'timm/both'.*SIGABRT.*32 pixels"):
        layout_of("timm/both", 2, 32, 8, "cpu", "float32")


def test_a_step_is_tried_in_a_process_of_its_own() -> None:
    """What is wrong with a model otherwise is told where it is built."""
    assert layout._tried(Step("compact", 2, 8, 4, "float32")) == ""
    assert layout._tried(Step("timm/none-such", 2, 8, 4, "float32")) == ""
