"""The component's surroundings: its one import, and the limits on what it computes."""

from __future__ import annotations

import math
import os
import time
from typing import Any

from ._compiled import PACKAGE, VERSION, compiled, last_line
from ._clock import Clock
from ._functions import Function
from ._guest import Ended, Guest
from ._heap import HandedOver
from ._import import Failure, Request, Response, Send, Stop
from ._ticker import TICK
from .errors import ComponentError, KlaviyoError, LimitExceeded, TimedOut, Trapped
from .limits import Limits

# Bytes that the component may hand over at once beside a request's body: its other parts, or a result.
_HANDED_OVER = 32 << 20


class Sandbox:
    """The component, within limits. Each call has a store and an instance of its own, on the thread that makes it."""

    def __init__(self, component: str | os.PathLike[str] | None, limits: Limits) -> None:
        """`component`: a file, or the package's own."""
        self._compiled = compiled(component, limits.stack)
        self._limits = limits

    def call(self, function: Function[Any], arguments: dict[str, Any], send: Send, clock: Clock) -> Any:
        """Calls a function, which may `send` requests meanwhile. What it returned, or the error that it failed with."""
        limits = self._limits
        component = self._compiled
        with (
            component.ticker,
            Guest(component.engine, component.imported, limits.request_bytes + _HANDED_OVER) as guest,
        ):
            meter = _Meter(guest, limits.cpu, clock)

            def paused(request: Request) -> Response | Failure:
                meter.pause()
                try:
                    return send(request)
                finally:
                    meter.resume()

            guest.limit(limits.memory, limits.table_elements)
            try:
                export = component.export(function)
                meter.resume()
                guest.instantiate(component.module, paused, component.initialize)
                return guest.call(export.name, export.signature, arguments, export.load)
            except Ended as error:
                meter.pause()
                raise _stopped(error, meter, clock, limits) from None
            except Exception as error:
                # From the conversion of values.
                reason = f"its types are not those of {PACKAGE}@{VERSION} ({error})"
                raise ComponentError(f"the component is not the connector: {reason}") from None


class _Meter:
    """How long a call has computed, and how long it may. What it waits for an answer does not count."""

    def __init__(self, guest: Guest, cpu: float, clock: Clock) -> None:
        self._guest = guest
        self._left = cpu
        self._clock = clock
        self._since = 0.0

    def resume(self) -> None:
        self._since = time.monotonic()
        left = min(self._left, self._clock.until - self._since)
        # The tick that is under way has begun already.
        self._guest.set_deadline(math.ceil(left / TICK) + 1 if left > 0 else 0)

    def pause(self) -> None:
        self._left -= time.monotonic() - self._since

    def limit(self) -> str | None:
        if self._left <= 0:
            return "cpu"
        return "time" if time.monotonic() >= self._clock.until else None


def _stopped(error: Exception, meter: _Meter, clock: Clock, limits: Limits) -> KlaviyoError:
    """Why a call that did not return has ended."""
    reason = last_line(error)
    match meter.limit():
        case "time":
            return TimedOut(f"the call was stopped: it took more than {clock.limit}", code="timeout")
        case "cpu":
            return _exceeded("cpu", f"it computed for more than {limits.cpu} s")
    if isinstance(error, Stop):
        return _exceeded("requests", f"it went on after the {limits.requests} requests that it may make")
    if isinstance(error, HandedOver):
        most = f"{limits.request_bytes + _HANDED_OVER} bytes"
        reason = f"it handed over more than {most} at once, which is Limits.request_bytes and {_HANDED_OVER} bytes more"
        return LimitExceeded(f"the call was stopped: {reason}", limit="request_bytes")
    if "call stack exhausted" in reason:
        return _exceeded("stack", f"it needed more stack than {limits.stack} bytes")
    return Trapped(
        f"the component trapped ({reason.removeprefix('wasm trap: ')}); it is a defect in it, or it needed more than the "
        f"{limits.memory} bytes of Limits.memory, or the {limits.table_elements} of Limits.table_elements"
    )


def _exceeded(limit: str, sentence: str) -> LimitExceeded:
    return LimitExceeded(f"the call was stopped: {sentence}, which is Limits.{limit}", limit=limit)
