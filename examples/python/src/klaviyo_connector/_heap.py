"""The memory of an instance, which is not trusted: whatever the guest says of it is looked at."""

from __future__ import annotations

import struct
from collections.abc import Callable

_PAIR = struct.Struct("<II")

# What the list of an item takes here beside its content, about: such as an object and its place.
_ITEM = 32


class Violation(Exception):
    """The guest gave what the canonical ABI does not allow."""


class HandedOver(Exception):
    """The guest handed over more at once than is taken."""


class Heap:
    """Reads and writes the memory of an instance."""

    view: memoryview
    """All of the memory, as it was when the guest ran last."""

    def __init__(self, memory: Callable[[], memoryview], realloc: Callable[[int, int, int, int], int], at_once: int) -> None:
        """`memory`: all of it. `realloc`: the guest's `cabi_realloc`. `at_once`: bytes that the guest may hand over
        before it runs again."""
        self._memory = memory
        self._realloc = realloc
        self._at_once = at_once
        self.after_guest()

    def after_guest(self) -> None:
        """The guest has run: its memory may have grown, and it begins to hand over."""
        self.view = self._memory()
        self._left = self._at_once

    def allocate(self, align: int, size: int) -> int:
        """Where the guest has so many bytes for what is written to it."""
        if size == 0:
            return align
        if size >> 32:
            raise Violation("a value is larger than any memory")
        at = self._realloc(0, 0, align, size)
        if at + size > len(self.view):
            self.view = self._memory()
        if at + size > len(self.view) or at % align:
            raise Violation("it allocated what is not in its memory")
        return at

    def write(self, data: bytes) -> int:
        """Writes bytes to where the guest has a place for them."""
        size = len(data)
        at = self.allocate(1, size)
        # Looked up here, since the memory may have grown.
        self.view[at : at + size] = data
        return at

    def write_sequence(self, into: int, at: int, length: int) -> None:
        """Writes the address and the length of a sequence."""
        _PAIR.pack_into(self.view, into, at, length)

    def read_sequence(self, at: int) -> tuple[int, int]:
        """The address and the length of a sequence."""
        begin, length = _PAIR.unpack_from(self.view, at)
        return begin, length

    def octets(self, at: int, length: int) -> memoryview:
        """Bytes, as long as the guest does not run."""
        end = at + length
        if end > len(self.view):
            raise Violation("an address is outside of the memory")
        self._left -= length
        if self._left < 0:
            raise HandedOver
        return self.view[at:end]

    def text(self, at: int, length: int) -> str:
        """A text."""
        return str(self.octets(at, length), "utf-8")

    def items(self, at: int, length: int, size: int, align: int) -> range:
        """Where the items of a list are."""
        end = at + length * size
        if end > len(self.view) or at % align:
            raise Violation("a list is outside of the memory")
        self._left -= length * _ITEM
        if self._left < 0:
            raise HandedOver
        return range(at, end, size)
