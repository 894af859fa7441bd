"""The component, compiled once for all clients of a process."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
from functools import cache
from importlib import resources
from pathlib import Path

from wasmtime import Config, Engine, WasmtimeError
from wasmtime.component import Component, ExportIndex

from . import _fork, _functions
from ._ticker import Ticker
from .errors import ComponentError

PACKAGE = "klaviyo:connector"
VERSION = "0.1.0"
HTTP = f"{PACKAGE}/http@{VERSION}"


class Compiled:
    """A component that can be instantiated any number of times, on any thread."""

    def __init__(self, wasm: bytes, stack: int) -> None:
        self._stack = stack
        config = self._config()
        # wasmtime's own cache: the next process finds what this one has compiled, by its version, its settings and the
        # component. Without a folder to write to there is none.
        with contextlib.suppress(WasmtimeError):
            config.cache = True
        engine = Engine(config)
        try:
            component = Component(engine, wasm)
        except WasmtimeError as error:
            raise ComponentError(f"this is no component that wasmtime can run: {last_line(error)}") from None
        more = [name for name in component.type.imports(engine) if name != HTTP]
        if more:
            raise ComponentError(f"the component imports more than {HTTP}, and is not run: {', '.join(more)}")
        self._code = bytes(component.serialize())
        self._take(engine, component)
        self._parents: list[object] = []
        _fork.renew(self)

    def _config(self) -> Config:
        config = Config()
        config.epoch_interruption = True
        config.max_wasm_stack = self._stack
        # The threads of a parallel compilation are one pool for all of wasmtime, and not there after a fork: whoever
        # waits for them there waits for ever.
        config.parallel_compilation = False
        return config

    def _take(self, engine: Engine, component: Component) -> None:
        self.engine = engine
        self.component = component
        self.functions = {each.name: _export(component, *each.name.split(".")) for each in _functions.ALL}
        self.ticker = Ticker(engine)

    def after_fork(self) -> None:
        # Not dropped, which may need a lock that a thread of the parent held.
        self._parents.append((self.engine, self.component, self.functions))
        engine = Engine(self._config())
        self._take(engine, Component.deserialize(engine, self._code))


def _export(component: Component, interface: str, name: str) -> ExportIndex:
    instance = component.get_export_index(f"{PACKAGE}/{interface}@{VERSION}")
    index = instance and component.get_export_index(name, instance)
    if index is None:
        raise ComponentError(f"the component has no {interface}.{name}; it is not the connector of {VERSION}")
    return index


class _Cache:
    """What was compiled. It is kept for the life of the process: a program may make a client for each of its requests."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._compiled: dict[tuple[bytes, int], Compiled] = {}
        _fork.renew(self)

    def get(self, wasm: bytes, stack: int) -> Compiled:
        key = (hashlib.sha256(wasm).digest(), stack)
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
    return _cache.get(_own() if file is None else _read(Path(file)), stack)


@cache
def _own() -> bytes:
    with resources.as_file(resources.files(__package__) / "klaviyo.wasm") as path:
        return _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        advice = "run `cargo xtask build` in the project, and install this package again"
        raise ComponentError(f"cannot read the component {path} ({error.strerror}); {advice}") from None


def last_line(error: WasmtimeError) -> str:
    """What happened, without where in the component."""
    return str(error).strip().rpartition("\n")[2].strip()
