"""Lists of bytes, converted at once and byte by byte: there is no difference but the time."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from wasmtime import Engine, Store
from wasmtime import _ffi as ffi
from wasmtime.component import Component, ComponentInstanceType, FuncType, ListType, RecordType

from klaviyo_connector import _octets


@pytest.mark.parametrize("data", [b"", b"\0", bytes(range(256)), b"\xff" * 70_000])
def test_no_difference(component: Path, data: bytes) -> None:
    engine = Engine()
    imports = Component.from_file(engine, component).type.imports(engine)
    http = imports["klaviyo:connector/http@0.1.0"].ty
    assert isinstance(http, ComponentInstanceType)
    send = http.exports(engine)["send"].ty
    assert isinstance(send, FuncType)
    request = send.params[0][1]
    assert isinstance(request, RecordType)
    octets = dict(request.fields)["body"]
    assert isinstance(octets, ListType) and octets._is_bytes()

    seen = []
    for to_c, from_c in (_octets.byte_by_byte, (_octets._convert_to_c, _octets._convert_from_c)):
        cell = ffi.wasmtime_component_val_t()
        to_c(octets, Store(engine), data, ctypes.pointer(cell))
        items = [(item.kind, item.of.u8) for item in cell.of.list.data[: cell.of.list.size]]
        seen.append((cell.kind, items, from_c(octets, cell)))
    assert seen[0] == seen[1]
    assert seen[0][2] == data
