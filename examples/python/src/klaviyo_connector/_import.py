"""The component's one import, `http.send`, with values converted here.

wasmtime converts a `list<u8>` in Python, byte after byte: 1.5 s for 1 MiB, with the interpreter's lock held. Its cells have
a fixed layout, so that a slice with a stride does the same in one step. So this module gives wasmtime a callback of its
own, and leaves wasmtime as it is for the rest of the process. wasmtime checks what it is given against the function's type.
"""

from __future__ import annotations

import ctypes
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wasmtime import WasmtimeError
from wasmtime import _ffi as ffi
from wasmtime.component import LinkerInstance

Header = tuple[str, str]


@dataclass(frozen=True)
class Request:
    """`http.request`."""

    method: str
    url: str
    headers: Sequence[Header]
    auth: str
    body: bytes
    function: str


@dataclass(frozen=True)
class Response:
    """`http.response`."""

    status: int
    headers: Sequence[Header]
    body: bytes


@dataclass(frozen=True)
class Failure:
    """`http.error`."""

    kind: Literal["denied", "timeout", "connection", "too-large", "other"]
    reason: str


Send = Callable[[Request], Response | Failure]

_Cell = ffi.wasmtime_component_val_t
_Entry = ffi.wasmtime_component_valrecord_entry_t
_CELL = ctypes.sizeof(_Cell)
_VALUE = _Cell.of.offset
_KIND = bytes([ffi.WASMTIME_COMPONENT_U8.value])


class Import:
    """`send`, as `http.send` of what is instantiated while this is open."""

    def __init__(self, http: LinkerInstance, send: Send) -> None:
        self._number = next(_numbers)
        _sends[self._number] = send
        name = b"send"
        error = ffi.wasmtime_component_linker_instance_add_func(
            http.ptr(), ctypes.create_string_buffer(name), len(name), _callback, self._number, _no_finalizer
        )
        if error:
            raise WasmtimeError._from_ptr(error)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        del _sends[self._number]


_numbers = itertools.count(1)
_sends: dict[int, Send] = {}
_no_finalizer = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()


@ffi.wasmtime_component_func_callback_t  # type: ignore[untyped-decorator]
def _callback(number: int, _context: Any, _type: Any, arguments: Any, count: int, results: Any, expected: int) -> int:
    """Returns an error of wasmtime's, which ends the call, or 0. An exception would be printed, and nothing else."""
    try:
        if (count, expected) != (1, 1):
            raise WasmtimeError("http.send is of another type")
        outcome = _sends[number](_request(_record(arguments[0])))
        if isinstance(outcome, Response):
            _fill_result(results[0], True, lambda cell: _fill_response(cell, outcome))
        else:
            _fill_result(results[0], False, lambda cell: _fill_failure(cell, outcome))
        return 0
    except BaseException as error:
        reason = str(error) if isinstance(error, WasmtimeError) else f"the host failed: {type(error).__name__}"
        made = ffi.wasmtime_error_new(ctypes.create_string_buffer(reason.encode()))
        return ctypes.cast(made, ctypes.c_void_p).value or 0


def _request(members: dict[str, Any]) -> Request:
    return Request(
        method=_text(members["method"].of.enumeration),
        url=_text(members["url"].of.string),
        headers=[_header(_record(each)) for each in _cells(members["headers"].of.list)],
        auth=_text(members["auth"].of.string),
        body=read_bytes(members["body"].of.list),
        function=_text(members["function"].of.string),
    )


def _header(members: dict[str, Any]) -> Header:
    return _text(members["name"].of.string), _text(members["value"].of.string)


def _record(cell: Any) -> dict[str, Any]:
    record = cell.of.record
    return {_text(entry.name): entry.val for entry in (record.data[index] for index in range(record.size))}


def _cells(items: Any) -> list[Any]:
    return [items.data[index] for index in range(items.size)]


def _text(name: Any) -> str:
    return ctypes.string_at(name.data, name.size).decode()


def read_bytes(items: Any) -> bytes:
    """A `list<u8>`."""
    return ctypes.string_at(items.data, items.size * _CELL)[_VALUE::_CELL] if items.size else b""


def fill_bytes(cell: Any, value: bytes) -> None:
    """A cell that becomes a `list<u8>`."""
    cells = bytearray(len(value) * _CELL)
    cells[::_CELL] = _KIND * len(value)
    cells[_VALUE::_CELL] = value
    cell.kind = ffi.WASMTIME_COMPONENT_LIST
    items = cell.of.list
    ffi.wasmtime_component_vallist_new_uninit(ctypes.byref(items), len(value))
    if cells:
        ctypes.memmove(items.data, (ctypes.c_char * len(cells)).from_buffer(cells), len(cells))


def _fill_result(cell: Any, is_ok: bool, fill: Callable[[Any], None]) -> None:
    content = _Cell()
    fill(content)
    cell.kind = ffi.WASMTIME_COMPONENT_RESULT
    cell.of.result.is_ok = is_ok
    # It takes what the content has.
    cell.of.result.val = ffi.wasmtime_component_val_new(ctypes.byref(content))


def _fill_response(cell: Any, response: Response) -> None:
    status, headers, body = _fill_record(cell, (b"status", b"headers", b"body"))
    status.kind = ffi.WASMTIME_COMPONENT_U16
    status.of.u16 = response.status
    headers.kind = ffi.WASMTIME_COMPONENT_LIST
    items = headers.of.list
    ffi.wasmtime_component_vallist_new_uninit(ctypes.byref(items), len(response.headers))
    for index, header in enumerate(response.headers):
        for member, text in zip(_fill_record(items.data[index], (b"name", b"value")), header, strict=True):
            _fill_text(member, text)
    fill_bytes(body, response.body)


def _fill_failure(cell: Any, failure: Failure) -> None:
    content = _Cell()
    _fill_text(content, failure.reason)
    cell.kind = ffi.WASMTIME_COMPONENT_VARIANT
    _fill_name(cell.of.variant.discriminant, failure.kind.encode())
    cell.of.variant.val = ffi.wasmtime_component_val_new(ctypes.byref(content))


def _fill_record(cell: Any, names: Sequence[bytes]) -> list[Any]:
    """The cells of the record's members, which are to be filled."""
    cell.kind = ffi.WASMTIME_COMPONENT_RECORD
    record = cell.of.record
    ffi.wasmtime_component_valrecord_new_uninit(ctypes.byref(record), len(names))
    entries = [record.data[index] for index in range(len(names))]
    for entry, name in zip(entries, names, strict=True):
        _fill_name(entry.name, name)
    return [entry.val for entry in entries]


def _fill_text(cell: Any, text: str) -> None:
    cell.kind = ffi.WASMTIME_COMPONENT_STRING
    _fill_name(cell.of.string, text.encode(errors="replace"))


def _fill_name(name: Any, data: bytes) -> None:
    octets = (ffi.wasm_byte_t * len(data)).from_buffer_copy(data)
    ffi.wasm_byte_vec_new(ctypes.byref(name), len(data), octets)
