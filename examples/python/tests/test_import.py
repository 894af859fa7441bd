"""Lists of bytes, converted at once and, by wasmtime, byte by byte: there is no difference but the time."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest
from wasmtime import Engine, Store
from wasmtime import _ffi as ffi
from wasmtime.component import Component, ComponentInstanceType, FuncType, ListType, RecordType

from klaviyo_connector import _import


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
    assert isinstance(octets, ListType)

    def items(cell: ffi.wasmtime_component_val_t) -> list[tuple[int, int]]:
        return [(item.kind, item.of.u8) for item in cell.of.list.data[: cell.of.list.size]]

    own, wasmtimes = ffi.wasmtime_component_val_t(), ffi.wasmtime_component_val_t()
    _import.fill_bytes(own, data)
    octets.convert_to_c(Store(engine), data, ctypes.pointer(wasmtimes))
    assert (own.kind, items(own)) == (wasmtimes.kind, items(wasmtimes))
    assert _import.read_bytes(wasmtimes.of.list) == data
    # It frees what it has read.
    assert octets.convert_from_c(own) == data
    octets.convert_from_c(wasmtimes)


def test_wasmtime_is_left_as_it_is() -> None:
    """For the other users of wasmtime in the process."""
    program = """
import wasmtime, wasmtime.component
from wasmtime.component import _types, _func, _linker
kinds = [kind for module in (wasmtime, _types, _func, _linker) for kind in vars(module).values() if isinstance(kind, type)]
before = [dict(vars(kind)) for kind in kinds]
import klaviyo_connector
assert [dict(vars(kind)) for kind in kinds] == before
"""
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": ":".join(sys.path)})
