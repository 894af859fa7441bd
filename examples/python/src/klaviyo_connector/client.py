"""The connector's functions."""

from __future__ import annotations

import copy
import os
import re
import time
import warnings
import weakref
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, TypeVar

from . import _egress
from ._accounts import ACCOUNTS
from ._cancel import Cancellation, Cancelled, current
from ._clock import Clock
from ._functions import Function
from ._hints import contract_name
from ._http_transport import HttpTransport
from ._lower import lower
from ._outbound_http import OutboundHttp, OutboundSettings
from ._revision import RevisionNotes, RevisionWarning
from ._sandbox import Sandbox
from ._secret import Secret
from ._turns import Turns
from .access import ApiAccess
from .errors import ConfigurationError, KlaviyoError, found
from .limits import Limits, positive
from .methods import Functions
from .observer import Call, Observer, tell
from .pace import Pace
from .transport import Transport
from .usage import Meter, Usage

T = TypeVar("T")

_REVISION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(\.[0-9A-Za-z-]{1,13})?")


class Klaviyo(Functions):
    """One Klaviyo account. Its functions may be called from any number of threads; each call has a sandbox of its own.

    Functions fail with `KlaviyoError`, which has a class for each thing that a caller does next, and with `TypeError`
    for an argument of another type. Requests keep to Klaviyo's rates, which all clients of an account share in a process;
    what does no harm twice is repeated, at most `Limits.attempts` times. Every function is safe to repeat but
    `submit_import`, `create_list`, `merge`, and `update` with `Append`.
    """

    def __init__(
        self,
        key: str | None = None,
        *,
        endpoint: str | None = None,
        limits: Limits | None = None,
        transport: Transport | None = None,
        component: str | os.PathLike[str] | None = None,
        api: Literal["read", "all"] | ApiAccess | None = None,
        pace: Pace | None = None,
        observer: Observer | None = None,
        trust_env: bool = True,
    ) -> None:
        """`key`: the account's private key; without it, the environment variable `KLAVIYO_API_KEY`. `endpoint`: where
        requests go that are meant for `https://a.klaviyo.com`, such as a simulator; over `http://` the key is sent in clear.
        `limits`: what each call may use. `transport`: another HTTP client. `component`: another file than the package's
        own. `api`: what `call_api` may ask for; without it, nothing. `pace`: how fast requests go out; without it, at the
        rates that Klaviyo publishes. `observer`: hears of each attempt and of each call, for metrics. `trust_env`: whether a
        proxy is taken from `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`.

        Raises `ConfigurationError` for a parameter that cannot work, and `ComponentError` for a file that cannot."""
        try:
            self._key = Secret(os.environ.get("KLAVIYO_API_KEY", "") if key is None else key)
        finally:
            # Tracebacks may be printed with the variables of their frames.
            del key
        origin = _egress.KLAVIYO if endpoint is None else _egress.origin(endpoint)
        self._limits = Limits() if limits is None else limits
        if not isinstance(self._limits, Limits):
            raise ConfigurationError(f"limits: expected Limits, got {found(limits)}")
        pace = Pace.published() if pace is None else pace
        if not isinstance(pace, Pace):
            raise ConfigurationError(f"pace: expected Pace, got {found(pace)}")
        if transport is not None and not all(callable(getattr(transport, name, None)) for name in ("send", "close")):
            raise ConfigurationError(f"transport: expected a Transport, got {found(transport)}")
        if observer is not None and not callable(observer):
            raise ConfigurationError(f"observer: expected a callable, got {found(observer)}")
        if not isinstance(trust_env, bool):
            raise ConfigurationError(f"trust_env: expected bool, got {found(trust_env)}")
        access = ApiAccess.of(api)
        self._sandbox = Sandbox(component, self._limits)
        self._parent: Klaviyo | None = None
        self._timeout: float | None = None
        self._turns = Turns(self._limits.concurrent_calls)
        self._meter = Meter()
        own = HttpTransport(origin, trust_env=trust_env) if transport is None else transport
        pacer = ACCOUNTS.pacer(self._key, origin, pace)
        self._outbound = OutboundSettings(
            self._limits, self._key, origin, own, access, pacer, RevisionNotes(), observer
        )
        self._close = weakref.finalize(self, own.close)

    def __enter__(self) -> Klaviyo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes connections. A call that is under way is answered what it has asked, and can ask no more."""
        self._close()

    def with_options(self, *, timeout: float | None = None, revision: str | None = None) -> Klaviyo:
        """This client with other options for the calls that are made by what is returned:
        `klaviyo.with_options(timeout=5).lookup(…)`. The rest is shared, and closed with this client.

        `timeout`: seconds of a call in all, its waiting included; `Limits.time` holds as well. `revision`: the oldest revision of Klaviyo's API to ask
        for, such as `2025-07-15`; where the connector asks for a newer one, that one stays."""
        other = copy.copy(self)
        # It closes the connections when nobody has it any more.
        other._parent = self
        if timeout is not None:
            other._timeout = positive("timeout", timeout)
        if revision is not None and not (isinstance(revision, str) and _REVISION.fullmatch(revision)):
            given = "another text" if isinstance(revision, str) else found(revision)
            raise ConfigurationError(f"revision: expected the date of a revision, such as 2025-07-15, got {given}")
        revision = self._outbound.revision if revision is None else revision
        other._outbound = replace(self._outbound, revision=revision)
        return other

    def usage(self) -> AbstractContextManager[Usage]:
        """Adds up what the calls use that are made meanwhile, in this thread or task:

        >>> with klaviyo.usage() as usage:
        ...     klaviyo.lists()
        >>> print(usage.requests, usage.attempts, usage.waited)
        """
        return self._meter.usage()

    def _call(self, function: Function[T], *arguments: object) -> T:
        usage, cancellation = Usage(), current.get() or Cancellation()
        ended: str | None = "other"
        try:
            returned = self._run(function, arguments, usage, cancellation)
            ended = None
            return returned
        except KlaviyoError as error:
            error.usage, ended = usage, error.code
            raise
        except Cancelled:
            ended = "cancelled"
            raise
        finally:
            self._meter.add(usage)
            took = time.monotonic() - cancellation.begun
            tell(self._outbound.observer, Call(function.name, ended, took, replace(usage)))

    def _run(
        self, function: Function[T], arguments: Sequence[object], usage: Usage, cancellation: Cancellation
    ) -> T:
        if not self._close.alive:
            raise RuntimeError("this Klaviyo is closed")
        named = zip(arguments, function.parameters.items(), strict=True)
        lowered = {contract_name(name.rstrip("_")): lower(value, hint, name) for value, (name, hint) in named}
        clock = Clock(self._limits, self._timeout, cancellation.begun, usage)
        with self._turns.turn(clock, cancellation):
            outbound = OutboundHttp(self._outbound, function.name, clock, usage, cancellation)
            try:
                returned: T | KlaviyoError = self._sandbox.call(function, lowered, outbound.send, clock)
            except KlaviyoError:
                if outbound.interrupted is None:
                    raise
                # Raised below, where nothing of the call is attached to it.
            finally:
                for warning in outbound.warnings:
                    # At the line of the program that has called the function.
                    warnings.warn(warning, RevisionWarning, stacklevel=4)
        if outbound.interrupted is not None:
            raise outbound.interrupted
        if isinstance(returned, KlaviyoError):
            raise returned
        return returned

