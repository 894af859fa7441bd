"""The component, compiled once for all clients of a process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from wasmtime import Config, Engine, FuncType, MemoryType, Module, WasmtimeError

from . import _component, _fork, _functions, _lift
from ._abi import Signature
from ._component import NotUnderstood
from ._functions import Function
from ._guest import Import, core_type
from ._ticker import Ticker
from .errors import ComponentError

PACKAGE = "klaviyo:connector"
VERSION = "0.1.0"
HTTP = f"{PACKAGE}/http@{VERSION}"


@dataclass(frozen=True)
class Export:
    """A function of the component."""

    name: bytes
    """The core module's."""
    signature: Signature
    load: _lift.Load
    """Reads what it returned."""


class Compiled:
    """A component that can be instantiated any number of times, on any thread."""

    def __init__(self, wasm: bytes, stack: int) -> None:
        self._stack = stack
        try:
            more = [name for name in _component.imports(wasm) if name != HTTP]
            if more:
                raise ComponentError(f"the component imports more than {HTTP}, and is not run: {', '.join(more)}")
            parts = _component.take_apart(wasm)
        except NotUnderstood as reason:
            raise ComponentError(f"this is no component that this package can run: {reason}") from None
        if "send" not in parts.imported:
            raise ComponentError(f"the component does not import {HTTP}; it is not the connector of {VERSION}")
        self._signatures = {each.name: _signature(parts.functions, each.name) for each in _functions.ALL}
        config = self._config()
        # wasmtime's own cache: the next process finds what this one has compiled, by its version, its settings and the
        # module. Without a folder to write to there is none.
        with contextlib.suppress(WasmtimeError):
            config.cache = True
        with _fork.held_off():
            self.engine = Engine(config)
            try:
                module = Module(self.engine, parts.module)
            except WasmtimeError as error:
                raise ComponentError(f"this is no component that wasmtime can run: {last_line(error)}") from None
            self.imported = Import(parts.imported["send"])
            self.initialize = self._check(module)
            # It is never deleted, which takes a lock that a call of another thread may have had at a fork.
            self.module = module._consume()
        self._exports: dict[str, Export] = {}
        self.after_fork()
        _fork.renew(self)

    def _config(self) -> Config:
        config = Config()
        config.epoch_interruption = True
        config.max_wasm_stack = self._stack
        # An address in a memory that has grown is good still.
        config.memory_may_move = False
        # Copied to each instance: it is little, and mapping it takes longer.
        config.memory_init_cow = False
        # The threads of a parallel compilation are one pool for all of wasmtime, and not there after a fork: whoever
        # waits for them there waits for ever.
        config.parallel_compilation = False
        return config

    def after_fork(self) -> None:
        self.ticker = Ticker(self.engine)

    def export(self, function: Function[Any]) -> Export:
        """A function of the component, and how to read what it returns."""
        export = self._exports.get(function.name)
        if export is None:
            signature = self._signatures[function.name]
            load = _lift.result(signature.returns, function.returns, function.spelling)
            export = self._exports[function.name] = Export(_core_name(function.name).encode(), signature, load)
        return export

    def _check(self, module: Module) -> bool:
        """The module has what the component says of it, and imports nothing else. Whether it is to be initialized."""
        imports = [(each.module, each.name, _shape(each.type)) for each in module.imports]
        if imports != [(HTTP, "send", self.imported.core)]:
            names = ", ".join(f"{module}#{name}" for module, name, _ in imports)
            raise ComponentError(f"the component's module imports {names or 'nothing'}, and has to import {HTTP}#send alone")
        exports = {each.name: _shape(each.type) for each in module.exports}
        needed = {_core_name(name): core_type(signature) for name, signature in self._signatures.items()}
        needed["cabi_realloc"] = ["i32"] * 4, ["i32"]
        for name, shape in needed.items():
            if exports.get(name) != shape:
                raise ComponentError(f"the component's module has no {name} of the type that the component says")
        if not any(each.name == "memory" and isinstance(each.type, MemoryType) for each in module.exports):
            raise ComponentError("the component's module has no memory")
        return exports.get("_initialize") == ([], [])


def _shape(of: object) -> tuple[list[str], list[str]] | None:
    """What a core function takes and returns."""
    return ([str(each) for each in of.params], [str(each) for each in of.results]) if isinstance(of, FuncType) else None


def _core_name(function: str) -> str:
    interface, name = function.split(".")
    return f"{PACKAGE}/{interface}@{VERSION}#{name}"


def _signature(functions: Mapping[str, Signature], function: str) -> Signature:
    found = functions.get(_core_name(function))
    if found is None:
        raise ComponentError(f"the component has no {function}; it is not the connector of {VERSION}")
    return found


class _Cache:
    """What was compiled. It is kept for the life of the process: a program may make a client for each of its requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiled: dict[tuple[bytes, int], Compiled] = {}
        _fork.renew(self)

    def get(self, wasm: bytes, digest: bytes, stack: int) -> Compiled:
        key = (digest, stack)
        with self._lock:
            compiled = self._compiled.get(key)
            if compiled is None:
                compiled = self._compiled[key] = Compiled(wasm, stack)
            return compiled

    def after_fork(self) -> None:
        self._lock = threading.Lock()


_cache = _Cache()


def compiled(file: str | os.PathLike[str] | None, stack: int) -> Compiled:
    """The package's own component, or another file, with a WebAssembly stack of so many bytes."""
    return _cache.get(*(_own() if file is None else _read(Path(file), "check the parameter `component`")), stack)


@cache
def _own() -> tuple[bytes, bytes]:
    with resources.as_file(resources.files(__package__) / "klaviyo.wasm") as path:
        return _read(path, "install this package again, from the repository after `cargo xtask build` there")


def _read(path: Path, advice: str) -> tuple[bytes, bytes]:
    """A component, and its digest. `advice`: what to do where it cannot be read."""
    try:
        wasm = path.read_bytes()
        return wasm, hashlib.sha256(wasm).digest()
    except OSError as error:
        raise ComponentError(f"cannot read the component {path} ({error.strerror}); {advice}") from None


def last_line(error: Exception) -> str:
    """What happened, without where in the component."""
    return str(error).strip().rpartition("\n")[2].strip()
