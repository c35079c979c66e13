"""Device, precision and threads: what `auto` stands for on this machine, and how it is applied.

torch is asked only where the machine has what it could use: a plan on a processor need not wait
for it to be imported.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from synthmix.errors import SettingError

if TYPE_CHECKING:
    import torch


def resolve_device(device: str) -> str:
    """Return the device `auto` stands for: CUDA, then MPS, then CPU; refuse one that is absent."""
    present = available_devices()
    if device == "auto":
        return present[0]
    if device.partition(":")[0] not in present:
        raise SettingError(f"device is '{device}'; this machine has: {', '.join(present)}.")
    return device


def available_devices() -> list[str]:
    """List this machine's devices, the fastest kind first."""
    if _is_without_accelerator():
        return ["cpu"]
    import torch

    found = ["cuda"] if torch.cuda.is_available() else []
    found += ["mps"] if torch.backends.mps.is_available() else []
    return [*found, "cpu"]


_ACCELERATORS = ("nvidiactl", "kfd", "dxg")
"""What stands under `/dev` where CUDA, ROCm or, within Windows, either could be used on Linux."""


def _is_without_accelerator() -> bool:
    """Whether no accelerator of torch's can be here, told without importing it."""
    if sys.platform != "linux":
        return False
    return not any(Path("/dev", each).exists() for each in _ACCELERATORS)


def accelerators() -> list[str]:
    """List the devices that one process each should have: CUDA's by number or id, or `mps`.

    CUDA devices are named as CUDA_VISIBLE_DEVICES names them.
    """
    if _is_without_accelerator():
        return []
    import torch

    count = torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if count:
        return visible.split(",")[:count] if visible else [str(n) for n in range(count)]
    return ["mps"] if torch.backends.mps.is_available() else []


def resolve_precision(precision: str, device: str) -> str:
    """Return the precision `auto` stands for: bfloat16 only where the hardware has units for it."""
    if precision != "auto":
        return precision
    return "bfloat16" if has_native_bfloat16(device) else "float32"


def has_native_bfloat16(device: str) -> bool:
    """Whether the device has matrix units for bfloat16; without them `auto` is float32."""
    if device == "cpu" and not _may_have_amx():
        return False
    import torch

    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # AVX-512 BF16 alone gained too little over float32 to be worth its rounding; AMX gains 7 times
    return device == "cpu" and bool(torch.cpu._is_amx_tile_supported())


def _may_have_amx() -> bool:
    """Whether the processor could have AMX, as far as Linux tells; torch asks the processor."""
    try:
        return "amx_tile" in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return sys.platform != "darwin"  # AMX is Intel's


def device_name(device: str) -> str:
    """Return a GPU's model where torch tells it, else the kind of device."""
    if not device.startswith("cuda"):
        return device
    import torch

    return torch.cuda.get_device_name(device)


def is_out_of_memory(error: Exception) -> bool:
    """Whether torch or Python found no room; torch has a class of its own only for GPUs."""
    words = ("out of memory", "allocate memory", "bad_alloc")
    return isinstance(error, MemoryError) or any(each in str(error) for each in words)


def memory_format(device: str, precision: str = "bfloat16") -> "torch.memory_format":
    """Return how convolutions should find their images and filters in memory.

    Channels last, which is faster, but for MPS, where versions of torch compute it wrongly, and for
    CUDA in float32, for which it has few kernels.
    """
    import torch

    is_slow = device.startswith("cuda") and precision == "float32"
    if device.startswith("mps") or is_slow:
        return torch.contiguous_format
    return torch.channels_last


def autocast(device: str, precision: str) -> AbstractContextManager[None]:
    """Return the context in which a forward pass runs at this precision."""
    import torch

    enabled = precision == "bfloat16"
    return torch.autocast(device.partition(":")[0], dtype=torch.bfloat16, enabled=enabled)


@contextmanager
def determinism(threads: int, *, deterministic: bool = True) -> Iterator[None]:
    """Run with a fixed CPU thread count and, where asked, deterministic algorithms without TF32.

    The order of a sum depends on the number of threads, so equal bytes need equal threads.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    if torch.cuda.is_available():
        # not on a CPU, where it changes nothing we use and loads the compiler, which takes seconds
        if deterministic:  # without it cuBLAS may add in another order; read when it first starts
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(deterministic, warn_only=True)
        torch.backends.cuda.matmul.allow_tf32 = not deterministic
        torch.backends.cudnn.allow_tf32 = not deterministic
        torch.backends.cudnn.benchmark = not deterministic
        # it would write over every new tensor, for reads of memory that nothing here makes
        torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_num_threads(before)
