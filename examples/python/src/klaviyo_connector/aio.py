"""The connector's functions for asyncio."""

from __future__ import annotations

import asyncio
import contextvars
import copy
import functools
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from . import _fork
from ._cancel import Cancellation, Cancelled, current
from .client import Klaviyo
from .usage import Usage

P = ParamSpec("P")
T = TypeVar("T")


def _awaited(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, T]]:
    """The same function, to be awaited."""

    @functools.wraps(method)
    async def call(self: AsyncKlaviyo, /, *arguments: P.args, **named: P.kwargs) -> T:
        return await self._in_thread(functools.partial(method, self._klaviyo, *arguments, **named))

    return call


def _with_the_parameters(
    of: Callable[Concatenate[Any, P], None],
) -> Callable[[Callable[..., None]], Callable[Concatenate[Any, P], None]]:
    """Says of a function what another takes."""

    def applied(function: Callable[..., None]) -> Callable[Concatenate[Any, P], None]:
        return functools.update_wrapper(function, of)

    return applied


class AsyncKlaviyo:
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
        """As of `Klaviyo`."""
        other = copy.copy(self)
        other._klaviyo = self._klaviyo.with_options(timeout=timeout, revision=revision)
        _fork.renew(other)
        return other

    def usage(self) -> AbstractContextManager[Usage]:
        """Adds up what the calls use that are made meanwhile, in this task and those that it begins."""
        return self._klaviyo.usage()

    async def _in_thread(self, call: Callable[[], T]) -> T:
        cancellation = Cancellation()
        context = contextvars.copy_context()
        context.run(current.set, cancellation)
        running = self._threads.submit(context.run, call)
        try:
            return await asyncio.wrap_future(running)
        except asyncio.CancelledError:
            cancellation.cancel()
            raise
        except Cancelled:
            raise asyncio.CancelledError from None

    lookup = _awaited(Klaviyo.lookup)
    lookup_many = _awaited(Klaviyo.lookup_many)
    create = _awaited(Klaviyo.create)
    upsert = _awaited(Klaviyo.upsert)
    update = _awaited(Klaviyo.update)
    merge = _awaited(Klaviyo.merge)
    subscribe = _awaited(Klaviyo.subscribe)
    opt_in = _awaited(Klaviyo.opt_in)
    opt_in_many = _awaited(Klaviyo.opt_in_many)
    opt_out = _awaited(Klaviyo.opt_out)
    lists = _awaited(Klaviyo.lists)
    find_list = _awaited(Klaviyo.find_list)
    create_list = _awaited(Klaviyo.create_list)
    remove_from_list = _awaited(Klaviyo.remove_from_list)
    list_members = _awaited(Klaviyo.list_members)
    lists_of_profile = _awaited(Klaviyo.lists_of_profile)
    segments = _awaited(Klaviyo.segments)
    segment_members = _awaited(Klaviyo.segment_members)
    segments_of_profile = _awaited(Klaviyo.segments_of_profile)
    grant_consent = _awaited(Klaviyo.grant_consent)
    revoke_consent = _awaited(Klaviyo.revoke_consent)
    consents = _awaited(Klaviyo.consents)
    track = _awaited(Klaviyo.track)
    track_many = _awaited(Klaviyo.track_many)
    history = _awaited(Klaviyo.history)
    metrics = _awaited(Klaviyo.metrics)
    changed_profiles = _awaited(Klaviyo.changed_profiles)
    joined_members = _awaited(Klaviyo.joined_members)
    new_events = _awaited(Klaviyo.new_events)
    check_import = _awaited(Klaviyo.check_import)
    submit_import = _awaited(Klaviyo.submit_import)
    import_status = _awaited(Klaviyo.import_status)
    import_failures = _awaited(Klaviyo.import_failures)
    imports = _awaited(Klaviyo.imports)
    suppress = _awaited(Klaviyo.suppress)
    unsuppress = _awaited(Klaviyo.unsuppress)
    delete_profiles = _awaited(Klaviyo.delete_profiles)
    account_details = _awaited(Klaviyo.account_details)
    call_api = _awaited(Klaviyo.call_api)
