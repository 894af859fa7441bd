"""The connector's functions for asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from . import _fork
from ._cancel import Cancellation, Cancelled, current
from ._functions import Function
from .awaited import AsyncFunctions
from .client import Klaviyo
from .usage import Usage

P = ParamSpec("P")
T = TypeVar("T")


def _with_the_parameters(
    of: Callable[Concatenate[Any, P], None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[Any, P], None]]:
    """Says of a function what another takes."""

    def applied(function: Callable[..., None]) -> Callable[Concatenate[Any, P], None]:
        return functools.update_wrapper(function, of)

    return applied


class AsyncKlaviyo(AsyncFunctions):
    """`Klaviyo` with functions to be awaited. Each call computes and waits on a thread, of which there are as many as
    `Limits.concurrent_calls`; the event loop goes on meanwhile. A call that is cancelled sends nothing more, and gives its
    place back."""

    _klaviyo: Klaviyo

    # A type checker takes what makes an object from a `def` only.
    @_with_the_parameters(Klaviyo.__init__)
    def __init__(self, *arguments: Any, **named: Any) -> None:
        try:
            self._klaviyo = Klaviyo(*arguments, **named)
        finally:
            # Tracebacks may be printed with the variables of their frames, and the key is one.
            del arguments, named
        self._begin()
        _fork.renew(self)

    def _begin(self) -> None:
        self._threads = ThreadPoolExecutor(self._klaviyo._limits.concurrent_calls, "klaviyo-call")

    # The threads are the parent's.
    after_fork = _begin

    async def __aenter__(self) -> AsyncKlaviyo:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Closes connections, and ends the threads once their calls have ended. No call follows."""
        self._klaviyo.close()
        self._threads.shutdown(wait=False)

    def with_options(self, *, timeout: float | None = None, revision: str | None = None) -> AsyncKlaviyo:
        """This client with other options for the calls that are made by what is returned:
        `await klaviyo.with_options(timeout=5).lookup(…)`. The rest is shared, and closed with this client.

        `timeout`: seconds of a call in all, its waiting included; `Limits.time` holds as well. `revision`: the oldest revision of Klaviyo's API to ask
        for, such as `2025-07-15`; where the connector asks for a newer one, that one stays."""
        other = copy.copy(self)
        other._klaviyo = self._klaviyo.with_options(timeout=timeout, revision=revision)
        _fork.renew(other)
        return other

    def usage(self) -> AbstractContextManager[Usage]:
        """Adds up what the calls use that are made meanwhile, in this task and those that it begins."""
        return self._klaviyo.usage()

    async def _call(self, function: Function[T], *arguments: object) -> T:
        cancellation = Cancellation()
        context = contextvars.copy_context()
        context.run(current.set, cancellation)
        running = self._threads.submit(context.run, self._klaviyo._call, function, *arguments)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            cancellation.cancel()
            raise
        except Cancelled:
            raise asyncio.CancelledError from None
