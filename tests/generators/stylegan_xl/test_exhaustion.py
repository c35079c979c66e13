"""Files that would take all memory or time are refused within little of either."""

import io
import json
import pickle
import struct
import subprocess
import sys
import warnings
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from synthmix.generators.stylegan_xl._pickle import CannotRead, RefusedPickle, read_pickle
from synthmix.generators.stylegan_xl.weights import FORMAT, convert, read
from tests.generators.stylegan_xl import published
from tests.generators.stylegan_xl.test_pickle import Call, pickle_of, written

MEMORY, SECONDS = 2**29, 60
READING = f"""
import resource, sys
from pathlib import Path
from synthmix.errors import DataError
from synthmix.generators.stylegan_xl.weights import load
used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_DATA, (used + {MEMORY},) * 2)
resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS},) * 2)
try:
    bytearray(2**30)
except MemoryError:
    print("no memory")
for path in sys.argv[1:]:
    try:
        load(Path(path))
    except DataError as error:
        print(error, flush=True)
    else:
        print("read", flush=True)
"""


def laughing(of: Any, kind: Any = list) -> Any:
    """Return what has 2 ** 60 leaves, each level naming the one below twice."""
    for _ in range(60):
        of = kind([of, of])
    return of


def nested_storage(values: torch.Tensor) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.save(values.storage(), buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def tensor(storage: bytes, *shape: Any) -> Call:
    nested = Call("torch.storage", "_load_from_bytes", storage)
    return Call("torch._utils", "_rebuild_tensor_v2", nested, *shape, False, None)


def zip_bomb() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"\0" * 2**26)
    return buffer.getvalue()


def changed_layer(**state: Any) -> bytes:
    network = published.random_network(published.small_architecture())
    with warnings.catch_warnings(), published.original_modules():
        warnings.simplefilter("ignore")
        generator = published.generator(network)
        synthesis = generator.state["_modules"]["synthesis"]
        *_, last = synthesis.state["_modules"].values()
        for name, value in state.items():
            target = synthesis if name == "layer_names" else last
            target.state[name] = value
        return pickle.dumps({"G_ema": generator}, protocol=4)


def module_tree() -> bytes:
    """A generator each of whose modules holds the next one twice."""
    with published.original_modules():
        node = published.Persistent("Leaf", {"_modules": {}})
        for _ in range(60):
            node = published.Persistent("Node", {"_modules": {"mapping": node, "synthesis": node}})
        return pickle.dumps({"G_ema": node}, protocol=4)


_KEY = b"})" + b"".join(b"q%c0h%ch%c\x86" % (n, n, n) for n in range(60)) + b"Ns"
ATTACKS = {
    "a key that takes for ever to hash": b"\x80\x03" + _KEY + b".",
    "a set of such": pickle_of(Call("builtins", "set", [laughing((), tuple)])),
    "a class name that takes for ever to print": pickle_of(
        {
            "G_ema": Call(
                "torch_utils.persistence",
                "_reconstruct_persistent_obj",
                {"type": "class", "version": 6, "class_name": laughing([]), "state": {}},
            )
        }
    ),
    "a memo of four billion places": b"\x80\x03Nr\xff\xff\xff\xff.",
    "one number expanded to a trillion": pickle_of(
        tensor(nested_storage(torch.ones(4)), 0, (10**12,), (0,))
    ),
    "a scalar of a hundred gigabytes": pickle_of(
        Call("numpy.core.multiarray", "scalar", Call("numpy", "dtype", "f8"), 10**11)
    ),
    "a zip bomb": pickle_of(Call("torch.storage", "_load_from_bytes", zip_bomb())),
    "a storage of a trillion": pickle_of(
        Call(
            "torch.storage",
            "_load_from_bytes",
            nested_storage(torch.ones(4)).replace(b"K\x04N", b"\x8a\x06" + b"\xff" * 5 + b"\0N"),
        )
    ),
    "a text of a terabyte": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"abc.",
    "millions of values": b"\x80\x03" + b"N0" * 2_000_000 + b"N.",
    "a side that takes for ever to print": changed_layer(out_size=laughing([])),
    "a rate that takes for ever to print": changed_layer(in_sampling_rate=laughing([])),
    "a layer's name that takes for ever to hash": changed_layer(layer_names=[laughing((), tuple)]),
    "a tree of modules without end": module_tree(),
}


def test_a_header_of_any_length_is_no_pickle(tmp_path: Path) -> None:
    """A pickle's first byte is also that of one header length in 256."""
    good = tmp_path / "good.safetensors"
    spec = convert(published.write(tmp_path / "good.pkl"), good)
    with safe_open(good, "pt") as file:
        header = file.metadata()
    for filler in range(0, 2100, 8):
        save_file(load_file(good), good, metadata=header | {"note": "x" * filler})
        if good.read_bytes()[0] == 0x80:
            break
    else:
        raise AssertionError("no such length")
    assert read(good)[0] == spec


def headers(good: dict[str, Any]) -> dict[str, str]:
    layer = good["layers"][-2]
    wide = {**layer, "in_size": 2000, "out_size": 2000, "in_sampling_rate": 10, "filter_size": 64}
    return {
        "a million layers": json.dumps({**good, "layers": [layer] * 20_000}),
        "a layer as wide as a house": json.dumps({**good, "layers": [wide, good["layers"][-1]]}),
        "depth": "[" * 100_000,
        "no JSON": "{",
    }


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one process with little memory and time says of each file."""
    folder = tmp_path_factory.mktemp("attacks")
    spec = convert(published.write(folder / "good.pkl"), folder / "good.safetensors")
    files = {**ATTACKS, "the good one": (folder / "good.pkl").read_bytes()}
    for number, content in enumerate(files.values()):
        (folder / f"{number:02d}.pkl").write_bytes(content)
    texts = headers(json.loads(json.dumps(spec.to_dict())))
    for number, text in enumerate(texts.values(), start=len(files)):
        metadata = {"format": FORMAT, "architecture": text}
        save_file({"a": torch.ones(1)}, folder / f"{number:02d}.safetensors", metadata=metadata)
    paths = sorted(path for path in folder.iterdir() if path.stem.isdigit())
    command = [sys.executable, "-W", "ignore", "-c", READING, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=4 * SECONDS)
    assert done.returncode == 0, done.stderr[-2000:]
    return dict(zip(["a gigabyte", *files, *texts], done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("name", [*ATTACKS, "a million layers", "a layer as wide as a house"])
def test_nothing_is_exhausted(name: str, answers: dict[str, str]) -> None:
    assert "cannot be" in answers[name] or "is not laid out" in answers[name]
    assert len(answers[name]) < 600


def test_headers_that_are_no_json(answers: dict[str, str]) -> None:
    for name in ("depth", "no JSON"):
        assert "the architecture in its header is no JSON text" in answers[name]


def test_after_all_attacks_a_good_file_is_read(answers: dict[str, str]) -> None:
    assert answers["the good one"] == "read"


def test_memory_is_held_back_where_it_counts(answers: dict[str, str]) -> None:
    """Without the limit of `READING` the other answers would prove nothing."""
    assert answers["a gigabyte"] == "no memory"


@pytest.mark.parametrize("target", ["Persistent", "_rebuild_tensor"])
def test_code_of_ours_cannot_be_given_attributes(target: str) -> None:
    from synthmix.generators.stylegan_xl import _pickle

    before = dict(vars(getattr(_pickle, target)))
    named = {
        "Persistent": b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n",
        "_rebuild_tensor": b"ctorch._utils\n_rebuild_tensor_v2\n",
    }
    state = written({"__doc__": "changed", "__init__": "changed"})
    with pytest.raises(CannotRead, match="gives a state"):
        read_pickle(io.BytesIO(b"\x80\x03" + named[target] + b"N" + state + b"\x86b."))
    assert dict(vars(getattr(_pickle, target))) == before


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\x80\x09N.", "its protocol is 9; the newest one is 5"),
        (b"\x80\x04\x82\x01.", "EXT1 has no place"),
        (b"\x80\x05\x97.", "NEXT_BUFFER has no place"),
        (b"\x80\x03P0\n.", "objects outside the file"),
        (b"\x80\x03h\x05.", "recalls a value"),
        (b"\x80\x03t.", "a mark where there is none"),
        (b"\x80\x03.", "takes a value"),
        (b"\x80\x03N)R.", "cannot be called"),
        (b"\x80\x03N(NNu.", "no mapping"),
        (b"\x80\x03N(NNe.", "no list"),
        (b"\x80\x03N", "damaged or cut short"),
    ],
)
def test_streams_that_no_pickler_writes(content: bytes, reason: str) -> None:
    with pytest.raises(CannotRead, match=reason):
        read_pickle(io.BytesIO(content))


@pytest.mark.parametrize("opcode", [b"cposix\nsystem\n(S'x'\ntR", b"(S'x'\niposix\nsystem\n"])
def test_every_way_to_name_a_global_is_looked_at(opcode: bytes) -> None:
    by_stack = b"\x8c\x05posix\x8c\x06system\x93"
    for way in (opcode, b"(" + by_stack + b"S'x'\no", by_stack + b")\x81", by_stack + b")}\x92"):
        with pytest.raises(RefusedPickle, match=r"posix\.system"):
            read_pickle(io.BytesIO(b"\x80\x04" + way + b"."))


def test_a_file_cut_anywhere(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = published.random_network(published.small_architecture())
        content = published.pickled(network)
    path = tmp_path / "cut.pkl"
    for length in range(1, len(content), 3001):
        path.write_bytes(content[:length])
        with pytest.raises(CannotRead) as refused, path.open("rb") as file:
            read_pickle(file)
        assert "\n" not in str(refused.value)
    path.write_bytes(content)
    assert read(path)[0] == network.spec
