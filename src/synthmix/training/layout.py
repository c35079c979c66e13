"""How a model's images and filters lie in memory: channels last, unless that ends the process.

Some builds of torch abort in a training step of some networks on some processors (2.14 with AVX2:
the gradient of a 1 x 1 convolution of stride 2 on 3 or 4 channels, channels last, float32). No
error can be caught there, so a step is tried in a process that may die. The answer is kept.
"""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from synthmix.errors import ArtifactError, DiskFull, SettingError
from synthmix.hardware import autocast, memory_format
from synthmix.store import cache_folder, fingerprint, read_json, write_json
from synthmix.training.models import build_model, is_foreign

TRIED_BATCH = 32
"""Images of a tried step at most."""

_SECONDS = 300
_CRASHES = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGILL, -signal.SIGFPE}
_ISA = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA")
"""What bounds the instructions that torch and oneDNN use."""


@dataclass(frozen=True)
class Step:
    """A training step that may be tried: which model, on what images."""

    model: str
    num_classes: int
    image_size: int
    batch_size: int
    precision: str
    is_channels_last: bool = True

    def take(self) -> None:
        """Run the model forwards and backwards once, on zeros."""
        layout = torch.channels_last if self.is_channels_last else torch.contiguous_format
        model = build_model(self.model, self.num_classes, self.image_size).train()
        model = model.to(memory_format=layout)
        images = torch.zeros(self.batch_size, 3, self.image_size, self.image_size)
        with autocast("cpu", self.precision):
            logits = model(images.contiguous(memory_format=layout))
        labels = torch.zeros(self.batch_size, dtype=torch.int64)
        torch.autograd.backward(functional.cross_entropy(logits.float(), labels))


def layout_of(
    model: str, num_classes: int, image_size: int, batch_size: int, device: str, precision: str
) -> torch.memory_format:
    """Return the layout in which a model can be trained here.

    Raises SettingError where a training step ends the process in either layout.
    """
    usual = memory_format(device, precision)
    is_known = device != "cpu" or not is_foreign(model) or usual != torch.channels_last
    if is_known or not sys.executable or getattr(sys, "frozen", False):
        return usual
    step = Step(model, num_classes, image_size, min(batch_size, TRIED_BATCH), precision)
    ends = _ends(step)
    if not ends:
        return usual
    ends = _ends(Step(**{**asdict(step), "is_channels_last": False}))
    if ends:
        raise SettingError(
            f"training.model is '{model}': a training step of it ends the process on this machine "
            f"({ends}; torch {torch.__version__}, {image_size} pixels, {precision}). Choose "
            "another model, or another training.precision."
        )
    return torch.contiguous_format


def _ends(step: Step) -> str:
    """Return the signal by which a step ends its process; nothing where it does not."""
    path = cache_folder() / "layouts.json"
    key = fingerprint([asdict(step), torch.__version__, _processor()])
    known = _read(path)
    if isinstance(known.get(key), str):
        return str(known[key])
    found = _tried(step)
    with suppress(OSError, DiskFull):  # tried again next time
        write_json(path, {**_read(path), key: found})
    return found


def _read(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ArtifactError):
        return {}
    return found if isinstance(found, dict) else {}


def _processor() -> list[str | None]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    model = sorted({line for line in lines if line.startswith(("model name", "flags", "Features"))})
    return [torch.backends.cpu.get_cpu_capability(), *model, *map(os.environ.get, _ISA)]


def _tried(step: Step) -> str:
    """Take a step in a process of its own; return the signal that ended it, if one did.

    What else may go wrong with a model is told where it is built.
    """
    program = "import sys; from synthmix.training.layout import _child; _child(sys.argv[1])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, json.dumps(asdict(step))],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return signal.Signals(-done.returncode).name if done.returncode in _CRASHES else ""


def _child(asked: str) -> None:
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # its death is no news
    torch.set_num_threads(1)
    Step(**json.loads(asked)).take()
