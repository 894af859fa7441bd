"""Lists of bytes across the boundary, all at once.

wasmtime converts a `list<u8>` in Python, byte after byte: 1.5 s for 1 MiB, with the interpreter's lock held. Its cells
have a fixed layout, so that a slice with a stride does the same in one step. This is why wasmtime is pinned exactly;
`tests/test_octets.py` compares the two.
"""

from __future__ import annotations

import ctypes
from typing import Any

from wasmtime import _ffi as ffi
from wasmtime.component import ListType

_CELL = ctypes.sizeof(ffi.wasmtime_component_val_t)
_VALUE = ffi.wasmtime_component_val_t.of.offset
_KIND = bytes([ffi.WASMTIME_COMPONENT_U8.value])

byte_by_byte = (ListType.convert_to_c, ListType.convert_from_c)


def _convert_to_c(self: ListType, store: Any, value: Any, cell: Any) -> None:
    if not (isinstance(value, bytes) and self._is_bytes()):
        return byte_by_byte[0](self, store, value, cell)
    cells = bytearray(len(value) * _CELL)
    cells[::_CELL] = _KIND * len(value)
    cells[_VALUE::_CELL] = value
    items = ffi.wasmtime_component_vallist_t()
    ffi.wasmtime_component_vallist_new_uninit(items, len(value))
    ctypes.memmove(items.data, (ctypes.c_char * len(cells)).from_buffer(cells), len(cells))
    cell.contents.kind = ffi.WASMTIME_COMPONENT_LIST
    cell.contents.of.list = items
    return None


def _convert_from_c(self: ListType, cell: Any) -> Any:
    if not self._is_bytes():
        return byte_by_byte[1](self, cell)
    items = cell.of.list
    try:
        return ctypes.string_at(items.data, items.size * _CELL)[_VALUE::_CELL]
    finally:
        ffi.wasmtime_component_vallist_delete(ctypes.byref(items))


def install() -> None:
    """Makes wasmtime convert lists of bytes this way, in the whole process. What it returns is the same."""
    ListType.convert_to_c = _convert_to_c  # type: ignore[method-assign, assignment]
    ListType.convert_from_c = _convert_from_c  # type: ignore[method-assign, assignment]
