"""The types of a component, and how their values are in the memory of an instance and among the numbers that its functions
take: the canonical ABI of the component model, as far as the contract needs it.

Here a value is: a text as UTF-8, when it is written; a record a mapping; of a variant the name of its case and its content;
a list of bytes `bytes`. Names are the contract's.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ._heap import Heap, Violation


class Type(ABC):
    """A type."""

    size: int
    """Bytes in memory."""
    align: int
    """What an address is a multiple of."""
    count: int
    """How many numbers a value is among arguments."""

    @abstractmethod
    def store(self, heap: Heap, at: int, value: Any) -> None:
        """Writes a value."""

    @abstractmethod
    def load(self, heap: Heap, at: int) -> Any:
        """Reads a value."""

    @abstractmethod
    def flatten(self, heap: Heap, value: Any) -> list[int]:
        """A value as arguments. What does not fit into them is written."""

    @abstractmethod
    def take(self, heap: Heap, numbers: Iterator[int]) -> Any:
        """The value that is the next of these arguments."""


class Number(Type):
    """`bool`, or a whole number without a sign, of one, two or four bytes."""

    count = 1

    def __init__(self, size: int, kind: type[int] = int) -> None:
        self.size = self.align = size
        self.kind = kind
        self._struct = struct.Struct({1: "<B", 2: "<H", 4: "<I"}[size])

    def store(self, heap: Heap, at: int, value: Any) -> None:
        self._struct.pack_into(heap.view, at, value)

    def load(self, heap: Heap, at: int) -> Any:
        return self.kind(self._struct.unpack_from(heap.view, at)[0])

    def flatten(self, heap: Heap, value: Any) -> list[int]:
        return [int(value)]

    def take(self, heap: Heap, numbers: Iterator[int]) -> Any:
        return self.kind(next(numbers))


class _Sequence(Type):
    """What is an address and a length."""

    size, align, count = 8, 4, 2

    @abstractmethod
    def _written(self, heap: Heap, value: Any) -> int:
        """Writes the items."""

    @abstractmethod
    def _read(self, heap: Heap, at: int, length: int) -> Any:
        """Reads the items."""

    def store(self, heap: Heap, at: int, value: Any) -> None:
        heap.write_sequence(at, self._written(heap, value), len(value))

    def load(self, heap: Heap, at: int) -> Any:
        return self._read(heap, *heap.read_sequence(at))

    def flatten(self, heap: Heap, value: Any) -> list[int]:
        return [self._written(heap, value), len(value)]

    def take(self, heap: Heap, numbers: Iterator[int]) -> Any:
        return self._read(heap, next(numbers), next(numbers))


class Text(_Sequence):
    """`string`."""

    def _written(self, heap: Heap, value: bytes) -> int:
        return heap.write(value)

    def _read(self, heap: Heap, at: int, length: int) -> str:
        return heap.text(at, length)


class Octets(_Sequence):
    """`list<u8>`."""

    def _written(self, heap: Heap, value: bytes) -> int:
        return heap.write(value)

    def _read(self, heap: Heap, at: int, length: int) -> bytes:
        return bytes(heap.octets(at, length))


class List(_Sequence):
    """Any other list."""

    def __init__(self, item: Type) -> None:
        self.item = item

    def _written(self, heap: Heap, value: Sequence[Any]) -> int:
        size, store = self.item.size, self.item.store
        begin = at = heap.allocate(self.item.align, size * len(value))
        for each in value:
            store(heap, at, each)
            at += size
        return begin

    def places(self, heap: Heap, at: int, length: int) -> range:
        """Where the items are."""
        return heap.items(at, length, self.item.size, self.item.align)

    def _read(self, heap: Heap, at: int, length: int) -> list[Any]:
        load = self.item.load
        return [load(heap, place) for place in self.places(heap, at, length)]


class Record(Type):
    """A record, or the arguments of a function."""

    def __init__(self, members: Sequence[tuple[str, Type]]) -> None:
        end = 0
        self.members: dict[str, tuple[Type, int]] = {}
        """With where they begin."""
        for name, of in members:
            at = _aligned(end, of.align)
            self.members[name] = of, at
            end = at + of.size
        self.align = max((of.align for _, of in members), default=1)
        self.size = _aligned(end, self.align)
        self.count = sum(of.count for _, of in members)

    def store(self, heap: Heap, at: int, value: Mapping[str, Any]) -> None:
        if len(value) != len(self.members):
            raise _no_record(value, self)
        for name, (of, begin) in self.members.items():
            of.store(heap, at + begin, value[name])

    def load(self, heap: Heap, at: int) -> dict[str, Any]:
        return {name: of.load(heap, at + begin) for name, (of, begin) in self.members.items()}

    def flatten(self, heap: Heap, value: Mapping[str, Any]) -> list[int]:
        if len(value) != len(self.members):
            raise _no_record(value, self)
        return [number for name, (of, _) in self.members.items() for number in of.flatten(heap, value[name])]

    def take(self, heap: Heap, numbers: Iterator[int]) -> dict[str, Any]:
        return {name: of.take(heap, numbers) for name, (of, _) in self.members.items()}


class _Cases(Type):
    """A type with cases, of which a number says which one it is."""

    def __init__(self, contents: Sequence[Type | None]) -> None:
        if not 0 < len(contents) <= 256:
            raise ValueError(f"a type of {len(contents)} cases")
        there = [of for of in contents if of]
        self.contents = contents
        self.align = max((of.align for of in there), default=1)
        self.begin = _aligned(1, self.align)
        """Where the content begins."""
        self.size = _aligned(self.begin + max((of.size for of in there), default=0), self.align)
        self.count = 1 + max((of.count for of in there), default=0)

    @abstractmethod
    def _case(self, value: Any) -> tuple[int, Any]:
        """Which case a value is, and its content."""

    @abstractmethod
    def _value(self, case: int, content: Any) -> Any:
        """The value of this case."""

    def which(self, heap: Heap, at: int) -> int:
        """Which case is there."""
        return self._known(heap.view[at]) if at < len(heap.view) else self._known(256)

    def _known(self, case: int) -> int:
        if case >= len(self.contents):
            raise Violation(f"there is no case {case} of {len(self.contents)}")
        return case

    def store(self, heap: Heap, at: int, value: Any) -> None:
        case, content = self._case(value)
        heap.view[at] = case
        if of := self.contents[case]:
            of.store(heap, at + self.begin, content)

    def load(self, heap: Heap, at: int) -> Any:
        case = self.which(heap, at)
        of = self.contents[case]
        return self._value(case, of.load(heap, at + self.begin) if of else None)

    def flatten(self, heap: Heap, value: Any) -> list[int]:
        case, content = self._case(value)
        of = self.contents[case]
        numbers = [case, *(of.flatten(heap, content) if of else ())]
        return numbers + [0] * (self.count - len(numbers))

    def take(self, heap: Heap, numbers: Iterator[int]) -> Any:
        case = self._known(next(numbers))
        rest = iter([next(numbers) for _ in range(self.count - 1)])
        of = self.contents[case]
        return self._value(case, of.take(heap, rest) if of else None)


class Variant(_Cases):
    """A variant, an enum or a result."""

    def __init__(self, cases: Sequence[tuple[str, Type | None]]) -> None:
        super().__init__([of for _, of in cases])
        self.names = [name for name, _ in cases]
        self._numbers = {name: number for number, name in enumerate(self.names)}

    def _case(self, value: tuple[str, Any]) -> tuple[int, Any]:
        return self._numbers[value[0]], value[1]

    def _value(self, case: int, content: Any) -> tuple[str, Any]:
        return self.names[case], content


class Option(_Cases):
    """An option."""

    def __init__(self, of: Type) -> None:
        super().__init__([None, of])
        self.of = of

    def _case(self, value: Any) -> tuple[int, Any]:
        return int(value is not None), value

    def _value(self, case: int, content: Any) -> Any:
        return content


@dataclass(frozen=True)
class Signature:
    """What a function takes and returns."""

    parameters: Record
    returns: Type


def _aligned(at: int, align: int) -> int:
    return -(-at // align) * align


def _no_record(value: Mapping[str, Any], of: Record) -> KeyError:
    return KeyError(f"a record of {', '.join(of.members)}, and not of {', '.join(value)}")
