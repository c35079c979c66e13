"""What the published pickles hold, as inert values; nothing that a file holds is ever run.

Every global a pickle names falls in one of three lists: what is constructed, by code of ours;
what becomes an inert stub, since the discriminator drags it along; and everything else, which is
refused by name. Nothing is imported on a pickle's behalf.
"""

import io
import math
import re
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from synthmix.generators.stylegan_xl._opcodes import (
    Budget,
    CannotRead,
    Constructor,
    Inert,
    RefusedPickle,
    Stub,
    carry_out,
)

__all__ = ["CannotRead", "Embedding", "Persistent", "RefusedPickle", "Stub", "read_pickle"]

_PERSISTENT_VERSION = 6
_NUMPY_TYPE = re.compile(r"[<>=|]?[biuf][1248]|b1|bool|u?int(?:8|16|32|64)|float(?:16|32|64)")
_MAGIC, _STORAGE_PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_MOST_DIMENSIONS = 8

_STORAGES = {
    "FloatStorage": torch.float32,
    "DoubleStorage": torch.float64,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


class Embedding(Stub):
    """A torch embedding, of which only the state is wanted."""

    def __init__(self, *args: Any) -> None:
        self.state: dict[str, Any] = {}

    def set_state(self, state: Any) -> None:
        """Take the object's attributes."""
        self.state = state if isinstance(state, dict) else {}


class Persistent(Inert):
    """An object of the original's classes: its class name and its attributes, no code."""

    def __init__(self, meta: Any) -> None:
        meta = meta if isinstance(meta, dict) else {}
        name, state = meta.get("class_name"), meta.get("state")
        self.class_name = name if isinstance(name, str) else ""
        self.state: dict[str, Any] = state if isinstance(state, dict) else {}
        if meta.get("type") != "class" or meta.get("version") != _PERSISTENT_VERSION:
            raise CannotRead("it holds a persistent object of a kind that is not known")


class _NumpyType(Inert):
    """A NumPy number type; names of anything else are refused."""

    def __init__(self, name: Any, *flags: Any) -> None:
        if not isinstance(name, str) or not _NUMPY_TYPE.fullmatch(name):
            shown = name[:40] if isinstance(name, str) else type(name).__name__
            raise RefusedPickle(f"numpy.dtype({shown!r})")
        self.dtype = np.dtype(name)

    def set_state(self, state: Any) -> None:
        """Take the byte order."""
        self.dtype = self.dtype.newbyteorder(">" if state[1] == ">" else "<")


class _Array(Inert):
    """A NumPy array, made when it is asked for."""

    def __init__(self, *args: Any) -> None:
        self._state: Any = None

    def set_state(self, state: Any) -> None:
        """Take shape, type, order and bytes, as they are pickled."""
        self._state = state

    @property
    def value(self) -> NDArray[Any]:
        """The array; raises ValueError and the like where its state is damaged."""
        _, shape, kind, is_fortran, data = self._state
        flat = np.frombuffer(_bytes(data), kind.dtype)
        return flat.reshape(shape, order="F" if is_fortran else "C")


def _create_array(function: Any, args: Any, state: Any, attributes: Any = None) -> _Array:
    if not isinstance(function, Constructor) or function.build is not _Array:
        raise RefusedPickle("dill._dill._create_array of something that is no array")
    array = _Array()
    array.set_state(state)
    return array


def _array_from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> _Array:
    """Return an array as protocol 5 holds it."""
    array = _Array()
    array.set_state((1, shape, kind, order == "F", data))
    return array


def _scalar(kind: Any, data: Any = b"") -> Any:
    if not isinstance(kind, _NumpyType) or len(data) != kind.dtype.itemsize:
        raise CannotRead("a number in it has another size than its type")
    return np.frombuffer(_bytes(data), kind.dtype)[0].item()


def _bytes(data: Any) -> bytes:
    # protocol 2 and older hold bytes as text
    if isinstance(data, str):
        return data.encode("latin1")
    if not isinstance(data, bytes | bytearray):
        raise CannotRead("numbers in it are not stored as bytes")
    return bytes(data)


def _storage_type(module: str, name: str) -> Constructor:
    if module != "torch" or name not in _STORAGES:
        raise RefusedPickle(f"{module}.{name}")
    return Constructor(name, Stub)


def _storage(data: Any, budget: Budget) -> Tensor:
    """Return a storage, flat, from its nested stream: four small pickles, then its numbers."""
    if not isinstance(data, bytes):
        raise CannotRead("a tensor's storage is not stored as bytes")
    file = io.BytesIO(data)
    magic = carry_out(file, _storage_type, budget)
    if magic != _MAGIC or carry_out(file, _storage_type, budget) != _STORAGE_PROTOCOL:
        raise CannotRead("a tensor's storage is of a kind that is not known")
    system = carry_out(file, _storage_type, budget)
    if not isinstance(system, dict) or system.get("little_endian") is not True:
        raise CannotRead("a tensor's storage has its bytes in another order")
    marked = carry_out(file, _storage_type, budget, outside=_StorageMark)
    if not isinstance(marked, _StorageMark):
        raise CannotRead("a tensor's storage holds something else")
    carry_out(file, _storage_type, budget)
    return marked.numbers(data, file.tell())


class _StorageMark(Inert):
    """Stands in a nested stream for the storage whose numbers follow."""

    def __init__(self, pid: Any) -> None:
        if not isinstance(pid, tuple) or len(pid) < 5 or not isinstance(pid[1], Constructor):
            raise CannotRead("a tensor's storage is damaged")
        self.dtype, self.count = _STORAGES[pid[1].name], pid[4]
        if pid[5:] not in ((), (None,)):
            raise CannotRead("a tensor's storage is a part of another one")

    def numbers(self, data: bytes, place: int) -> Tensor:
        """Return what lies in `data` from `place` on: a count, then as many numbers."""
        first, width = place + 8, self.dtype.itemsize
        count = int.from_bytes(data[place:first], "little")
        if count != self.count or len(data) - first != count * width:
            raise CannotRead("a tensor's storage holds another number of values than it says")
        if not count:
            return torch.empty(0, dtype=self.dtype)
        with warnings.catch_warnings():
            # of memory that cannot be written, which nothing does
            warnings.simplefilter("ignore")
            return torch.frombuffer(data, dtype=self.dtype, count=count, offset=first)


def _rebuild_tensor(storage: Any, offset: Any, size: Any, stride: Any, *rest: Any) -> Tensor:
    """Return a view: a file may name one storage a million times."""
    if not isinstance(storage, Tensor) or storage.ndim != 1:
        raise CannotRead("a tensor has no storage")
    numbers = (offset, *_short_tuple(size), *_short_tuple(stride))
    if len(size) != len(stride) or not all(type(n) is int and n >= 0 for n in numbers):
        raise CannotRead("a tensor's shape is damaged")
    reach = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True) if n)
    if reach >= max(len(storage), 1) or math.prod(size) > max(len(storage), 1):
        raise CannotRead("a tensor reaches outside its storage")
    return storage.as_strided(size, stride, offset)


def _short_tuple(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, tuple) or len(value) > _MOST_DIMENSIONS:
        raise CannotRead("a tensor's shape is damaged")
    return value


def _rebuild_parameter(data: Any, requires_grad: Any = None, hooks: Any = None) -> Any:
    return data


class _ModuleName(Inert):
    """The name of a module that is not imported."""

    def __init__(self, name: Any) -> None:
        if not isinstance(name, str):
            raise CannotRead("the name of a module is no text")
        self.name = name


def _get_attr(module: Any, name: Any, *rest: Any) -> Constructor:
    if not isinstance(module, _ModuleName) or not isinstance(name, str):
        raise RefusedPickle(f"dill._dill._get_attr of {type(module).__name__}")
    return _resolved(module.name, name)


def _mapping(*args: Any) -> dict[Any, Any]:
    if args:
        raise CannotRead("a mapping in it is made from something")
    return {}


_NUMPY_FUNCTIONS: dict[str, Callable[..., Any]] = {"_reconstruct": _Array, "scalar": _scalar}
_NUMPY_PACKAGES = ("numpy.core", "numpy._core")  # renamed in NumPy 2

_CONSTRUCTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("torch_utils.persistence", "_reconstruct_persistent_obj"): Persistent,
    ("dnnlib.util", "EasyDict"): _mapping,
    ("collections", "OrderedDict"): _mapping,
    ("builtins", "set"): Stub,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_parameter"): _rebuild_parameter,
    ("torch.nn.modules.sparse", "Embedding"): Embedding,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _NumpyType,
    ("dill._dill", "_load_type"): lambda name: Constructor("dill._dill._load_type", Stub),
    ("dill._dill", "_import_module"): _ModuleName,
    ("dill._dill", "_get_attr"): _get_attr,
    ("dill._dill", "_create_array"): _create_array,
    **{
        (f"{package}.{module}", name): function
        for package in _NUMPY_PACKAGES
        for module in ("multiarray", "_multiarray_umath")
        for name, function in _NUMPY_FUNCTIONS.items()
    },
    **{(f"{each}.numeric", "_frombuffer"): _array_from_buffer for each in _NUMPY_PACKAGES},
}

_STUBBED = ("torch.nn.modules", "timm", "pg_modules", "feature_networks")
"""Packages of which every name becomes a stub."""

_STUBBED_NAMES = {
    ("torch", "Size"),
    *(("dill._dill", name) for name in ("_create_function", "_create_code", "_create_cell")),
}


def _resolved(module: str, name: str) -> Constructor:
    """Return what stands for a global; raises RefusedPickle with its name."""
    if (module, name) in _CONSTRUCTED:
        return Constructor(f"{module}.{name}", _CONSTRUCTED[module, name])
    is_stubbed = any(module == each or module.startswith(f"{each}.") for each in _STUBBED)
    is_norm = f"{module}.".startswith("torch.nn.utils.spectral_norm.")
    if is_stubbed or is_norm or (module, name) in _STUBBED_NAMES:
        return Constructor("a stub", Stub)
    raise RefusedPickle(f"{module}.{name}"[:200])


def read_pickle(file: BinaryIO) -> Any:
    """Return the value a pickle stands for, of plain containers, tensors, Persistent and Stub.

    Tensors are views of the file's bytes. Raises RefusedPickle with the name of what the pickle
    tried to use, and CannotRead where it is damaged.
    """
    budget = Budget()
    storage = Constructor("torch.storage._load_from_bytes", lambda data: _storage(data, budget))

    def resolve(module: str, name: str) -> Constructor:
        is_storage = (module, name) == ("torch.storage", "_load_from_bytes")
        return storage if is_storage else _resolved(module, name)

    try:
        return carry_out(file, resolve, budget)
    except (RefusedPickle, CannotRead):
        raise
    except Exception as error:  # a damaged stream can fail in any way, and has run nothing
        reason = str(error).partition("\n")[0][:100] or type(error).__name__
        raise CannotRead(f"it is damaged or cut short ({reason})") from None
