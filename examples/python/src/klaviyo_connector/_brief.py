"""wasmtime's C functions that return soon and run nothing of the guest's, called without giving the GIL up.

wasmtime for Python gives it up in each call. Where many threads call at once, taking it back is a switch to another thread,
which costs more than the function. What runs the guest is not here: it may compute for as long as `Limits.cpu` allows.
"""

from __future__ import annotations

import ctypes
from typing import Any

from wasmtime import _ffi as ffi

_keeping_gil = ctypes.PyDLL(ffi.dll._name, handle=ffi.dll._handle)


def _brief(name: str) -> Any:
    function, declared = getattr(_keeping_gil, name), getattr(ffi.dll, name)
    function.argtypes, function.restype = declared.argtypes, declared.restype
    return function


store_new = _brief("wasmtime_store_new")
store_context = _brief("wasmtime_store_context")
store_limiter = _brief("wasmtime_store_limiter")
store_delete = _brief("wasmtime_store_delete")
increment_epoch = _brief("wasmtime_engine_increment_epoch")
set_epoch_deadline = _brief("wasmtime_context_set_epoch_deadline")
func_new = _brief("wasmtime_func_new_unchecked")
instance_new = _brief("wasmtime_instance_new")
instance_export_get = _brief("wasmtime_instance_export_get")
memory_data = _brief("wasmtime_memory_data")
# An address, and not an object that has one.
memory_data.restype = ctypes.c_void_p
memory_data_size = _brief("wasmtime_memory_data_size")
