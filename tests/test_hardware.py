"""What the devices are asked for, without any but a processor."""

import pytest
import torch

from synthmix import hardware


@pytest.mark.parametrize(
    ("count", "visible", "expected"),
    [
        (2, None, ["0", "1"]),
        (2, "3,GPU-5e", ["3", "GPU-5e"]),
        (1, "3,9", ["3"]),  # the second is not there
        (0, "", []),
    ],
)
def test_gpus_are_named_as_their_variable_names_them(
    monkeypatch: pytest.MonkeyPatch, count: int, visible: str | None, expected: list[str]
) -> None:
    monkeypatch.setattr(hardware, "_is_without_accelerator", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    if visible is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert hardware.accelerators() == expected


def test_an_apple_gpu_is_one_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "_is_without_accelerator", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert hardware.accelerators() == ["mps"]


@pytest.mark.parametrize(
    ("device", "precision", "expected"),
    [
        ("cpu", "float32", torch.channels_last),
        ("cpu", "bfloat16", torch.channels_last),
        ("cuda", "bfloat16", torch.channels_last),
        ("cuda", "float32", torch.contiguous_format),
        ("mps", "bfloat16", torch.contiguous_format),
    ],
)
def test_images_lie_as_the_device_reads_them(
    device: str, precision: str, expected: torch.memory_format
) -> None:
    assert hardware.memory_format(device, precision) == expected


def test_a_processor_is_called_by_its_kind() -> None:
    assert hardware.device_name("cpu") == "cpu"


def test_what_is_told_without_torch_is_what_torch_says() -> None:
    """The shortcuts that spare an import must never contradict it on the machine at hand."""
    if hardware._is_without_accelerator():
        assert not torch.cuda.is_available()
        assert not torch.backends.mps.is_available()
    if not hardware._may_have_amx():
        assert not torch.cpu._is_amx_tile_supported()


@pytest.mark.parametrize(("system", "expected"), [("linux", True), ("darwin", False)])
def test_only_linux_tells_its_accelerators_by_their_files(
    monkeypatch: pytest.MonkeyPatch, system: str, expected: bool
) -> None:
    monkeypatch.setattr(hardware.sys, "platform", system)
    monkeypatch.setattr(hardware, "_ACCELERATORS", ("no such file",))
    assert hardware._is_without_accelerator() is expected


def test_an_accelerator_is_looked_for_where_its_file_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware.sys, "platform", "linux")
    monkeypatch.setattr(hardware, "_ACCELERATORS", ("null",))  # a file that is always there
    assert not hardware._is_without_accelerator()
