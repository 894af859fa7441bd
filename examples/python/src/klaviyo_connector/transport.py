"""One HTTP request after the other: what a transport is, and the one that is used by default."""

from __future__ import annotations

import http.client
import io
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol
from urllib.parse import urlsplit

import urllib3
import urllib3.connection

from . import _fork
from ._cancel import Cancellation

Kind = Literal["denied", "timeout", "connection", "too-large", "other"]


@dataclass(frozen=True)
class HttpRequest:
    """What to send. The headers have the key in them, and are not printed."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True)
class HttpResponse:
    """What came back, whatever its status, with no content coding."""

    status: int
    headers: tuple[tuple[str, bytes], ...]
    body: bytes


class TransportFailure(Exception):
    """There is no response. The reason is a sentence for a person."""

    def __init__(self, kind: Kind, reason: str, *, unreachable: bool = False) -> None:
        """`unreachable`: no connection could be made, so that the request was not sent, and can be repeated."""
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.unreachable = unreachable


@dataclass(frozen=True)
class Bounds:
    """What a request may take. Sizes are in bytes."""

    until: float
    """By `time.monotonic`."""
    connect: float
    """Seconds."""
    header_bytes: int
    response_bytes: int
    cancellation: Cancellation = field(default_factory=Cancellation, repr=False)
    """Wakes who waits for an answer that nobody wants any more."""


class Transport(Protocol):
    """Sends one request, once. It follows no redirect, and calls may come from several threads at once."""

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        """Raises `TransportFailure` where there is no response."""

    def close(self) -> None:
        """No request follows."""


class HttpTransport:
    """HTTP/1.1 by urllib3, connections kept, to one origin: it can reach no other. TLS with the certificates that the
    system trusts. No redirect, no repetition, no compression, no proxy from the environment."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._context = ssl.create_default_context() if origin.startswith("https://") else None
        self._pool = self._new_pool()
        _fork.renew(self)

    def _new_pool(self) -> urllib3.HTTPConnectionPool:
        parts = urlsplit(self._origin)
        options: dict[str, Any] = {"host": parts.hostname, "port": parts.port, "maxsize": 32, "retries": False}
        pool: urllib3.HTTPConnectionPool
        if self._context is not None:
            pool = urllib3.HTTPSConnectionPool(**options, ssl_context=self._context)
            pool.ConnectionCls = _SecureConnection
        else:
            pool = urllib3.HTTPConnectionPool(**options)
            pool.ConnectionCls = _Connection
        return pool

    def after_fork(self) -> None:
        # The connections are the parent's: two processes that write to one would read each other's answers.
        self._pool = self._new_pool()

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        exchange = _Exchange(bounds)
        token = _current.set(exchange)
        try:
            with bounds.cancellation.waking(exchange.interrupt):
                return self._send(request, bounds)
        except TransportFailure:
            raise
        except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            bounds.cancellation.check()
            # Without the cause: its frames hold the headers, and its text the address, which may hold an email.
            raise _failure(error) from None
        finally:
            _current.reset(token)

    def _send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        parts = urlsplit(request.url)
        response: urllib3.BaseHTTPResponse = self._pool.urlopen(
            request.method,
            f"{parts.path}?{parts.query}" if parts.query else parts.path,
            body=request.body or None,
            headers=dict(request.headers),
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            # Each step asks the clock by itself: see below.
            timeout=urllib3.Timeout(connect=_left(), read=_left()),
        )
        try:
            headers = tuple((name, value.encode("latin-1")) for name, value in response.headers.items())
            if sum(len(name) + len(value) + len(": \r\n") for name, value in headers) > bounds.header_bytes:
                raise _large_headers(bounds)
            coding = response.headers.get("content-encoding", "identity")
            if coding != "identity":
                raise TransportFailure("other", "the answer is compressed, which was not asked for")
            if (response.length_remaining or 0) > bounds.response_bytes:
                raise _large_body(bounds)
            body = bytearray()
            for piece in _pieces(response):
                body += piece
                if len(body) > bounds.response_bytes:
                    raise _large_body(bounds)
        except BaseException:
            response.close()
            raise
        response.release_conn()
        return HttpResponse(response.status, headers, bytes(body))

    def close(self) -> None:
        self._pool.close()


def _pieces(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    while piece := response.read(65536, decode_content=False):
        yield piece


def _large_headers(bounds: Bounds) -> TransportFailure:
    limit = bounds.header_bytes
    return TransportFailure("too-large", f"the answer's headers have more than the {limit} bytes of Limits.header_bytes")


def _large_body(bounds: Bounds) -> TransportFailure:
    limit = bounds.response_bytes
    return TransportFailure("too-large", f"the answer has more than the {limit} bytes of Limits.response_bytes")


# A timeout of a socket is one for each step, and a server that sends a byte now and then never runs into it. So what
# waits on a socket asks here how long it may.
class _Exchange:
    """The request of this thread: what bounds it, and how far it is."""

    def __init__(self, bounds: Bounds) -> None:
        self.bounds = bounds
        self.connected = False
        self.sock: socket.socket | None = None

    def interrupt(self) -> None:
        """Wakes the thread that reads or writes."""
        sock = self.sock
        if sock is not None:
            try:
                # Not that of TLS, which would forget its session under the thread that uses it.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)
            except OSError:
                pass


_current: ContextVar[_Exchange] = ContextVar("klaviyo_exchange")


def _left(until: float | None = None) -> float:
    bounds = _current.get().bounds
    bounds.cancellation.check()
    left = (bounds.until if until is None else until) - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


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
        self._sock.settimeout(_left())
        return self._inner.readinto(buffer)

    def close(self) -> None:
        self._inner.close()
        super().close()


class _Bounded(urllib3.connection.HTTPConnection):
    """A connection that is made, and written to, within the bounds."""

    response_class = _Answer

    def _new_conn(self) -> socket.socket:
        until = time.monotonic() + min(_current.get().bounds.connect, _left())
        failure: OSError = OSError(f"{self.host} has no address")
        for family, kind, protocol, _, address in _resolved(self.host, self.port, _left(until)):
            sock = socket.socket(family, kind, protocol)
            try:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                sock.settimeout(_left(until))
                _current.get().sock = sock
                sock.connect(address)
                # What is left of it is for TLS.
                sock.settimeout(_left(until))
                return sock
            except OSError as error:
                failure = error
                sock.close()
        raise failure

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        exchange = _current.get()
        exchange.connected, exchange.sock = True, self.sock
        for start in range(0, len(data), 16384):
            self.sock.settimeout(_left())
            super().send(data[start : start + 16384])


class _Connection(_Bounded):
    pass


class _SecureConnection(_Bounded, urllib3.connection.HTTPSConnection):
    pass


def _resolved(host: str, port: int, seconds: float) -> list[Any]:
    """A name's addresses. The system's look-up knows no timeout, so that it is another thread which waits for it."""
    answers: queue.SimpleQueue[list[Any] | OSError] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM))
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


def _failure(error: BaseException) -> TransportFailure:
    """What kind of failure it is, in a sentence."""
    causes = list(_causes(error))
    unreachable = not _current.get().connected

    def first(kind: Any) -> Any:
        return next((cause for cause in causes if isinstance(cause, kind)), None)

    if first(TimeoutError | urllib3.exceptions.TimeoutError):
        bounds = _current.get().bounds
        if time.monotonic() < bounds.until:
            limit = f"within the {bounds.connect} s of Limits.connect"
        else:
            limit = "in time, by Limits.attempt, or by what was left of Limits.time"
        if unreachable:
            return TransportFailure("timeout", f"not sent: no connection {limit}", unreachable=True)
        return TransportFailure("timeout", f"no complete answer {limit}")
    if first(urllib3.exceptions.ClosedPoolError):
        return TransportFailure("other", "the client was closed meanwhile")
    if untrusted := first(ssl.SSLCertVerificationError):
        reason = f"the certificate is not trusted: {untrusted.verify_message}"
        return TransportFailure("connection", reason, unreachable=unreachable)
    if first(http.client.LineTooLong) or any("100 headers" in str(cause) for cause in causes):
        return _large_headers(_current.get().bounds)
    if (failed := first(OSError)) and failed.strerror:
        return TransportFailure("connection", failed.strerror, unreachable=unreachable)
    if first(http.client.HTTPException) and not first(http.client.IncompleteRead | http.client.RemoteDisconnected):
        return TransportFailure("connection", "what came back is not HTTP")
    return TransportFailure("connection", "it was closed before the answer was complete", unreachable=unreachable)


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
