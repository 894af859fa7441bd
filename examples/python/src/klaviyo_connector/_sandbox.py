"""The component's surroundings: its one import, and the limits on what it computes."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

from wasmtime import Config, Engine, Store, WasmtimeError
from wasmtime.component import Component, ExportIndex, Linker

from . import _functions, _octets
from .errors import ComponentError, KlaviyoError, LimitExceeded, TimedOut, Trapped
from .limits import Limits

_PACKAGE = "klaviyo:connector"
_VERSION = "0.1.0"
_HTTP = f"{_PACKAGE}/http@{_VERSION}"

_TICK = 0.01

_octets.install()


class Sandbox:
    """The component, compiled once. Each call has a store and an instance of its own, on the thread that makes it."""

    def __init__(self, component: bytes, limits: Limits) -> None:
        config = Config()
        config.epoch_interruption = True
        config.max_wasm_stack = limits.stack
        self._engine = Engine(config)
        self._limits = limits
        try:
            self._component = Component(self._engine, component)
        except WasmtimeError as error:
            raise ComponentError(f"this is no component that wasmtime can run: {_last_line(error)}") from None
        more = [name for name in self._component.type.imports(self._engine) if name != _HTTP]
        if more:
            raise ComponentError(f"the component imports more than {_HTTP}, and is not run: {', '.join(more)}")
        self._functions = {function.name: self._function(*function.name.split(".")) for function in _functions.ALL}
        self.ticker = Ticker(self._engine)

    def _function(self, interface: str, name: str) -> ExportIndex:
        instance = self._component.get_export_index(f"{_PACKAGE}/{interface}@{_VERSION}")
        index = instance and self._component.get_export_index(name, instance)
        if index is None:
            raise ComponentError(f"the component has no {interface}.{name}; it is not the connector of {_VERSION}")
        return index

    def call(self, function: str, arguments: list[Any], send: Callable[[Any], Any], until: float) -> Any:
        """Calls a function, which may `send` requests meanwhile, until that time of `time.monotonic`."""
        limits = self._limits
        with self.ticker, Store(self._engine) as store, Linker(self._engine) as linker:
            meter = _Meter(store, limits.cpu, until)

            def host(_: Any, request: Any) -> Any:
                meter.pause()
                try:
                    return send(request)
                finally:
                    meter.resume()

            store.set_limits(
                memory_size=limits.memory,
                table_elements=limits.table_elements,
                # `memory_size` is for each memory. The other two are as many as the usual tools make of one module.
                memories=1,
                instances=16,
                tables=16,
            )
            with linker.root() as root, root.add_instance(_HTTP) as http:
                http.add_func("send", host)
            meter.resume()
            try:
                instance = linker.instantiate(store, self._component)
                run = instance.get_func(store, self._functions[function])
                assert run is not None  # It was there when the component was loaded.
                return run(store, *arguments)
            except WasmtimeError as error:
                meter.pause()
                raise _stopped(error, meter, limits) from None
            except Exception as error:
                # From the conversion of values.
                reason = f"its types are not those of {_PACKAGE}@{_VERSION} ({error})"
                raise ComponentError(f"the component is not the connector: {reason}") from None


class _Meter:
    """How long a call has computed, and how long it may. What it waits for an answer does not count."""

    def __init__(self, store: Store, cpu: float, until: float) -> None:
        self._store = store
        self._left = cpu
        self._until = until
        self._since = 0.0

    def resume(self) -> None:
        self._since = time.monotonic()
        left = min(self._left, self._until - self._since)
        # The tick that is under way has begun already.
        self._store.set_epoch_deadline(math.ceil(left / _TICK) + 1 if left > 0 else 0)

    def pause(self) -> None:
        self._left -= time.monotonic() - self._since

    def limit(self) -> str | None:
        if self._left <= 0:
            return "cpu"
        return "time" if time.monotonic() >= self._until else None


class Ticker:
    """Advances the engine's clock while there are calls. Without it nothing would interrupt one that computes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._change = threading.Condition()
        self._calls = 0
        self._closed = False
        self._process = os.getpid()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> None:
        # Before the lock, which a thread of the other process may have held.
        if os.getpid() != self._process:
            raise RuntimeError("this Klaviyo was made in another process; make one in each process, after the fork")
        with self._change:
            if self._closed:
                raise RuntimeError("this Klaviyo is closed")
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="klaviyo-ticker", daemon=True)
                self._thread.start()
            self._calls += 1
            self._change.notify()

    def __exit__(self, *_: object) -> None:
        with self._change:
            self._calls -= 1

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._calls or self._closed)
                if not self._calls:
                    return
            self._engine.increment_epoch()
            time.sleep(_TICK)

    def close(self) -> None:
        """No call follows. The thread ends with those that are under way."""
        if os.getpid() != self._process:
            return
        with self._change:
            self._closed = True
            self._change.notify()
            thread = None if self._calls else self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join()


def _stopped(error: WasmtimeError, meter: _Meter, limits: Limits) -> KlaviyoError:
    """Why a call that did not return has ended."""
    reason = _last_line(error)
    match meter.limit():
        case "time":
            return TimedOut(
                f"the call was stopped: it took more than {limits.time} s, which is Limits.time", code="timeout"
            )
        case "cpu":
            return _exceeded("cpu", f"it computed for more than {limits.cpu} s")
    if "too many requests" in reason:
        return _exceeded("requests", f"it went on after the {limits.requests} requests that it may make")
    if "call stack exhausted" in reason:
        return _exceeded("stack", f"it needed more stack than {limits.stack} bytes")
    if "fuel allocated for hostcalls" in reason:
        reason = "it handed over more at once than wasmtime lets through, whatever Limits.request_bytes is"
        return LimitExceeded(f"the call was stopped: {reason}", limit="request_bytes")
    return Trapped(
        f"the component trapped ({reason.removeprefix('wasm trap: ')}); it is a defect in it, or it needed more than the "
        f"{limits.memory} bytes of Limits.memory, or the {limits.table_elements} of Limits.table_elements"
    )


def _exceeded(limit: str, sentence: str) -> LimitExceeded:
    return LimitExceeded(f"the call was stopped: {sentence}, which is Limits.{limit}", limit=limit)


def _last_line(error: WasmtimeError) -> str:
    """What happened, without where in the component."""
    return str(error).strip().rpartition("\n")[2].strip()


def read(file: str | os.PathLike[str] | None) -> bytes:
    """The component: the package's own, or another file."""
    path = resources.files(__package__) / "klaviyo.wasm" if file is None else Path(file)
    try:
        return path.read_bytes()
    except OSError as error:
        advice = "run `cargo xtask build` in the project, and install this package again"
        raise ComponentError(f"cannot read the component {path} ({error.strerror}); {advice}") from None
