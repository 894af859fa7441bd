"""One instance of the core module, in a store of its own, on the thread that made it.

wasmtime for Python converts each argument by its type, and keeps what a callback raises in one place for all threads. The
contract's functions take numbers of 32 bits and no others, so that this module gives wasmtime all of them at once, and has
a callback of its own. That the functions are of these types is looked at when the component is loaded. wasmtime is left as
it is for the rest of the process.
"""

from __future__ import annotations

import ctypes
import itertools
import struct
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from wasmtime import Engine, FuncType, Trap, ValType, WasmtimeError
from wasmtime import _ffi as ffi

from . import _brief, _fork
from ._abi import Signature
from ._heap import Heap, HandedOver, Violation
from ._import import Request, Send, Stop

# Numbers that a function takes. More are in memory, and it takes their address.
_FLAT = 16

_VALUE = ffi.wasmtime_val_raw_t
# A number of 32 bits, and what is left of the value.
_NUMBER = f"I{ctypes.sizeof(_VALUE) - 4}x"

Ended = (WasmtimeError, Trap, Violation, HandedOver, Stop, UnicodeDecodeError, struct.error)
"""What a call raises that did not return. The last two come from what the guest handed over."""


def core_type(signature: Signature) -> tuple[list[str], list[str]]:
    """What a core function takes and returns, that the component has for a function that it exports."""
    numbers = signature.parameters.count
    return ["i32"] * (numbers if numbers <= _FLAT else 1), ["i32"]


class Import:
    """The import's type. The import returns to an address that it is given."""

    def __init__(self, signature: Signature) -> None:
        self.parameters, self.returns = signature.parameters, signature.returns
        self.count = signature.parameters.count + 1
        self.core = ["i32"] * self.count, list[str]()
        self.type = FuncType([ValType.i32() for _ in range(self.count)], [])


class Guest:
    """A store, and the instance in it, while this is open."""

    def __init__(self, engine: Engine, imported: Import, at_once: int) -> None:
        """`at_once`: bytes that the guest may hand over at once."""
        self._engine = engine
        self._import = imported
        self._at_once = at_once
        self._failure: BaseException | None = None
        self._trap = ctypes.POINTER(ffi.wasm_trap_t)()
        self._instance = ffi.wasmtime_instance_t()
        self._number = next(_numbers)

    def __enter__(self) -> Guest:
        with _fork.held_off():
            self._store = _brief.store_new(self._engine.ptr(), None, _no_finalizer)
        self._context = _brief.store_context(self._store)
        _guests[self._number] = self
        return self

    def __exit__(self, *_: object) -> None:
        del _guests[self._number]
        with _fork.held_off():
            _brief.store_delete(self._store)
        # Its parts refer to each other, and would wait for the garbage collector.
        vars(self).clear()

    def limit(self, memory: int, table_elements: int) -> None:
        """What the instance may have: bytes of memory, and elements of its tables."""
        _brief.store_limiter(self._store, memory, table_elements, 1, 16, 1)

    def set_deadline(self, ticks: int) -> None:
        """After how many ticks of the engine's clock from now the guest is stopped."""
        _brief.set_epoch_deadline(self._context, ticks)

    def instantiate(self, module: Any, send: Send, initialize: bool) -> None:
        """Makes the instance, which may `send` requests. `initialize`: whether the module has a function that is to be called
        before all others."""
        self._send = send
        imported = (ffi.wasmtime_extern_t * 1)()
        imported[0].kind = ffi.WASMTIME_EXTERN_FUNC
        function, instance, trap = map(ctypes.byref, (imported[0].of.func, self._instance, self._trap))
        of = self._import.type.ptr()
        with _fork.held_off():
            _brief.func_new(self._context, of, _callback, self._number, _no_finalizer, function)
            error = _brief.instance_new(self._context, module, imported, 1, instance, trap)
        if error or self._trap:
            raise self._ended(error)
        self._memory = self._export(b"memory").memory
        self._realloc = self._function(b"cabi_realloc", 4)
        self._heap = Heap(self._look, self._realloc, self._at_once)
        if initialize:
            self._function(b"_initialize", 0)()

    def call(self, name: bytes, signature: Signature, arguments: dict[str, Any], load: Callable[[Heap, int], Any]) -> Any:
        """Calls a function, and reads what it returned."""
        parameters, heap = signature.parameters, self._heap
        if parameters.count <= _FLAT:
            numbers = parameters.flatten(heap, arguments)
        else:
            numbers = [heap.allocate(parameters.align, parameters.size)]
            parameters.store(heap, numbers[0], arguments)
        at = self._function(name, len(numbers))(*numbers)
        heap.after_guest()
        return load(heap, at)

    def answer(self, numbers: Sequence[int]) -> None:
        """Does what the guest asks for by its import."""
        heap, imported = self._heap, self._import
        heap.after_guest()
        *arguments, into = numbers
        request = imported.parameters.take(heap, iter(arguments))["request"]
        outcome = self._send(Request.lifted(request))
        imported.returns.store(heap, into, outcome.lowered())

    def failed(self, error: BaseException) -> None:
        """What the guest asked for cannot be done: the call ends so."""
        self._failure = error

    def _look(self) -> memoryview:
        memory = ctypes.byref(self._memory)
        address, size = _brief.memory_data(self._context, memory), _brief.memory_data_size(self._context, memory)
        return memoryview((ctypes.c_char * size).from_address(address or 0)).cast("B")

    def _export(self, name: bytes) -> Any:
        found = ffi.wasmtime_extern_t()
        # All that is asked for was there when the component was loaded.
        _brief.instance_export_get(
            self._context, ctypes.byref(self._instance), name, len(name), ctypes.byref(found)
        )
        return found.of

    def _function(self, name: bytes, takes: int) -> Callable[..., int]:
        """An export that takes so many numbers, and returns one or none."""
        context, trap, run = self._context, ctypes.byref(self._trap), ffi.dll.wasmtime_func_call_unchecked
        function = ctypes.byref(self._export(name).func)
        # What it returns is where the first one was.
        values = (_VALUE * max(takes, 1))()
        count, pack, unpack = len(values), _numbers_of(takes).pack_into, _numbers_of(1).unpack_from

        def call(*numbers: int) -> int:
            pack(values, 0, *numbers)
            error = run(context, function, values, count, trap)
            if error or self._trap:
                raise self._ended(error)
            (returned,) = unpack(values)
            return int(returned)

        return call

    def _ended(self, error: Any) -> BaseException:
        """Why the guest did not return."""
        if error:
            return self._failure or WasmtimeError._from_ptr(error)
        trap = Trap._from_ptr(ctypes.cast(self._trap, type(self._trap)))
        # In its place: a call that waits for this one looks there, too.
        ctypes.memset(ctypes.byref(self._trap), 0, ctypes.sizeof(self._trap))
        return self._failure or trap


@cache
def _numbers_of(count: int) -> struct.Struct:
    """The numbers that a function takes, as wasmtime has them."""
    return struct.Struct("=" + _NUMBER * count)


_numbers = itertools.count(1)
_guests: dict[int, Guest] = {}
_no_finalizer = ctypes.CFUNCTYPE(None, ctypes.c_void_p)()


@ffi.wasmtime_func_unchecked_callback_t  # type: ignore[untyped-decorator]
def _callback(number: int, _caller: Any, arguments: Any, count: int) -> int:
    """Returns a trap of wasmtime's, which ends the call, or 0. An exception would be printed, and nothing else."""
    guest = _guests[number]
    try:
        numbers = _numbers_of(count)
        guest.answer(numbers.unpack(ctypes.string_at(arguments, numbers.size)))
        return 0
    except BaseException as error:
        guest.failed(error)
        text = b"the host ended the call"
        return ctypes.cast(ffi.wasmtime_trap_new(text, len(text)), ctypes.c_void_p).value or 0
