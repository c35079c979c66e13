"""Published layouts are read; whatever is hostile or damaged is refused, and nothing runs."""

import io
import os
import pickle
import struct
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import dill
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from synthmix.errors import DataError
from synthmix.generators.stylegan_xl._pickle import (
    CannotRead,
    Persistent,
    RefusedPickle,
    read_pickle,
)
from synthmix.generators.stylegan_xl.weights import read
from tests.generators.stylegan_xl import published

NETWORK = published.random_network(published.small_architecture())


@pytest.fixture(autouse=True)
def _old_storages_are_no_news():
    # torch warns of the storages that its own old format is made of
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _written(**how: Any) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return published.pickled(NETWORK, **how)


def check(content: bytes, folder: Path) -> None:
    path = folder / "network.pkl"
    path.write_bytes(content)
    spec, tensors = read(path)
    assert spec == NETWORK.spec
    wanted = NETWORK.state_dict()
    assert tensors.keys() == wanted.keys()
    for name, tensor in tensors.items():
        assert torch.equal(tensor, wanted[name]), name


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("writer", [pickle, dill], ids=["pickle", "dill"])
def test_published_layouts(protocol: int, writer: Any, tmp_path: Path) -> None:
    check(_written(protocol=protocol, writer=writer), tmp_path)


def test_the_averaged_generator_is_taken_not_the_other(tmp_path: Path) -> None:
    content = _written()
    path = tmp_path / "network.pkl"
    path.write_bytes(content)
    other = published.random_network(NETWORK.spec, seed=99)
    name = "synthesis.input.freqs"
    assert not torch.equal(read(path)[1][name], other.state_dict()[name])


def test_storages_of_a_gpu(tmp_path: Path) -> None:
    with published.storages_on("cuda:0"):
        content = _written()
    assert b"cuda:0" in content
    check(content, tmp_path)


def test_the_first_release_has_no_kernel_attributes(tmp_path: Path) -> None:
    content = _written(first_release=True)
    assert b"conv_kernel" not in content
    check(content, tmp_path)


def test_numpy_under_its_older_name(tmp_path: Path) -> None:
    content = _written(protocol=3).replace(b"numpy._core.", b"numpy.core.")
    assert b"numpy._core" not in content
    check(content, tmp_path)


class Call:
    """Pickles as a call of a global by name, which need not exist here."""

    def __init__(self, module: str, name: str, *arguments: Any) -> None:
        self.module, self.name, self.arguments = module, name, arguments


def written(value: Any) -> bytes:
    """Return protocol 3 bytes of nested calls, lists, dicts and plain values."""
    if isinstance(value, Call):
        body = f"c{value.module}\n{value.name}\n".encode() + b"("
        return body + b"".join(_body(each) for each in value.arguments) + b"tR"
    return _body(value)


def _body(value: Any) -> bytes:
    if isinstance(value, Call):
        return written(value)
    if isinstance(value, dict):
        pairs = b"".join(_body(key) + _body(each) for key, each in value.items())
        return b"}(" + pairs + b"u"
    return pickle.dumps(value, protocol=3)[2:-1]


def pickle_of(value: Any) -> bytes:
    return b"\x80\x03" + written(value) + b"."


CANARY = "canary"
NESTED = pickle_of(Call("posix", "system", f"touch {CANARY}"))
HOSTILE = {
    "posix.system": Call("posix", "system", f"touch {CANARY}"),
    "os.system": Call("os", "system", f"touch {CANARY}"),
    "builtins.eval": Call("builtins", "eval", f"open('{CANARY}', 'w')"),
    "builtins.exec": Call("builtins", "exec", f"open('{CANARY}', 'w')"),
    "builtins.getattr": Call("builtins", "getattr", Call("builtins", "__import__", "os"), "system"),
    "builtins.__import__": Call("builtins", "__import__", "os"),
    "subprocess.Popen": Call("subprocess", "Popen", ["touch", CANARY]),
    "torch.load": Call("torch", "load", "x"),
    "torch.hub.load": Call("torch.hub", "load", "x", "y"),
    "torch.storage._load_from_bytes.__globals__": Call(
        "torch.storage", "_load_from_bytes.__globals__"
    ),
    "numpy.load": Call("numpy", "load", "x"),
    "numpy.dtype": Call("numpy", "dtype", "O"),
    "runpy._run_code": Call("runpy", "_run_code", "x"),
    "importlib.import_module": Call("importlib", "import_module", "os"),
    "synthmix.store.Artifact": Call("synthmix.store", "Artifact"),
    "timmy.x": Call("timmy", "x"),
    "dill._dill._eval_repr": Call("dill._dill", "_eval_repr", f"open('{CANARY}', 'w')"),
    "os.popen": Call(
        "dill._dill", "_get_attr", Call("dill._dill", "_import_module", "os"), "popen"
    ),
    "dill._dill._get_attr": Call("dill._dill", "_get_attr", "text", "__class__"),
    "dill._dill._create_array": Call(
        "dill._dill", "_create_array", Call("timm", "system"), (), (1, (1,), None, False, b"")
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("place", ["alone", "in D"])
def test_hostile_pickles_are_refused_by_name(
    name: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    value = HOSTILE[name] if place == "alone" else {"G": None, "D": HOSTILE[name], "G_ema": None}
    path = tmp_path / "hostile.pkl"
    path.write_bytes(pickle_of(value))
    with pytest.raises(RefusedPickle) as refused:
        read(path)
    assert name in str(refused.value)
    assert "hostile.pkl" in str(refused.value)
    assert not (tmp_path / CANARY).exists()


def test_the_pickles_above_would_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # without this the tests above could pass on bytes that do nothing
    monkeypatch.chdir(tmp_path)
    pickle.loads(pickle_of(HOSTILE["posix.system"]))
    assert (tmp_path / CANARY).exists()


class _Hostile:
    def __reduce__(self) -> Any:
        return os.system, (f"touch {CANARY}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_nested_stream_is_read_as_strictly(
    zipped: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    buffer = io.BytesIO()
    torch.save(_Hostile(), buffer, _use_new_zipfile_serialization=zipped)
    for nested in (buffer.getvalue(), NESTED):
        content = pickle_of(Call("torch.storage", "_load_from_bytes", nested))
        with pytest.raises((RefusedPickle, CannotRead)):
            read_pickle(io.BytesIO(content))
        assert not (tmp_path / CANARY).exists()
    saved = pickle_of(Call("torch.storage", "_load_from_bytes", buffer.getvalue()))
    # published files have none of the zipped kind, which may hold far more than it weighs
    kind, reason = (CannotRead, "damaged") if zipped else (RefusedPickle, "system")
    with pytest.raises(kind, match=reason):
        read_pickle(io.BytesIO(saved))


def test_a_nested_stream_must_be_a_storage() -> None:
    buffer = io.BytesIO()
    torch.save({"a": 1}, buffer, _use_new_zipfile_serialization=False)
    content = pickle_of(Call("torch.storage", "_load_from_bytes", buffer.getvalue()))
    with pytest.raises(CannotRead, match="something else"):
        read_pickle(io.BytesIO(content))


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [(0, (100,), (1,)), (-1, (1,), (1,)), (0, (2,), (10**9,)), (3, (2,), (1,)), (0, (2,), (-1,))],
)
def test_a_tensor_stays_inside_its_storage(offset: int, size: Any, stride: Any) -> None:
    buffer = io.BytesIO()
    storage = torch.arange(4.0).storage()
    torch.save(storage, buffer, _use_new_zipfile_serialization=False)
    nested = Call("torch.storage", "_load_from_bytes", buffer.getvalue())
    call = Call(
        "torch._utils",
        "_rebuild_tensor_v2",
        nested,
        offset,
        size,
        stride,
        False,
        Call("collections", "OrderedDict"),
    )
    with pytest.raises(CannotRead):
        read_pickle(io.BytesIO(pickle_of(call)))


def test_strided_tensors_are_rebuilt() -> None:
    tensor = torch.arange(24.0).view(4, 6).T[1:4, ::2]
    found = read_pickle(io.BytesIO(pickle.dumps(tensor, protocol=4)))
    assert torch.equal(found, tensor)


def test_the_discriminator_is_inert() -> None:
    with published.original_modules():
        content = pickle.dumps(published.discriminator(), protocol=4)
    found = read_pickle(io.BytesIO(content))
    assert isinstance(found, Persistent)
    kinds = {type(each).__module__ for each in found.state["_modules"].values()}
    assert kinds == {"synthmix.generators.stylegan_xl._opcodes"}


def test_reading_imports_nothing() -> None:
    import sys

    content = _written(writer=dill)
    before = {name for name in sys.modules if name.startswith(("torch_utils", "dnnlib", "timm"))}
    read_pickle(io.BytesIO(content))
    after = {name for name in sys.modules if name.startswith(("torch_utils", "dnnlib", "timm"))}
    assert after == before


def test_dills_way_to_numpy() -> None:
    scalar = Call(
        "dill._dill",
        "_get_attr",
        Call("dill._dill", "_import_module", "numpy.core._multiarray_umath"),
        "scalar",
    )
    dtype = Call("numpy", "dtype", "f8", False, True)
    data = struct.pack("<d", 1.5)
    # a call of what the first call returned
    content = b"\x80\x03" + written(scalar) + b"(" + written(dtype) + _body(data) + b"tR."
    assert read_pickle(io.BytesIO(content)) == 1.5


def test_numpy_arrays_of_either_order() -> None:
    for array in (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6.0).reshape(2, 3))):
        found = read_pickle(io.BytesIO(pickle.dumps(array, protocol=4)))
        assert np.array_equal(found.value, array)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short(share: float, tmp_path: Path) -> None:
    content = _written()
    path = tmp_path / "cut.pkl"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(DataError, match=r"cut\.pkl"):
        read(path)


CONTENT = _written(protocol=3)


@settings(max_examples=100)
@given(
    places=st.lists(st.integers(0, len(CONTENT) - 1), min_size=1, max_size=4),
    values=st.lists(st.integers(0, 255), min_size=4, max_size=4),
)
def test_damaged_bytes_end_in_a_clear_error_or_in_other_numbers(
    places: list[int], values: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    damaged = bytearray(CONTENT)
    for place, value in zip(places, values, strict=False):
        damaged[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    path.write_bytes(damaged)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with suppress(DataError):
            read(path)


# opcodes dense at the start: names, sizes and calls are hit far more often than numbers
@settings(max_examples=100)
@given(place=st.integers(0, 3000), value=st.integers(0, 255))
def test_damaged_opcodes(place: int, value: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    with published.original_modules():
        content = bytearray(pickle.dumps(published.discriminator(), protocol=4))
    content[place % len(content)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.pkl"
    path.write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(DataError):
            read(path)  # without G_ema it is never right
