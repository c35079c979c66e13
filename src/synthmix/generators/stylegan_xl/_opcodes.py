"""A pickle's opcodes, carried out on inert values: plain containers and what a caller constructs.

Python's own unpicklers call, hash, copy and set attributes as a file tells them; the worst a file
can do here is to be refused. What a file costs is bounded by its size and by a number of opcodes.
"""

import os
import pickletools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from synthmix.errors import DataError

NEWEST_PROTOCOL = 5
MOST_OPCODES = 2_000_000
"""Published files, discriminator included, have a small fraction of that."""


class RefusedPickle(DataError):
    """A pickle names something that has no place in a file of weights."""


class CannotRead(DataError):
    """A file is not a pickle, is cut short, or does not hold what it should."""


@dataclass(frozen=True)
class Constructor:
    """What stands for a global that a pickle names; only these are ever called."""

    name: str
    build: Callable[..., Any]


class Inert:
    """Base of what constructors return; takes the state that a pickle gives it."""

    def set_state(self, state: Any) -> None:
        """Take a state and forget it."""


class Stub(Inert):
    """Stands for an object that is of no use here; takes whatever a pickle does to it."""

    def __init__(self, *args: Any) -> None:
        pass


class Budget:
    """Opcodes that may still be carried out, in a file and the streams nested in it."""

    def __init__(self, opcodes: int = MOST_OPCODES) -> None:
        self._left = opcodes

    def spend(self) -> None:
        """Take one; raises CannotRead where there is none left."""
        self._left -= 1
        if self._left < 0:
            raise CannotRead("it has millions of parts more than a published file")


Resolve = Callable[[str, str], Constructor]
"""Returns what stands for the global `(module, name)`; raises RefusedPickle."""

Outside = Callable[[Any], Any]
"""Returns what a persistent id stands for."""


def carry_out(
    file: BinaryIO, resolve: Resolve, budget: Budget, *, outside: Outside | None = None
) -> Any:
    """Return the value of the next pickle in a file, which is left just behind it.

    Raises CannotRead, RefusedPickle, or what a damaged stream makes of `pickletools`.
    """
    machine = _Machine(resolve, outside)
    for opcode, argument, _ in pickletools.genops(cast(BinaryIO, _Clipped(file))):
        budget.spend()
        if opcode.name == "STOP":
            return machine.pop()
        machine.step(opcode.name, argument)
    raise CannotRead("it is cut short")


class _Clipped:
    """A file that is never asked for more than it holds: a promised length must claim no memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        place = file.tell()
        self._size = file.seek(0, os.SEEK_END)
        file.seek(place)
        self.tell = file.tell
        self.readline = file.readline

    def read(self, size: int) -> bytes:
        return self._file.read(min(size, self._size - self._file.tell()))


class _Machine:
    def __init__(self, resolve: Resolve, outside: Outside | None) -> None:
        self.resolve = resolve
        self.outside = outside
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def step(self, name: str, argument: Any) -> None:
        if name in _PUSHED:
            self.stack.append(argument)
            return
        carried_out = _STEPS.get(name)
        if carried_out is None:
            raise CannotRead(f"its opcode {name} has no place in a file of weights")
        carried_out(self, argument)

    def push(self, value: Any) -> None:
        # a method, so that what the value is made of leaves the stack first
        self.stack.append(value)

    def pop(self) -> Any:
        if not self.stack:
            raise CannotRead("it takes a value where there is none")
        return self.stack.pop()

    def top(self) -> Any:
        if not self.stack:
            raise CannotRead("it takes a value where there is none")
        return self.stack[-1]

    def mark(self) -> None:
        self.below.append(self.stack)
        self.stack = []

    def to_mark(self) -> list[Any]:
        if not self.below:
            raise CannotRead("it goes back to a mark where there is none")
        found, self.stack = self.stack, self.below.pop()
        return found

    def drop(self) -> None:
        # a mark lies on the stack like a value
        if self.stack:
            self.stack.pop()
        else:
            self.drop_to_mark()

    def drop_to_mark(self) -> None:
        self.to_mark()

    def push_tuple(self, length: int) -> None:
        values = [self.pop() for _ in range(length)]
        self.stack.append(tuple(reversed(values)))

    def recall(self, number: int) -> None:
        if number not in self.memo:
            raise CannotRead("it recalls a value that it has not kept")
        self.stack.append(self.memo[number])

    def name(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise CannotRead("a name in it is no text")
        self.stack.append(self.resolve(module, name))

    def global_by_text(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.name(module, name)

    def global_of_stack(self) -> None:
        name, module = self.pop(), self.pop()
        self.name(module, name)

    def construct(self, what: Any, arguments: Any) -> None:
        if isinstance(what, Stub):
            self.stack.append(Stub())
            return
        if not isinstance(what, Constructor) or not isinstance(arguments, tuple | list):
            raise CannotRead("it calls something that cannot be called")
        self.stack.append(what.build(*arguments))

    def reduce(self) -> None:
        arguments, what = self.pop(), self.pop()
        self.construct(what, arguments)

    def new_with_keywords(self) -> None:
        self.pop()
        self.reduce()

    def instance_by_text(self, argument: str) -> None:
        arguments = self.to_mark()
        self.global_by_text(argument)
        self.construct(self.pop(), arguments)

    def instance_of_stack(self) -> None:
        what, *arguments = self.to_mark()
        self.construct(what, arguments)

    def give_state(self) -> None:
        state, target = self.pop(), self.top()
        if isinstance(target, Inert):
            target.set_state(state)
        elif not isinstance(target, dict):
            raise CannotRead("it gives a state to something that has none")

    def put_items(self, pairs: Sequence[Any]) -> None:
        target = self.top()
        if isinstance(target, dict):
            put(target, pairs)
        elif not isinstance(target, Stub):
            raise CannotRead("it puts items into something that is no mapping")

    def put_one(self) -> None:
        value, key = self.pop(), self.pop()
        self.put_items([key, value])

    def put_all(self) -> None:
        pairs = self.to_mark()
        self.put_items(pairs)

    def append(self, values: Sequence[Any]) -> None:
        target = self.top()
        if isinstance(target, list):
            target.extend(values)
        elif not isinstance(target, Stub):
            raise CannotRead("it appends to something that is no list")

    def append_one(self) -> None:
        value = self.pop()
        self.append([value])

    def append_all(self) -> None:
        values = self.to_mark()
        self.append(values)

    def refer(self, pid: Any) -> None:
        if self.outside is None:
            raise CannotRead("it refers to objects outside the file")
        self.stack.append(self.outside(pid))

    def check_protocol(self, protocol: int) -> None:
        if protocol > NEWEST_PROTOCOL:
            raise CannotRead(f"its protocol is {protocol}; the newest one is {NEWEST_PROTOCOL}")


def put(target: dict[Any, Any], pairs: Sequence[Any]) -> dict[Any, Any]:
    """Put keys and values, one after the other, into a dictionary and return it.

    Only texts and small numbers are kept as keys: the hash of nested tuples can take for ever.
    """
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        is_small = isinstance(key, int) and key.bit_length() < 61
        if key is None or is_small or isinstance(key, str | bytes):
            target[key] = value
    return target


_PUSHED = {
    *("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"),
    *("STRING", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8"),
    *("BYTEARRAY8", "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8"),
}
"""Opcodes that push their argument."""

_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda machine, protocol: machine.check_protocol(protocol),
    "FRAME": lambda machine, _: None,
    "NONE": lambda machine, _: machine.push(None),
    "NEWTRUE": lambda machine, _: machine.push(True),
    "NEWFALSE": lambda machine, _: machine.push(False),
    "EMPTY_LIST": lambda machine, _: machine.push([]),
    "EMPTY_DICT": lambda machine, _: machine.push({}),
    "EMPTY_TUPLE": lambda machine, _: machine.push(()),
    # of sets nothing is wanted, and filling one hashes
    "EMPTY_SET": lambda machine, _: machine.push(Stub()),
    "FROZENSET": lambda machine, _: machine.push(Stub(machine.to_mark())),
    "ADDITEMS": lambda machine, _: machine.append_all(),
    "MARK": lambda machine, _: machine.mark(),
    "POP": lambda machine, _: machine.drop(),
    "POP_MARK": lambda machine, _: machine.drop_to_mark(),
    "DUP": lambda machine, _: machine.push(machine.top()),
    "TUPLE": lambda machine, _: machine.push(tuple(machine.to_mark())),
    "TUPLE1": lambda machine, _: machine.push_tuple(1),
    "TUPLE2": lambda machine, _: machine.push_tuple(2),
    "TUPLE3": lambda machine, _: machine.push_tuple(3),
    "LIST": lambda machine, _: machine.push(machine.to_mark()),
    "DICT": lambda machine, _: machine.push(put({}, machine.to_mark())),
    "APPEND": lambda machine, _: machine.append_one(),
    "APPENDS": lambda machine, _: machine.append_all(),
    "SETITEM": lambda machine, _: machine.put_one(),
    "SETITEMS": lambda machine, _: machine.put_all(),
    "PUT": lambda machine, number: machine.memo.update({number: machine.top()}),
    "BINPUT": lambda machine, number: machine.memo.update({number: machine.top()}),
    "LONG_BINPUT": lambda machine, number: machine.memo.update({number: machine.top()}),
    "MEMOIZE": lambda machine, _: machine.memo.update({len(machine.memo): machine.top()}),
    "GET": lambda machine, number: machine.recall(number),
    "BINGET": lambda machine, number: machine.recall(number),
    "LONG_BINGET": lambda machine, number: machine.recall(number),
    "GLOBAL": lambda machine, text: machine.global_by_text(text),
    "STACK_GLOBAL": lambda machine, _: machine.global_of_stack(),
    "REDUCE": lambda machine, _: machine.reduce(),
    "NEWOBJ": lambda machine, _: machine.reduce(),
    "NEWOBJ_EX": lambda machine, _: machine.new_with_keywords(),
    "INST": lambda machine, text: machine.instance_by_text(text),
    "OBJ": lambda machine, _: machine.instance_of_stack(),
    "BUILD": lambda machine, _: machine.give_state(),
    "PERSID": lambda machine, pid: machine.refer(pid),
    "BINPERSID": lambda machine, _: machine.refer(machine.pop()),
}
