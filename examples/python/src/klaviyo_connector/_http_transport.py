"""The transport that is used by default."""

from __future__ import annotations

import http.client
import ssl
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import urllib3

from . import _fork
from ._connection import Connection, Exchange, SecureConnection, current, failure, large_headers, left
from ._proxy import Proxy
from .transport import Bounds, HttpRequest, HttpResponse, TransportFailure

_KEPT = 32


class HttpTransport:
    """HTTP/1.1 by urllib3, connections kept, to one origin: it can reach no other. TLS with the certificates that the
    system trusts. No redirect, no repetition, no compression.

    A proxy is used where the environment names one when this is made: `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`, in
    capitals or not, unless `NO_PROXY` has the host. Through it goes TLS to Klaviyo, so that it sees no request and no key;
    what goes to an `http://` origin it sees."""

    def __init__(self, origin: str, *, trust_env: bool = True) -> None:
        """`trust_env`: whether a proxy is taken from the environment. Raises `ConfigurationError` for one that cannot be
        used."""
        self._origin = origin
        self._context = ssl.create_default_context() if origin.startswith("https://") else None
        self._proxy = Proxy.of_environment(origin) if trust_env else None
        self._begin()
        _fork.renew(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self._pool: urllib3.HTTPConnectionPool | None = None

    # The connections are the parent's: two processes that write to one would read each other's answers.
    after_fork = _begin

    def _opened(self) -> urllib3.HTTPConnectionPool:
        """Made when it is needed: a client, or the child of a fork, may send nothing."""
        with self._lock:
            if self._pool is None:
                self._pool = self._new_pool()
            return self._pool

    def _new_pool(self) -> urllib3.HTTPConnectionPool:
        parts, proxy = urlsplit(self._origin), self._proxy
        options: dict[str, Any] = {"maxsize": _KEPT, "retries": False}
        if self._context is not None:
            options["ssl_context"] = self._context
        if proxy is None:
            return (_Pool if self._context is None else _SecurePool)(parts.hostname or "", parts.port, **options)
        # To the proxy itself there may be TLS too.
        own = ssl.create_default_context() if proxy.url.startswith("https://") else None
        manager = urllib3.ProxyManager(proxy.url, proxy_headers=proxy.headers, proxy_ssl_context=own, **options)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager.connection_from_host(parts.hostname, parts.port, parts.scheme)

    def send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        exchange = Exchange(bounds, self._proxy)
        token = current.set(exchange)
        try:
            with bounds.cancellation.waking(exchange.interrupt):
                return self._send(request, bounds)
        except TransportFailure:
            raise
        except (OSError, http.client.HTTPException, urllib3.exceptions.HTTPError) as error:
            bounds.cancellation.check()
            # Without the cause: its frames hold the headers, and its text the address, which may hold an email.
            raise failure(error) from None
        finally:
            current.reset(token)

    def _send(self, request: HttpRequest, bounds: Bounds) -> HttpResponse:
        parts = urlsplit(request.url)
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        # A proxy is told the whole address, unless it passes TLS on.
        forwarded = self._proxy is not None and self._context is None
        response: urllib3.BaseHTTPResponse = self._opened().urlopen(
            request.method,
            request.url if forwarded else path,
            body=request.body or None,
            headers=dict(request.headers),
            redirect=False,
            assert_same_host=False,
            retries=False,
            preload_content=False,
            decode_content=False,
            # Each step asks the clock by itself: see `_connection`.
            timeout=urllib3.Timeout(connect=left(), read=left()),
        )
        try:
            headers = tuple((name, value.encode("latin-1")) for name, value in response.headers.items())
            if sum(len(name) + len(value) + len(": \r\n") for name, value in headers) > bounds.header_bytes:
                raise large_headers(bounds)
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
        # A pool that is closed makes no connections.
        self._opened().close()


class _Pooled(urllib3.HTTPConnectionPool):
    def _put_conn(self, conn: Any) -> None:
        """Closes a connection that there is no place for. urllib3 would warn of each."""
        if conn is not None and self.pool is not None and self.pool.full():
            conn.close()
        else:
            super()._put_conn(conn)


class _Pool(_Pooled):
    ConnectionCls = Connection


class _SecurePool(_Pooled, urllib3.HTTPSConnectionPool):
    ConnectionCls = SecureConnection


def _pieces(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    while piece := response.read(65536, decode_content=False):
        yield piece
        # Of a body of known length the end is known, too.
        if response.length_remaining == 0:
            return


def _large_body(bounds: Bounds) -> TransportFailure:
    limit = bounds.response_bytes
    return TransportFailure("too-large", f"the answer has more than the {limit} bytes of Limits.response_bytes")
