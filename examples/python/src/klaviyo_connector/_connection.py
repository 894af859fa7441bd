"""Connections that are made, written to and read within the bounds of one request."""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import urllib3
import urllib3.connection

from ._proxy import Proxy
from .transport import Bounds, TransportFailure

# A timeout of a socket is one for each step, and a server that sends a byte now and then never runs into it. So what
# waits on a socket asks here how long it may.
class Exchange:
    """The request of this thread: what bounds it, and how far it is."""

    def __init__(self, bounds: Bounds, proxy: Proxy | None) -> None:
        self.bounds = bounds
        self.proxy = proxy
        self.connected = False
        self.sock: socket.socket | None = None

    def interrupt(self) -> None:
        """Wakes the thread that reads or writes."""
        # TLS within that of a proxy is no socket, but has one.
        sock = getattr(self.sock, "socket", self.sock)
        if sock is not None:
            try:
                # Not that of TLS, which would forget its session under the thread that uses it.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass


current: ContextVar[Exchange] = ContextVar("klaviyo_exchange")


def left(until: float | None = None) -> float:
    bounds = current.get().bounds
    bounds.cancellation.check()
    seconds = (bounds.until if until is None else until) - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds


class _Answer(http.client.HTTPResponse):
    """An answer that is read within its bounds, and strictly."""

    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
        super().__init__(sock, *arguments, **named)
        self.fp: Any = io.BufferedReader(_Reader(self.fp.detach(), sock))

    def begin(self) -> None:
        while True:
            super().begin()
            # urllib3 would log what it cannot read.
            if self.msg.defects or self.msg.get_payload():
                raise http.client.HTTPException
            if self.status < 102 or self.status > 199:
                return
            # 103 and its kind announce the answer.
            self.headers = self.msg = None  # type: ignore[assignment]


class _Reader(io.RawIOBase):
    def __init__(self, inner: io.RawIOBase, sock: socket.socket) -> None:
        self._inner = inner
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(left())
        return self._inner.readinto(buffer)

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Bounded(urllib3.connection.HTTPConnection):
    """A connection that is made, and written to, within the bounds."""

    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        until = time.monotonic() + min(current.get().bounds.connect, left())
        failure: OSError = OSError(f"{self.host} has no address")
        for family, kind, protocol, _, address in _resolved(self.host, self.port, left(until)):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(left(until))
                current.get().sock = sock
                sock.connect(address)
                # What is left of it is for TLS.
                sock.settimeout(left(until))
                return sock
            except OSError as error:
                failure = error
                sock.close()
        raise failure

    _tunneling = False

    def _tunnel(self) -> None:
        self._tunneling = True
        try:
            super()._tunnel()
        except OSError as error:
            if found := _REFUSED.match(str(error)):
                raise _ProxyRefused(found[1]) from None
            raise
        finally:
            self._tunneling = False

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        exchange = current.get()
        # What asks a proxy for a connection is no part of the request.
        exchange.connected, exchange.sock = not self._tunneling, self.sock
        for start in range(0, len(data), 16384):
            self.sock.settimeout(left())
            super().send(data[start : start + 16384])


class _ProxyRefused(OSError):
    """The proxy answered with a status other than 200."""

    def __init__(self, status: str) -> None:
        super().__init__()
        self.status = status


# Python's words, which are not of a class of their own.
_REFUSED = re.compile(r"Tunnel connection failed: (\d{3})\b")


class Connection(_Bounded):
    pass


class SecureConnection(_Bounded, urllib3.connection.HTTPSConnection):
    pass


def _resolved(host: str, port: int, seconds: float) -> list[Any]:
    """A name's addresses. The system's look-up knows no timeout, so that it is another thread which waits for it."""
    host = host.strip("[]")
    with contextlib.suppress(ValueError):
        ipaddress.ip_address(host)
        # There is nothing to look up.
        return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except OSError as error:
            answers.put(error)

    threading.Thread(target=look_up, name="klaviyo-resolve", daemon=True).start()
    try:
        found = answers.get(timeout=seconds)
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(found, OSError):
        raise found
    return found


def large_headers(bounds: Bounds) -> TransportFailure:
    limit = bounds.header_bytes
    return TransportFailure("too-large", f"the answer's headers have more than the {limit} bytes of Limits.header_bytes")


def failure(error: BaseException) -> TransportFailure:
    """What kind of failure it is, in a sentence."""
    causes = list(_causes(error))
    unreachable = not current.get().connected
    # Where there is a proxy, there was no connection to it or through it.
    proxy = current.get().proxy if unreachable else None
    by = f"by the proxy of {proxy.variable}: " if proxy is not None else ""

    def first(kind: Any) -> Any:
        return next((cause for cause in causes if isinstance(cause, kind)), None)

    if first(TimeoutError | urllib3.exceptions.TimeoutError):
        bounds = current.get().bounds
        if time.monotonic() < bounds.until:
            limit = f"within the {bounds.connect} s of Limits.connect"
        else:
            limit = "in time, by Limits.attempt, or by what was left of Limits.time"
        if unreachable:
            return TransportFailure("timeout", f"not sent: {by}no connection {limit}", unreachable=True)
        return TransportFailure("timeout", f"no complete answer {limit}")
    if first(urllib3.exceptions.ClosedPoolError):
        return TransportFailure("other", "the client was closed meanwhile")
    if refused := first(_ProxyRefused):
        advice = "check that variable's address, user and password, or add Klaviyo's host to NO_PROXY"
        return TransportFailure("connection", f"{by}it refused with {refused.status}; {advice}", unreachable=True)
    if untrusted := first(ssl.SSLCertVerificationError):
        reason = f"{by}the certificate is not trusted: {untrusted.verify_message}"
        return TransportFailure("connection", reason, unreachable=unreachable)
    if first(http.client.LineTooLong) or any("100 headers" in str(cause) for cause in causes):
        return large_headers(current.get().bounds)
    if (failed := first(OSError)) and failed.strerror:
        return TransportFailure("connection", f"{by}{failed.strerror}", unreachable=unreachable)
    if first(http.client.HTTPException) and not first(http.client.IncompleteRead | http.client.RemoteDisconnected):
        return TransportFailure("connection", "what came back is not HTTP")
    return TransportFailure("connection", f"{by}it was closed before the answer was complete", unreachable=unreachable)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it; urllib3 keeps some of it in `args`."""
    waiting: list[BaseException | None] = [error]
    seen: set[int] = set()
    while waiting:
        cause = waiting.pop(0)
        if cause is not None and id(cause) not in seen:
            seen.add(id(cause))
            yield cause
            waiting += [cause.__cause__, cause.__context__]
            waiting += [inner for inner in cause.args if isinstance(inner, BaseException)]
